package policy

import (
	"slices"
	"testing"
)

func TestPool(t *testing.T) {
	const a, b, c = "918645658680", "918645658681", "918645658682"
	for name, test := range map[string]struct {
		dids map[string]any
		want []string
	}{
		"none marked": {map[string]any{b: map[string]any{}, a: nil, c: map[string]any{"pool": false}}, []string{a, b, c}},
		"two marked":  {map[string]any{c: map[string]any{"pool": true}, b: map[string]any{}, a: map[string]any{"pool": true}}, []string{a, c}},
		"not true":    {map[string]any{a: map[string]any{"pool": "true"}, b: map[string]any{"pool": 1}}, []string{a, b}},
		"no DIDs":     {map[string]any{}, nil},
	} {
		set := routing(t, "decision := true")
		set.compiled.documents.data = map[string]any{"directory": map[string]any{"dids": test.dids}}
		set.compiled.documents.dids = map[string]bool{}
		for did := range test.dids {
			set.compiled.documents.dids[did] = true
		}
		if got := set.Pool(); !slices.Equal(got, test.want) {
			t.Errorf("%s: %v, want %v", name, got, test.want)
		}
	}
	var m Manager
	if got := m.Pool(); got != nil {
		t.Errorf("without a set: %v", got)
	}
}
