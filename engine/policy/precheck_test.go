package policy

import (
	"strings"
	"testing"
)

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
