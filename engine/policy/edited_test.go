package policy

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"switchboard/engine"
	"switchboard/policies"
)

// largeDirectory is a set with so many DIDs, held against the starter set's
// schema.
func largeDirectory(entries int) Tree {
	var text strings.Builder
	text.WriteString("# our lines\ndids:\n\n")
	for i := range entries {
		fmt.Fprintf(&text, "  \"9180%08d\":\n    name: Line %d\n    team: [\"98765%05d\", \"98766%05d\"]\n", 10_000_000+i, i, i, i)
	}
	text.WriteString("\n# and those in charge\nteams:\n  north: [\"9876543210\"]\n")
	return Tree{
		"routing/routing.rego":          []byte("package routing\n\n" + listed),
		"directory/data.yaml":           []byte(text.String()),
		"schemas/directory/schema.json": mustRead("schemas/directory/schema.json"),
	}
}

func mustRead(name string) []byte {
	text, err := policies.Files.ReadFile(name)
	if err != nil {
		panic(err)
	}
	return text
}

// replaced is a tree in which a text of the directory is another one.
func replaced(t testing.TB, tree Tree, old, text string) Tree {
	t.Helper()
	was := string(tree["directory/data.yaml"])
	is := strings.Replace(was, old, text, 1)
	if is == was {
		t.Fatalf("there is no %q", old)
	}
	return tree.Overlay(map[string]string{"directory/data.yaml": is})
}

// whole are the same options for a load that takes nothing over.
func whole(t testing.TB, o Options) Options {
	t.Helper()
	numbers, err := engine.NewNumbers("IN")
	if err != nil {
		t.Fatal(err)
	}
	o.Numbers = numbers
	return o
}

// same loads a tree after another one with what may be taken over, and as a
// whole, and fails unless both come to the same. It returns the former.
func same(t interface {
	Helper()
	Fatalf(string, ...any)
}, active *Set, tree Tree, o, whole Options) (after *Set, edited bool) {
	t.Helper()
	edited = active != nil && editedDocuments(active, tree, o) != nil
	after, got := Load(context.Background(), tree, o, Checks{Active: active})
	alone, want := Load(context.Background(), tree, whole, Checks{Active: active})
	if d := cmp.Diff([][]engine.Problem{want.Errors, want.Warnings}, [][]engine.Problem{got.Errors, got.Warnings}); d != "" || got.OK != want.OK {
		t.Fatalf("the report, of an edit %v (-whole +edited):\n%s", edited, d)
	}
	if after == nil {
		return nil, edited
	}
	if d := cmp.Diff(alone.compiled.data, after.compiled.data); d != "" {
		t.Fatalf("the data (-whole +edited):\n%s", d)
	}
	if d := cmp.Diff(alone.compiled.dids, after.compiled.dids); d != "" {
		t.Fatalf("the DIDs (-whole +edited):\n%s", d)
	}
	if alone.mount.document.Compare(after.mount.document) != 0 || alone.mount.document.Hash() != after.mount.document.Hash() {
		t.Fatalf("the terms are %v, want %v", after.mount.document, alone.mount.document)
	}
	return after, edited
}

// An edit of entries comes to what a load of everything comes to, and is looked
// at alone where what was left out can have nothing to do with it.
func TestAnEditedEntryIsLookedAtAlone(t *testing.T) {
	const entry = "  \"918010000040\":\n    name: Line 40\n"
	in := func(text string) [2]string { return [2]string{entry, entry + "    " + text + "\n"} }
	insert := func(text string) [2]string { return [2]string{entry, text + "\n" + entry} }
	for name, c := range map[string]struct {
		edit  [2]string
		alone bool
	}{
		"a name":                       {[2]string{"Line 40", "Linie 40"}, true},
		"a number":                     {[2]string{"9876500040", "9876543999"}, true},
		"a number that is implausible": {[2]string{"9876500040", "1111111111"}, true},
		"a spelling":                   {[2]string{"Line 40", `"+91 98765 43211"`}, true},
		"a key without quotes":         {[2]string{`"918010000040":`, `918010000040:`}, true},
		"an empty team":                {[2]string{`["9876500040", "9876600040"]`, `[]`}, true},
		"a comment":                    {insert("  # a comment"), true},
		"an empty line":                {insert(""), true},
		"an entry more":                {insert(`  "918099999999": {team: ["9876543210"]}`), true},
		"an entry less":                {[2]string{entry + "    team: [\"9876500040\", \"9876600040\"]\n", ""}, true},
		"the first entry":              {[2]string{"Line 0\n", "Zero\n"}, true},
		"the last entry":               {[2]string{"Line 79\n", "Last\n"}, true},
		"another DID in its place":     {[2]string{`"918010000040"`, `"918088888888"`}, true},
		"a text of several lines":      {in("note: |\n      dids:\n        \"918010000041\": x\n"), false}, // the schema refuses it
		"a slip":                       {[2]string{"9876500040", "98765"}, false},
		"a number without quotes":      {[2]string{`"9876500040"`, `9876500040`}, false},
		"a DID twice":                  {insert(`  "918010000010": {team: ["9876543210"]}`), false},
		"a loop to another":            {[2]string{`"9876500040"`, `"918010000010"`}, false},
		"a loop from another":          {insert(`  "919876500010": {team: ["9876543210"]}`), false},
		"a loop in another spelling":   {[2]string{`"9876500040"`, `"8010000010"`}, false},
		"a DID that others call":       {insert(`  "9876500010": {team: ["9876543210"]}`), false},
		"what is left open":            {in(`name: "open`), false},
		"an anchor":                    {in(`overflow: &a "9876543210"`), false},
		"less indented":                {insert(` x: y`), false},
		"a new top":                    {insert(`other: {}`), false},
		"a team beside":                {[2]string{"north:", "south:"}, false},
		"another document":             {insert("---\ndids:"), false},
		"another schema of dates":      {in(`holidays: {"2026-02-30": x}`), true}, // the plan's to say, with all rules known
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := testOptions(t)
			o.listed = 1
			for _, o.warned = range []int{25, 1000} {
				tree := largeDirectory(80)
				active, report := Load(t.Context(), tree, o, Checks{})
				if active == nil {
					t.Fatalf("%q", lines(report.Errors))
				}
				if _, edited := same(t, active, replaced(t, tree, c.edit[0], c.edit[1]), o, whole(t, o)); edited != c.alone {
					t.Errorf("looked at alone: %v, with %d numbers to hold against the plan", edited, o.warned)
				}
			}
		})
	}
}

