package engine_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"switchboard/engine"
)

func TestDiffFiles(t *testing.T) {
	before := map[string][]byte{
		"same.rego": []byte("package same\n"), "gone.yaml": []byte("a: 1\n"),
		"routing/routing.rego": []byte("package routing\n\ndecision := 1\n\n# end\n"), "binary.json": []byte("\xff"),
	}
	after := map[string][]byte{
		"same.rego": []byte("package same\n"), "new.yaml": []byte("b: 1\nc: 2\n"),
		"routing/routing.rego": []byte("package routing\n\ndecision := 2\n\n# end\n"), "binary.json": []byte("\xfe"),
	}
	want := []engine.FileChange{
		{Path: "binary.json", Change: "changed", Omitted: "the file is no text"},
		{Path: "gone.yaml", Change: "removed", Removed: 1, Diff: "--- a/gone.yaml\n+++ /dev/null\n@@ -1 +0,0 @@\n-a: 1\n"},
		{Path: "new.yaml", Change: "added", Added: 2, Diff: "--- /dev/null\n+++ b/new.yaml\n@@ -0,0 +1,2 @@\n+b: 1\n+c: 2\n"},
		{Path: "routing/routing.rego", Change: "changed", Added: 1, Removed: 1, Diff: "--- a/routing/routing.rego\n+++ b/routing/routing.rego\n" +
			"@@ -1,5 +1,5 @@\n package routing\n \n-decision := 1\n+decision := 2\n \n # end\n"},
	}
	if diff := cmp.Diff(want, engine.DiffFiles(before, after)); diff != "" {
		t.Error(diff)
	}
	if got := engine.DiffFiles(before, before); got == nil || len(got) != 0 {
		t.Errorf("a set differs from itself: %v", got)
	}
	if got := engine.DiffFiles(nil, before); len(got) != 4 || got[0].Change != engine.FileAdded {
		t.Errorf("from nothing: %v", got)
	}
}

// A large table is named and not shown; one below the bound is compared in no
// time that anybody waits for.
func TestDiffFilesIsBounded(t *testing.T) {
	var b strings.Builder
	for i := range 40_000 {
		fmt.Fprintf(&b, "%d: {team: [%d]}\n", i, i)
	}
	table := []byte(b.String())
	other := bytes.ReplaceAll(table, []byte("team: [1"), []byte("team: [2"))
	done := make(chan []engine.FileChange, 1)
	go func() {
		done <- engine.DiffFiles(map[string][]byte{"d.yaml": table}, map[string][]byte{"d.yaml": other})
	}()
	select {
	case got := <-done:
		if len(got) != 1 || got[0].Diff == "" || got[0].Added == 0 || got[0].Added != got[0].Removed {
			t.Errorf("%d changes", len(got))
		}
	case <-time.After(30 * time.Second):
		t.Fatal("the comparison does not end")
	}
	huge := bytes.Repeat(table, 4)
	got := engine.DiffFiles(map[string][]byte{"d.yaml": huge}, map[string][]byte{"d.yaml": append(huge, 'x')})
	if len(got) != 1 || got[0].Diff != "" || !strings.Contains(got[0].Omitted, "too large") {
		t.Errorf("a huge file gives %+v", got[0].Omitted)
	}
}

// What is shown is what has changed: applied to the one it gives the other.
func TestDiffFilesApplies(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		line := rapid.SampledFrom([]string{"a", "b", "- c", "+d", "", "--- a/x", "@@"})
		text := func(name string) string {
			lines := rapid.SliceOfN(line, 1, 20).Draw(t, name)
			return strings.Join(slices.Concat(lines, []string{""}), "\n")
		}
		old, now := text("old"), text("now")
		got := engine.DiffFiles(map[string][]byte{"x": []byte(old)}, map[string][]byte{"x": []byte(now)})
		if old == now {
			if len(got) != 0 {
				t.Fatalf("got %+v", got)
			}
			return
		}
		if applied := patched(old, got[0].Diff); applied != now {
			t.Fatalf("applied to %q the diff\n%s\ngives %q", old, got[0].Diff, applied)
		}
	})
}

// patched applies a unified diff to a text whose lines all end.
func patched(text, diff string) string {
	old := strings.SplitAfter(text, "\n")
	var out []string
	next := 0 // of old
	for i, line := range strings.SplitAfter(diff, "\n") {
		switch {
		case i < 2 || line == "":
		case strings.HasPrefix(line, "@@"):
			var start int
			fmt.Sscanf(line, "@@ -%d", &start) //nolint:errcheck // the result is compared
			for next < start-1 {
				out, next = append(out, old[next]), next+1
			}
		case line[0] == '+':
			out = append(out, line[1:])
		case line[0] == '-':
			next++
		default:
			out, next = append(out, line[1:]), next+1
		}
	}
	return strings.Join(append(out, old[next:]...), "")
}
