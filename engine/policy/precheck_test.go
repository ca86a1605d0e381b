package policy

import (
	"slices"
	"strings"
	"testing"

	"switchboard/engine"
)

// Tests are run on any files, and what they leave out is told by line.
func TestRunOfTests(t *testing.T) {
	r := newRig(t, func(o *ManagerOptions) { o.Folder = folder(t, good("9876543210")) })
	files := map[string][]byte{
		"a/a.rego":      []byte("package a\n\none := 1\n\ntwo := 2 if {\n\tinput.call_id\n}\n"),
		"a/a_test.rego": []byte("package a_test\n\nimport data.a\n\ntest_one if a.one == 1\n\ntest_two if a.one == 2\n"),
	}
	for path, text := range good("9876543210") {
		files[path] = []byte(text)
	}
	got := r.RunTests(t.Context(), files)
	i := slices.IndexFunc(got.Tests, func(o engine.TestOutcome) bool { return o.Name == "data.a_test.test_two" })
	if i < 0 || got.Tests[i].Outcome != engine.TestFailed || got.Tests[i].Line != 7 || got.Tests[i-1].Outcome != engine.TestPassed {
		t.Errorf("the tests: %+v", got.Tests)
	}
	i = slices.IndexFunc(got.Files, func(f engine.FileCoverage) bool { return f.File == "a/a.rego" })
	if i < 0 || len(got.Files[i].Gaps) == 0 || got.Files[i].Gaps[0].First != 5 || got.Coverage != 25 {
		t.Errorf("the coverage: %v %+v", got.Coverage, got.Files)
	}
	if got = r.RunTests(t.Context(), map[string][]byte{"a/a.rego": []byte("package a\n\none := {\n")}); len(got.Errors) == 0 || got.Errors[0].File != "a/a.rego" {
		t.Errorf("of a broken set: %+v", got)
	}
	if r.Active() != nil {
		t.Error("a set went live")
	}
}

// Edits are held against what a reload would do, and nothing that serves moves.
func TestCheckOfEdits(t *testing.T) {
	r := newRig(t, func(o *ManagerOptions) { o.Folder = folder(t, good("9876543210")) })
	if err := r.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	before := r.Active()
	if report := r.Check(t.Context(), nil); !report.OK || report.Revision != before.Revision() || report.Active != before.Revision() {
		t.Errorf("without edits: %+v", report)
	}
	if report := r.Check(t.Context(), map[string]string{"routing/more.rego": "package routing\n\nbroken := {\n"}); report.OK ||
		len(report.Errors) == 0 || report.Errors[0].File != "routing/more.rego" || report.Errors[0].Line == 0 {
		t.Errorf("a broken edit: %+v", report)
	}
	failing := "package routing_test\n\ntest_never if {\n\tfalse\n}\n"
	if report := r.Check(t.Context(), map[string]string{"routing/never_test.rego": failing}); report.OK || report.Tests.Failed != 1 ||
		!strings.Contains(lines(report.Errors)[0], "test_never") {
		t.Errorf("a failing test: %+v", report)
	}
	if r.Active() != before {
		t.Error("looking at edits changed what serves")
	}
}