// Where somebody has to look at all DIDs, all are looked at.
func TestAnEditIsNotLookedAtAlone(t *testing.T) {
	edit := func(tree Tree) Tree { return replaced(t, tree, "Line 40", "Linie 40") }
	for name, c := range map[string]func(Tree, *Options) (before, after Tree){
		"a schema of the number of DIDs": func(tree Tree, _ *Options) (Tree, Tree) {
			tree["schemas/directory/schema.json"] = []byte(`{"properties": {"dids": {"maxProperties": 80}}}`)
			return tree, edit(tree)
		},
		"a small one": func(tree Tree, o *Options) (Tree, Tree) {
			o.listed = 1 << 20
			return tree, edit(tree)
		},
		"a thorough look": func(tree Tree, o *Options) (Tree, Tree) {
			o.Thorough = true
			return tree, edit(tree)
		},
		"two files that list DIDs": func(tree Tree, _ *Options) (Tree, Tree) {
			tree["directory/more.yaml"] = []byte("dids: {\"918010000010\": {sticky_days: 3}}\n")
			return tree, edit(tree)
		},
		"another file edited too": func(tree Tree, _ *Options) (Tree, Tree) {
			return tree, edit(tree).Overlay(map[string]string{"more/data.yaml": "a: 1\n"})
		},
		"most of it": func(tree Tree, _ *Options) (Tree, Tree) {
			text := strings.ReplaceAll(string(tree["directory/data.yaml"]), "Line", "Linie")
			return tree, tree.Overlay(map[string]string{"directory/data.yaml": text})
		},
	} {
		t.Run(name, func(t *testing.T) {
			o := testOptions(t)
			o.listed = 1
			before, after := c(largeDirectory(80), &o)
			active, report := Load(t.Context(), before, o, Checks{})
			if active == nil {
				t.Fatalf("%q", lines(report.Errors))
			}
			if _, edited := same(t, active, after, o, whole(t, o)); edited {
				t.Error("it is looked at alone")
			}
		})
	}
}

// Whatever is edited, one edit after the other, the report and the set are those
// of a load of everything.
func TestEditsComeToWhatALoadOfEverythingComesTo(t *testing.T) {
	o := testOptions(t)
	o.listed = 1
	all := whole(t, o)
	alone, refused := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		o, all := o, all
		o.warned = rapid.SampledFrom([]int{1, 20, 60, 130, 1000}).Draw(t, "warned")
		all.warned = o.warned
		tree := largeDirectory(30)
		active, report := Load(context.Background(), tree, o, Checks{})
		if active == nil {
			t.Fatalf("%q", lines(report.Errors))
		}
		for range rapid.IntRange(1, 4).Draw(t, "edits") {
			text := string(tree["directory/data.yaml"])
			for range rapid.IntRange(1, 2).Draw(t, "places") {
				text = scribble(t, text)
			}
			next := tree.Overlay(map[string]string{"directory/data.yaml": text})
			after, edited := same(t, active, next, o, all)
			if edited {
				alone++
			}
			if after == nil {
				refused++
				continue // as in life: the next edit is of what the folder held before
			}
			active, tree = after, next
		}
	})
	t.Logf("%d edits were looked at alone, %d were refused", alone, refused)
	if alone < 20 || refused < 20 {
		t.Errorf("%d edits were looked at alone, %d were refused: it tries too little", alone, refused)
	}
}

