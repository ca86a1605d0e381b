package main

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// Whatever a settings file holds, it is refused with a sentence or gives texts.
func FuzzReadSettings(f *testing.F) {
	for _, seed := range []string{
		"", "# nothing\n", "fallback: \"9876543210\"\nkey: [a, b]\n", "fallback_did:\n- 918645658689=9876543210\n", "deadline: {a: 1}\n", "- a\n", "a: 1\na: 2\n",
		"key: [~]\n", "key: ~\n", "a: &x 1\nb: *x\n", "<<: {a: 1}\n", "? [a]\n: b\n", "a: 1\n---\nb: 2\n", "a: !!binary aGk=\n", "\t", "{", "a: [[1]]\n",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s, err := readSettings(strings.NewReader(text))
		if err != nil {
			if len(err.Error()) < 10 {
				t.Fatalf("%q is refused with %q", text, err)
			}
			return
		}
		for name, v := range s.values {
			_, isText := v.value.(string)
			list, isList := v.value.([]any)
			if v.line < 1 || isText == isList || slices.ContainsFunc(list, func(item any) bool { _, ok := item.(string); return !ok }) {
				t.Fatalf("%q: %s is %#v", text, name, v)
			}
		}
	})
}

func FuzzAge(f *testing.F) {
	for _, seed := range []string{"400d", "36h", "0", "0d", "-1d", "36500d", "36501d", "1.5d", "1h30m", "9223372036854775807ns", "+3d", "d", "-0h"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var a, again age
		if a.UnmarshalText([]byte(text)) != nil {
			return
		}
		if time.Duration(a) < 0 {
			t.Fatalf("%q is %s", text, a)
		}
		if err := again.UnmarshalText([]byte(a.String())); err != nil || again != a {
			t.Fatalf("%q is printed as %s, which is read as %s, %v", text, a, again, err)
		}
	})
}

// A file that goes on behind "---" would have what follows left out in silence,
// and an item without a value is no secret by the name of "~".
func TestSettingsThatWouldBeLeftOut(t *testing.T) {
	for text, says := range map[string]string{
		"fallback: \"9876543210\"\n---\nkye: secret\n": "---",
		"key: [~]\n":               "line 1",
		"key:\n- secret\n- null\n": "line 3",
	} {
		if _, err := readSettings(strings.NewReader(text)); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v", text, err)
		}
	}
	if s, err := readSettings(strings.NewReader("---\n# nothing is set\n")); err != nil || len(s.values) > 0 {
		t.Errorf("a file without settings: %v, %v", s, err)
	}
}
