package alohaa

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"switchboard/engine"
)

// A payload may be as ugly as it likes: reading it must not take the time that
// the call needs. The bound is far above what it takes, and far below what
// quadratic work would take.
func TestUglyPayloadsAreQuick(t *testing.T) {
	repeat := func(open, unit, end string) string {
		return open + strings.Repeat(unit, (engine.MaxBody-len(open)-len(end))/len(unit)) + end
	}
	var cases strings.Builder // every key another spelling of the case of a known name
	for i := 0; cases.Len() < engine.MaxBody-64; i++ {
		name := []byte("call_recording_url")
		for bit := range name {
			if i>>bit&1 == 1 && name[bit] != '_' {
				name[bit] -= 'a' - 'A'
			}
		}
		fmt.Fprintf(&cases, `"%s": %d,`, name, i)
	}
	for name, r := range map[string]Request{
		"nested arrays":  post(repeat(`{"did": `, "[", "")),
		"nested objects": post(repeat("", `{"a":`, "")),
		"comments":       post(repeat("{", "/**/", "}")),
		"open comments":  post(repeat("", "/*", "")),
		"lines":          post(repeat("{", "//\n", "}")),
		"flat comments":  post(repeat("{", "//", "}")),
		"flat fields":    post(repeat("{", `//"a`, `":1}`)),
		"commas":         post(repeat("{", ",", "}")),
		"keys":           post(repeat("{", `"":0,`, "}")),
		"cases":          post("{" + cases.String() + "}"),
		"digits":         post(repeat(`{"call_id":`, "9", "}")),
		"escapes":        post(repeat(`{"call_id":"`, `\u0000`, `"}`)),
		"broken UTF-8":   post(repeat(`{"call_id":"`, "\xff", `"}`)),
		"form":           form(repeat("", "&", "")),
		"form keys":      form(repeat("", "=&a", "")),
		"form percent":   form(repeat("did=", "%", "")),
		"query":          get(repeat("", "%=&", "")),
		"boundaries":     {Method: "POST", ContentType: "multipart/form-data; boundary=x", Body: []byte(repeat("", "--x\r\n\r\n", ""))},
		"colons":         post(repeat(`{"call_id":"1","call_duration":"`, ":", `"}`)),
		"status":         post(repeat(`{"call_id":"1","call_status":"`, "_", `"}`)),
	} {
		t.Run(name, func(t *testing.T) {
			p, start := parser(t), time.Now()
			// Refused or not: neither panics nor dawdles.
			_, _ = p.Initiation(r, arrived)
			_, _ = p.Completion(r, arrived)
			took := time.Since(start)
			t.Log(took)
			if took > 5*time.Second {
				t.Errorf("took %s", took)
			}
		})
	}
}
