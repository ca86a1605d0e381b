package policy

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"switchboard/engine"
)

// Teams are lists or names of lists; what is neither is nobody.
func TestDirectory(t *testing.T) {
	set := routing(t, "decision := true")
	set.compiled.documents.data = map[string]any{"directory": map[string]any{
		"teams": map[string]any{"north": []any{"9876543210", "9876543211"}},
		"dids": map[string]any{
			"918645658682": map[string]any{"name": "Sales", "team": []any{"9876543212", 7}},
			"918645658681": map[string]any{"team": "north"},
			"918645658683": map[string]any{"team": "nobody"},
			"918645658680": nil,
		}}}
	set.compiled.documents.dids = map[string]bool{"918645658682": true, "918645658681": true, "918645658683": true, "918645658680": true}
	var m Manager
	if got := m.Directory(); got != nil {
		t.Errorf("without a set: %v", got)
	}
	m.active.Store(set)
	want := []engine.DirectoryDID{
		{DID: "918645658680"}, {DID: "918645658681", Team: []string{"9876543210", "9876543211"}},
		{DID: "918645658682", Name: "Sales", Team: []string{"9876543212"}}, {DID: "918645658683"},
	}
	if d := cmp.Diff(want, m.Directory()); d != "" {
		t.Error(d)
	}
}
