package policy

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"switchboard/engine"
)

const listed = `decision := {"call_forwarding_number": data.directory.dids[input.did].team[0]}
`

// listedTree routes by a directory, and has something to warn of in it.
func listedTree(edits map[string]string) Tree {
	return Tree{
		"routing/routing.rego": []byte("package routing\n\n" + listed),
		"directory/data.yaml":  []byte("dids:\n  \"" + calledDID + "\": {team: [\"9876543210\"], note: \"+91 98765 43211\"}\n"),
	}.Overlay(edits)
}

// A set whose data files are those of the set that serves takes over what they
// came to, and its report says the same as one that read them itself.
func TestDataFilesThatDidNotChangeAreReadOnce(t *testing.T) {
	o := testOptions(t)
	active, first := Load(t.Context(), listedTree(nil), o, Checks{})
	if active == nil || len(first.Warnings) == 0 {
		t.Fatalf("%q, %q", lines(first.Errors), lines(first.Warnings))
	}
	for name, c := range map[string]struct {
		edits map[string]string
		same  bool
	}{
		"a rule beside":          {map[string]string{"routing/more.rego": "package routing\n\nmore := 1\n"}, true},
		"a rule that slips":      {map[string]string{"routing/more.rego": "package routing\n\nmore := input.callr\n"}, true},
		"a rule over data":       {map[string]string{"routing/more.rego": "package directory\n\ndids := 1\n"}, true},
		"a recipe, which judges": {map[string]string{"recipes/team/team.rego": "package recipes.team\n\nx := 1\n"}, true},
		"a file of data more":    {map[string]string{"more/data.yaml": "a: 1\n"}, false},
		"another number":         {map[string]string{"directory/data.yaml": "dids:\n  \"" + calledDID + "\": {team: [\"9876543212\"]}\n"}, false},
		"a slip in the data":     {map[string]string{"directory/data.yaml": "dids:\n  \"" + calledDID + "\": {team: [9876543212]}\n"}, false},
		"no data":                {map[string]string{"directory/data.yaml": "", "routing/routing.rego": "package routing\n\ndecision := {\"reject\": true}\n"}, false},
		"other data, as much":    {map[string]string{"directory/data.yaml": "", "directory/dids.yaml": "dids: {}\n"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			tree := listedTree(c.edits)
			if same := documentsOf(active, tree, o) != nil; same != c.same {
				t.Fatalf("the data is taken over: %v", same)
			}
			after, got := Load(t.Context(), tree, o, Checks{Active: active})
			_, want := Load(t.Context(), tree, o, Checks{})
			// That the set before answered is in the nature of having one.
			drop := strings.NewReplacer("; the set that serves now answers this call", "", "; meanwhile the fallback answers such calls", "")
			text := func(r engine.Report) string {
				return drop.Replace(strings.Join(append(lines(r.Errors), lines(r.Warnings)...), "\n"))
			}
			if d := cmp.Diff(text(want), text(got)); d != "" {
				t.Errorf("the report (-alone +beside):\n%s", d)
			}
			if after == nil {
				return
			}
			if shared := after.mount.document == active.mount.document; shared != c.same {
				t.Errorf("the documents are shared: %v", shared)
			}
			if !after.IsDID(calledDID) && c.same {
				t.Error("its DIDs are lost")
			}
		})
	}
	other := testOptions(t)
	if documentsOf(active, listedTree(nil), other) != nil {
		t.Error("numbers of another region judge alike")
	}
	if o.Thorough = true; documentsOf(active, listedTree(nil), o) != nil {
		t.Error("a bounded look is as good as a thorough one")
	}
}