// scribble edits a directory as somebody might, well or not.
func scribble(t *rapid.T, text string) string {
	all := strings.SplitAfter(text, "\n")
	at := rapid.IntRange(0, len(all)-1).Draw(t, "line")
	did := fmt.Sprintf("9180%08d", 10_000_000+rapid.IntRange(0, 40).Draw(t, "did"))
	if rapid.IntRange(0, 2).Draw(t, "gently") > 0 {
		return gentle(t, all, at, did)
	}
	team := rapid.SampledFrom([]string{`["9876543210"]`, `["9876500003"]`, `["1111111111"]`, `["+91 98765 43211"]`, `[9876543210]`,
		`["` + did + `"]`, `["` + did[2:] + `"]`, `[]`, `north`, `["98"]`, `["9876543210", "9876543210"]`}).Draw(t, "team")
	switch rapid.IntRange(0, 8).Draw(t, "kind") {
	case 0: // an entry more
		for at < len(all) && !strings.HasPrefix(all[at], "  \"") {
			at++
		}
		key := rapid.SampledFrom([]string{`"` + did + `"`, did, `"9876500003"`, `"919876500003"`, `"+` + did + `"`, `default`}).Draw(t, "key")
		return strings.Join(slices.Insert(all, at, "  "+key+": {team: "+team+"}\n"), "")
	case 1: // an entry less
		for at < len(all) && !strings.HasPrefix(all[at], "  \"91") {
			at++
		}
		return strings.Join(slices.Delete(all, at, min(at+3, len(all))), "")
	case 2, 3: // another team
		for at < len(all) && !strings.Contains(all[at], "    team:") {
			at++
		}
		if at < len(all) {
			all[at] = "    team: " + team + "\n"
		}
		return strings.Join(all, "")
	case 4: // an entry elsewhere
		for at < len(all) && !strings.HasPrefix(all[at], "  \"91") {
			at++
		}
		if at+3 > len(all) {
			return text
		}
		entry := slices.Clone(all[at : at+3])
		return strings.Join(slices.Insert(slices.Delete(all, at, at+3), 3, entry...), "")
	case 5: // a field
		return strings.Join(slices.Insert(all, at, rapid.SampledFrom([]string{
			"    sticky_days: 3\n", "    sticky_day: 3\n", "    zone: Mars/Base\n", "    overflow: \"9876543211\"\n",
			"    after_hours: \"" + did + "\"\n", "    note: |\n      dids:\n        x: y\n", "    name: \"open\n", "    vip: &a {}\n",
			"    vip: *a\n", "    holidays: {\"2026-02-30\": x}\n"}).Draw(t, "field")), "")
	case 6: // a line that says nothing, or too much
		return strings.Join(slices.Insert(all, at, rapid.SampledFrom([]string{
			"\n", "# a comment\n", "      # deep\n", "dids:\n", "---\n", "...\n", "other: {}\n", "\t\n", "  - x\n", "  ? x\n", "'\n", "]\n"}).Draw(t, "what")), "")
	case 7: // a line less
		return strings.Join(slices.Delete(all, at, min(at+1, len(all))), "")
	}
	return strings.Replace(text, rapid.SampledFrom([]string{"Line 7", "\n", "\"", "  ", ":"}).Draw(t, "old"),
		rapid.SampledFrom([]string{"", "x", "\\", " #", "\r\n"}).Draw(t, "new"), 1)
}

// gentle edits a directory so that it mostly loads.
func gentle(t *rapid.T, all []string, at int, did string) string {
	for at < len(all) && !strings.HasPrefix(all[at], "  \"91") {
		at++
	}
	if at+3 > len(all) {
		return strings.Join(all, "")
	}
	number := fmt.Sprintf("98765%05d", rapid.IntRange(0, 60).Draw(t, "number"))
	switch rapid.IntRange(0, 5).Draw(t, "kind") {
	case 0:
		all = slices.Insert(all, at, "  \""+did+"\": {team: [\""+number+"\"]}\n")
	case 1:
		all = slices.Delete(all, at, at+3)
	case 2:
		all[at+2] = "    team: [\"" + number + "\"]\n"
	case 3:
		all = slices.Insert(all, at+1, rapid.SampledFrom([]string{"    overflow: \"" + number + "\"\n", "    sticky_days: 3\n", "    # x\n", "\n",
			"    max_concurrent: 2\n", "    zone: Mars/Base\n", "    holidays: {\"2026-02-30\": x}\n"}).Draw(t, "field"))
	case 4:
		all[at+1] = "    name: " + rapid.SampledFrom([]string{"x", "\"+91 98765 43211\"", "\"1111111111\"", "0091", "|\n      dids:\n        \"918010000003\": x", ">-\n      a\n\n      b", "'it''s'", did}).Draw(t, "name") + "\n"
	case 5:
		entry := slices.Clone(all[at : at+3])
		all = slices.Insert(slices.Delete(all, at, at+3), 3, entry...)
	}
	return strings.Join(all, "")
}
