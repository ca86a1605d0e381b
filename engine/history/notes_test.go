package history_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"testing"

	"switchboard/engine"
	"switchboard/engine/history"
)

// Which policies went live, by whose hand, and what was noted beside stand in
// the audit trail, also after a restart.
func TestPoliciesStandInTheAuditTrail(t *testing.T) {
	path := newPath(t)
	s, err := history.OpenTuned(options(t, path))
	if err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{"routing/routing.rego": []byte("package routing")}
	for _, r := range []*engine.Revision{
		{ID: "one", At: 1, Origin: "folder", Tests: engine.TestSummary{Passed: 3}, Files: files},
		{ID: "two", At: 2, Origin: "folder", Files: files},
		{ID: "one", At: 3, Origin: "folder", Files: files, Rollback: &engine.Rollback{At: noon, By: "admin", From: "two", Instead: "two"}},
	} {
		if err := s.SaveRevision(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Note(t.Context(), engine.AuditEntry{By: "admin", Action: "policies.reload", Target: "policies", After: json.RawMessage(`{"ok":true}`)}); err != nil {
		t.Fatal(err)
	}
	if err := s.Note(t.Context(), engine.AuditEntry{Action: "x", Target: "y", Before: json.RawMessage(`1`)}); err != nil {
		t.Fatal(err)
	}
	for _, when := range []string{"at once", "after a restart"} {
		list := auditTrail(t, s, 0)
		var got []string
		for _, e := range list {
			if e.At == 0 {
				t.Errorf("%s has no time", e.Action)
			}
			got = append(got, fmt.Sprintf("%s %s %s %s>%s", e.By, e.Action, e.Target, e.Before, e.After))
		}
		const none = `"tests":{"passed":0,"failed":0,"skipped":0,"took_ns":0}`
		equal(t, "the trail "+when, got, []string{
			`anonymous x y 1>null`,
			`admin policies.reload policies null>{"ok":true}`,
			`admin policies.rollback policies/one {"revision":"two"}>{"revision":"one","origin":"folder",` + none + `}`,
			`folder policies.activate policies/two {"revision":"one"}>{"revision":"two","origin":"folder",` + none + `}`,
			`folder policies.activate policies/one null>{"revision":"one","origin":"folder","tests":{"passed":3,"failed":0,"skipped":0,"took_ns":0}}`,
		})
		if when == "at once" {
			if err := s.Crash(); err != nil {
				t.Fatal(err)
			}
			s = open(t, options(t, path))
		}
	}
}

func TestNoteNeedsTheDisk(t *testing.T) {
	s, err := history.OpenTuned(options(t, newPath(t)))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.Note(t.Context(), engine.AuditEntry{Action: "x"}); !errors.Is(err, engine.ErrUnavailable) {
		t.Errorf("a closed store answers %v", err)
	}
}
