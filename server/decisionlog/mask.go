package decisionlog

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"switchboard/engine"
)

// unmasked are the places that can hold no person's number: what is digits there
// is a DID, a date or a file.
var unmasked = []string{"/input/did", "/input/time", "/input/call_id", "/custom/did", "/custom/call_id", "/custom/fired"}

// Mask cuts people's numbers to their last digits, wherever they stand in the
// event, and notes the places in Masked as OPA does.
func (e *Event) Mask() {
	e.Input = e.masked("/input", e.Input)
	e.Result = e.masked("/result", e.Result)
	if e.Error != nil {
		if text := engine.Mask(e.Error.Message); text != e.Error.Message {
			e.Error.Message = text
			e.Masked = append(e.Masked, "/error/message")
		}
	}
	e.Custom, _ = e.masked("/custom", e.Custom).(map[string]any)
}

func (e *Event) masked(at string, v any) any {
	if slices.Contains(unmasked, at) {
		return v
	}
	switch v := v.(type) {
	case string:
		text := engine.Mask(v)
		if text != v {
			e.Masked = append(e.Masked, at)
		}
		return text
	case map[string]any:
		for _, k := range slices.Sorted(maps.Keys(v)) {
			v[k] = e.masked(at+"/"+pointer(k), v[k])
		}
	case []any:
		for i := range v {
			v[i] = e.masked(at+"/"+strconv.Itoa(i), v[i])
		}
	}
	return v
}

// pointer escapes a name for a JSON pointer (RFC 6901).
func pointer(name string) string {
	return strings.ReplaceAll(strings.ReplaceAll(name, "~", "~0"), "/", "~1")
}
