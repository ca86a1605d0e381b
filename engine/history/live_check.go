package history

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"switchboard/engine"
)

func bad(why string) error { return &engine.BadInputError{Why: why} }

// maxNumber bounds a number in bytes. Possible numbers are far shorter.
const maxNumber = 64

// checkSession says what is wrong with a session and brings its data into one
// spelling, so that the same content is recognised.
func checkSession(s *engine.Session, pool []string, now int64) error {
	a, b := s.Parties[0], s.Parties[1]
	switch {
	case s.Ref == "":
		return bad("the session has no ref; name it by what your system calls the order")
	case len(s.Ref) > engine.MaxSessionRef:
		return bad(fmt.Sprintf("the ref has %d bytes; at most %d are allowed", len(s.Ref), engine.MaxSessionRef))
	case !printable(s.Ref):
		return bad("the ref must be text without control characters")
	case a == "" || b == "":
		return bad("a session needs two parties; give both their numbers")
	case a == b:
		return bad("both parties are the same number; give two different ones")
	case s.DID != "" && (s.DID == a || s.DID == b):
		return bad("a party is the session's own DID, which can't be called from itself; give the person's number")
	case !possible(a) || !possible(b) || s.DID != "" && !possible(s.DID):
		return bad("the did and the parties must be telephone numbers in canonical form")
	case s.Expires < 0 || s.Expires != 0 && s.Expires <= now:
		return bad("expires lies in the past; give a time to come, or leave it out for a session that lasts until it is ended")
	case len(s.Data) > engine.MaxSessionData:
		return bad(fmt.Sprintf("data has %d bytes; at most %d are allowed", len(s.Data), engine.MaxSessionData))
	}
	if s.DID == "" {
		if err := checkPool(pool); err != nil {
			return err
		}
		for _, did := range pool {
			if !possible(did) {
				return bad("the pool holds something that is no DID in canonical form; correct it")
			}
		}
	}
	data, err := compact(s.Data)
	if err != nil || data != nil && data[0] != '{' && string(data) != "null" {
		return bad(`data must be a JSON object, such as {"order": 17}`)
	}
	s.Data = data
	if len(data) <= 2 || string(data) == "null" { // {} is none
		s.Data = nil
	}
	return nil
}

func printable(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, unicode.IsControl)
}

// possible reports whether a text can be a canonical number: digits, with a plus
// before those of other countries.
func possible(n string) bool {
	digits := strings.TrimPrefix(n, "+")
	return digits != "" && len(n) <= maxNumber && strings.Trim(digits, "0123456789") == ""
}

func compact(raw json.RawMessage) (json.RawMessage, error) {
	if len(bytes.TrimSpace(raw)) == 0 {
		return nil, nil
	}
	var b bytes.Buffer
	if !utf8.Valid(raw) {
		return nil, errors.New("it is not UTF-8")
	}
	if err := json.Compact(&b, raw); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// checkFact says what is wrong with a fact and brings its value into one
// spelling.
func checkFact(f *engine.Fact, now int64) error {
	if err := checkNames(f.Collection, f.Key); err != nil {
		return err
	}
	if f.Expires < 0 || f.Expires != 0 && f.Expires <= now {
		return bad("expires lies in the past; give a time to come, or leave it out for a fact that stays until it is deleted")
	}
	v, err := compact(f.Value)
	switch {
	case err != nil:
		return bad("the value is not JSON: " + err.Error())
	case v == nil:
		return bad("the fact has no value; give any JSON value, such as true")
	case len(v) > engine.MaxFactValue:
		return bad(fmt.Sprintf("the value has %d bytes; at most %d are allowed", len(v), engine.MaxFactValue))
	}
	f.Value = v
	return nil
}

func checkNames(collection, key string) error {
	for _, name := range [][2]string{{"collection", collection}, {"key", key}} {
		if !nameOK(name[1]) {
			return bad(fmt.Sprintf("the %s's name must have 1 to %d letters, digits or any of . _ : + @ * -", name[0], engine.MaxFactName))
		}
	}
	return nil
}

func nameOK(name string) bool {
	return name != "" && len(name) <= engine.MaxFactName && !strings.ContainsFunc(name, func(r rune) bool {
		switch {
		case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9', strings.ContainsRune("._:+@*-", r):
			return false
		}
		return true
	})
}
