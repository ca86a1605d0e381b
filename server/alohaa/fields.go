package alohaa

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// fields are a payload's fields by name, each value as JSON. What is taken is
// removed, so that the rest is what nobody understood.
type fields map[string]json.RawMessage

// set stores a form's value. Of repeated names the last counts, as in JSON.
func (f fields) set(name, value string) {
	// Marshalling a string can't fail.
	f[name], _ = json.Marshal(value)
}

// take removes the named field and its aliases and returns the first text among
// them that is not blank, trimmed.
func (f fields) take(names ...string) string {
	return read(f, anyText, names...)
}

// anyText is the parser of what may be any text.
func anyText(s string) (string, bool) { return s, true }

// spelled is take for a number: the text is as it came, blanks around it and
// all, because policies see that too. parse may refuse a text; it gets it trimmed.
func (f fields) spelled(parse func(string) (string, bool), names ...string) string {
	_, came := first(f, parse, names...)
	return came
}

// read removes the named field and its aliases and returns the first value among
// them that parses; the exact name goes before another spelling of its case.
// What does not parse stays, as does an alias that says something else. Where
// there is none, the result is what parse answers to "".
func read[T comparable](f fields, parse func(string) (T, bool), names ...string) T {
	found, _ := first(f, parse, names...)
	return found
}

// first is read, and tells the text of the value as it came as well; where all
// are blank, that of the first.
func first[T comparable](f fields, parse func(string) (T, bool), names ...string) (found T, came string) {
	found, _ = parse("")
	have := false
	for _, name := range names {
		for _, key := range f.spellings(name) {
			raw, ok := text(f[key])
			if !ok {
				continue
			}
			s := strings.TrimSpace(raw)
			if s != "" {
				v, ok := parse(s)
				if !ok || have && v != found {
					continue
				}
				if !have {
					found, came, have = v, raw, true
				}
			} else if came == "" {
				came = raw
			}
			delete(f, key)
		}
	}
	return found, came
}

// spellings are the keys that mean a name, the exact one first, the others in a
// fixed order so that the same payload always reads the same.
func (f fields) spellings(name string) []string {
	var keys []string
	if _, ok := f[name]; ok {
		keys = append(keys, name)
	}
	if len(keys) == len(f) {
		return keys
	}
	var others []string
	for key := range maps.Keys(f) {
		if key != name && strings.EqualFold(key, name) {
			others = append(others, key)
		}
	}
	slices.Sort(others)
	return append(keys, others...)
}

// text is a JSON string or number as text, and "" for null. ok is false for
// anything else.
func text(raw json.RawMessage) (s string, ok bool) {
	if len(raw) == 0 {
		return "", false
	}
	switch raw[0] {
	case '"':
		return s, json.Unmarshal(raw, &s) == nil
	case 'n':
		return "", true
	case '{', '[', 't', 'f':
		return "", false
	}
	return plainNumber(string(raw)), true
}

// maxPlain bounds the digits that a number in exponent form is written out to.
const maxPlain = 40

// plainNumber writes a whole JSON number without exponent and fraction:
// 9.988912345e9 is what some encoders make of a telephone number. It works on
// the text, because a float would lose digits of a long call_id. Any other
// number stays as it is.
func plainNumber(s string) string {
	digits, sign := strings.CutPrefix(s, "-")
	mantissa, exponent, _ := strings.Cut(strings.ToLower(digits), "e")
	whole, fraction, _ := strings.Cut(mantissa, ".")
	shift := 0
	if exponent != "" {
		var err error
		if shift, err = strconv.Atoi(exponent); err != nil || shift < -maxPlain || shift > maxPlain {
			return s
		}
	}
	if exponent == "" && fraction == "" {
		return s
	}
	all, point := whole+fraction, len(whole)+shift
	switch {
	case point < 0:
		return s
	case point > len(all):
		all += strings.Repeat("0", point-len(all))
	case strings.Trim(all[point:], "0") != "":
		return s
	default:
		all = all[:point]
	}
	if all = strings.TrimLeft(all, "0"); all == "" {
		return "0"
	}
	if sign {
		return "-" + all
	}
	return all
}
