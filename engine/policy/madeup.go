package policy

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/util"

	"switchboard/engine"
	"switchboard/engine/policy/finding"
	"switchboard/engine/policy/mounted"
)

// historyDocument reads a document for data.history; nil is the live one. It
// may leave out whatever the policies don't look at, as `with data.history as`
// in a test may. What no policy could ever find there is refused: a number in
// another spelling than the canonical one, or a field that histories don't have,
// would be passed over, and the answer be that of a call without a history.
func historyDocument(raw json.RawMessage, numbers *engine.Numbers) (ast.Object, error) {
	if raw = bytes.TrimSpace(raw); len(raw) == 0 || string(raw) == "null" {
		return nil, nil
	}
	decoder := util.NewJSONDecoder(bytes.NewReader(raw)) // keeps numbers as they are written
	var doc any
	if err := decoder.Decode(&doc); err != nil {
		return nil, fmt.Errorf("history is not JSON: %w", err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("history is not JSON: something follows the document")
	}
	collections, ok := doc.(map[string]any)
	if !ok {
		return nil, errors.New(`history must be an object such as {"callers": {"9988912345": {...}}}`)
	}
	if err := (madeUp{numbers}).history(collections); err != nil {
		return nil, err
	}
	v, err := ast.InterfaceToValue(collections)
	if err != nil {
		return nil, fmt.Errorf("history: %w", err)
	}
	return v.(ast.Object), nil
}

// madeUp holds a made-up history against what histories look like.
type madeUp struct{ numbers *engine.Numbers }

func (m madeUp) history(collections map[string]any) error {
	shapes := mounted.Documents[mounted.History].Collections
	for _, name := range slices.Sorted(maps.Keys(collections)) {
		shape, ok := shapes[name]
		if !ok {
			return fmt.Errorf("history has no collection %q; %sit may hold callers, receivers and dids by number, and calls by call_id",
				brief(name), meant(name, slices.Sorted(maps.Keys(shapes))))
		}
		entries, ok := collections[name].(map[string]any)
		if !ok {
			return fmt.Errorf("history.%s must be an object keyed by %s", name, keyOf(name))
		}
		for _, key := range slices.Sorted(maps.Keys(entries)) {
			where := fmt.Sprintf("history.%s[%q]", name, brief(key))
			if _, ok := entries[key].(map[string]any); !ok {
				return fmt.Errorf("%s must be an object", where)
			}
			if err := m.key(name, key, where); err != nil {
				return err
			}
			if err := m.value(shape, where, entries[key]); err != nil {
				return err
			}
		}
	}
	return nil
}

func keyOf(collection string) string {
	if collection == callsCollection {
		return "call_id"
	}
	return strings.TrimSuffix(collection, "s") + " number"
}

// key checks what a profile is looked up by: what is no number has none.
func (m madeUp) key(collection, key, where string) error {
	if collection == callsCollection {
		return nil
	}
	read := m.numbers.Person
	if collection == string(engine.DIDs) {
		read = m.numbers.DID
	}
	switch n := read(key); {
	case !n.Valid:
		return fmt.Errorf("%s: that is no number that could be called, and only numbers have a history; write it like %s", where, read("918645658689").Canonical)
	case n.Canonical != key:
		return fmt.Errorf("%s: policies look it up in its canonical form; write %q", where, n.Canonical)
	}
	return nil
}

// value checks one part, and all that lies below it. Null is any part that is
// not there.
func (m madeUp) value(s *mounted.Shape, where string, v any) error {
	switch {
	case s == nil || v == nil:
		return nil
	case s.Leaf:
		return leaf(s, where, v)
	case s.List:
		list, ok := v.([]any)
		if !ok {
			return fmt.Errorf("%s must be a list", where)
		}
		for i, item := range list {
			if err := m.value(s.Each, fmt.Sprintf("%s[%d]", where, i), item); err != nil {
				return err
			}
		}
		return nil
	}
	object, ok := v.(map[string]any)
	if !ok {
		return fmt.Errorf("%s must be an object", where)
	}
	for _, name := range slices.Sorted(maps.Keys(object)) {
		if err := m.field(s, where, name, object[name]); err != nil {
			return err
		}
	}
	return nil
}

// field checks one of an object.
func (m madeUp) field(s *mounted.Shape, where, name string, v any) error {
	if s.Each != nil { // any keys
		return m.value(s.Each, fmt.Sprintf("%s[%q]", where, brief(name)), v)
	}
	shape, ok := s.Fields[name]
	if !ok {
		return fmt.Errorf("%s has no %q; %sthere is %s", where, brief(name), meant(name, s.Names()), strings.Join(s.Names(), ", "))
	}
	where += "." + name
	if name == "days" {
		if days, ok := v.(map[string]any); ok {
			for _, day := range slices.Sorted(maps.Keys(days)) {
				if _, err := time.Parse(time.DateOnly, day); err != nil {
					return fmt.Errorf("%s: %q is no day; write it like 2025-11-22", where, brief(day))
				}
			}
		}
	}
	if err := m.value(shape, where, v); err != nil {
		return err
	}
	if text, ok := v.(string); ok && text != "" {
		return m.text(where, name, text)
	}
	return nil
}

// text checks the texts of a call that policies compare.
func (m madeUp) text(where, name, text string) error {
	canonical := text
	switch name {
	case "caller_number", "receiver_number":
		canonical = m.numbers.Person(text).Canonical
	case "did":
		canonical = m.numbers.DID(text).Canonical
	case "status":
		if !slices.Contains(statuses, text) {
			return fmt.Errorf("%s: there is no status %q; there is %s", where, brief(text), strings.Join(statuses, ", "))
		}
	}
	if canonical != text {
		return fmt.Errorf("%s: policies compare it in its canonical form; write %q and not %q", where, canonical, brief(text))
	}
	return nil
}

var statuses = []string{
	string(engine.StatusInFlight), string(engine.StatusAnswered), string(engine.StatusNotAnswered),
	string(engine.StatusOther), string(engine.StatusExpired), string(engine.StatusRejected),
}

// leaf checks that a text is one and a number one: OPA compares neither with the
// other.
func leaf(s *mounted.Shape, where string, v any) error {
	text, isText := v.(string)
	number, isNumber := v.(json.Number)
	switch {
	case s.Text() && isNumber:
		return fmt.Errorf("%s must be a text; write \"%s\", in quotes", where, brief(number.String()))
	case s.Text() && !isText:
		return fmt.Errorf("%s must be a text", where)
	case !s.Text() && isText:
		return fmt.Errorf("%s must be a number, not the text %q", where, brief(text))
	case !s.Text() && !isNumber:
		return fmt.Errorf("%s must be a number", where)
	}
	return nil
}

// meant is the beginning of a hint at the known name that is nearest.
func meant(name string, known []string) string {
	if near := finding.Nearest(name, known); near != "" {
		return fmt.Sprintf("did you mean %s? ", near)
	}
	return ""
}
