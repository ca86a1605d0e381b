package policy

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/txtar"

	"switchboard/engine"
)

// goodRego answers every call with the same number.
const goodRego = "package routing\n\ndecision := {\"call_forwarding_number\": \"9876543210\"}\n"

// regoFor answers every call with a number of one's choice, so that tests see
// which version serves.
func regoFor(number string) string { return strings.ReplaceAll(goodRego, receiverNumber, number) }

const didsJSON = `{"dids": {"918645658689": {}}}`

func goodTree() Tree {
	return Tree{"routing/routing.rego": []byte(goodRego), "directory/data.json": []byte(didsJSON)}
}

func testOptions(t testing.TB) Options {
	t.Helper()
	numbers, err := engine.NewNumbers("IN")
	if err != nil {
		t.Fatal(err)
	}
	// Time is not what these tests are about, and the machine may be busy.
	return Options{Numbers: numbers, Zone: kolkata, PolicyDeadline: 30 * time.Second, TestTimeout: 10 * time.Minute}
}

// mustLoad loads a tree that is expected to be good.
func mustLoad(t testing.TB, tree Tree) *Set {
	t.Helper()
	set, report := Load(t.Context(), tree, testOptions(t), Checks{})
	if set == nil {
		t.Fatalf("the set does not load: %v", lines(report.Errors))
	}
	return set
}

// lines writes problems the way the tests' expectations are written.
func lines(list []engine.Problem) []string {
	var out []string
	for _, p := range list {
		where := "-"
		if p.File != "" {
			where = fmt.Sprintf("%s:%d", p.File, p.Line)
		}
		out = append(out, fmt.Sprintf("%s %s %s | %s", p.Code, where, p.Message, p.Hint))
	}
	return out
}

// archiveOf reads a set in the txtar form: the comment holds what is expected.
func archiveOf(t testing.TB, file string) (comment string, tree Tree) {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	a := txtar.Parse(content)
	tree = Tree{}
	for _, f := range a.Files {
		tree[f.Name] = f.Data
	}
	return string(a.Comment), tree
}

// expectation is one line "error CODE FILE:LINE PHRASE | HINT" of such a comment.
type expectation struct{ code, where, phrase, hint string }

func (e expectation) meets(p engine.Problem) bool {
	where := "-"
	if p.File != "" {
		where = fmt.Sprintf("%s:%d", p.File, p.Line)
	}
	return p.Code == e.code && (e.where == where || e.where == "-") &&
		strings.Contains(p.Message, e.phrase) && strings.Contains(p.Hint, e.hint)
}

func expectations(t testing.TB, comment, kind string) []expectation {
	t.Helper()
	var out []expectation
	for line := range strings.Lines(comment) {
		rest, ok := strings.CutPrefix(strings.TrimSpace(line), kind+" ")
		if !ok {
			continue
		}
		part := strings.SplitN(rest, " ", 3)
		if len(part) < 3 {
			t.Fatalf("can't read the expectation %q", line)
		}
		phrase, hint, _ := strings.Cut(part[2], " | ")
		out = append(out, expectation{part[0], part[1], phrase, hint})
	}
	return out
}

// TestBrokenSets holds each set of testdata/policies/broken against the
// problems that its comment lists: all of them, at their lines, and no others.
func TestBrokenSets(t *testing.T) {
	files, err := filepath.Glob("../../testdata/policies/broken/*.txtar")
	if err != nil || len(files) < 25 {
		t.Fatalf("found %d broken sets (%v), expected all", len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			t.Parallel()
			comment, tree := archiveOf(t, file)
			set, report := Load(t.Context(), tree, testOptions(t), Checks{Strict: true})
			wantErrors := expectations(t, comment, "error")
			if report.OK != (len(wantErrors) == 0) || (set != nil) != report.OK {
				t.Errorf("OK is %v with %d errors expected; set: %v", report.OK, len(wantErrors), set != nil)
			}
			compare(t, "error", wantErrors, report.Errors)
			compare(t, "warning", expectations(t, comment, "warning"), report.Warnings)
		})
	}
}

func compare(t *testing.T, kind string, want []expectation, got []engine.Problem) {
	t.Helper()
	met := make([]bool, len(got))
	for _, e := range want {
		found := false
		for i, p := range got {
			if !met[i] && e.meets(p) {
				met[i], found = true, true
				break
			}
		}
		if !found {
			t.Errorf("missing %s: %+v", kind, e)
		}
	}
	for i, line := range lines(got) {
		if !met[i] {
			t.Errorf("unexpected %s: %s", kind, line)
		}
		if bytes.Contains([]byte(line), []byte(receiverNumber)) && !strings.Contains(line, "decision := ") && !strings.Contains(line, "answer {") {
			t.Errorf("a person's number stands in a report: %s", line)
		}
	}
}
