package engine_test

import (
	"errors"
	"strings"
	"testing"

	"switchboard/engine"
)

func TestResolveRevision(t *testing.T) {
	known := []string{"3fa9c01277aa0e11", "3fa9d55577aa0e11", "beef000000000000", "r1"}
	for name, want := range map[string]string{
		"3fa9c01277aa0e11": "3fa9c01277aa0e11",
		"3fa9c":            "3fa9c01277aa0e11",
		"beef":             "beef000000000000",
		"r1":               "r1", // whole, however short
	} {
		if got, err := engine.ResolveRevision(name, known); got != want || err != nil {
			t.Errorf("%s means %q, %v; want %q", name, got, err, want)
		}
	}
	for _, name := range []string{"", "bee", "r", "beef1", "3fa9c01277aa0e110"} {
		if got, err := engine.ResolveRevision(name, known); !errors.Is(err, engine.ErrNoRevision) {
			t.Errorf("%q means %q, %v; want none", name, got, err)
		}
	}
	_, err := engine.ResolveRevision("3fa9", known)
	var ambiguous *engine.AmbiguousError
	if !errors.As(err, &ambiguous) || len(ambiguous.Fits) != 2 || !strings.Contains(err.Error(), "3fa9d55577aa0e11") {
		t.Errorf("an ambiguous one gives %v", err)
	}
	if got, err := engine.ResolveRevision("abc0", nil); !errors.Is(err, engine.ErrNoRevision) {
		t.Errorf("nothing known gives %q, %v", got, err)
	}
}
