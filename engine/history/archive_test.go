package history_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"switchboard/engine"
	"switchboard/engine/history"
)

func unreadable(body string) engine.QuarantineItem {
	return engine.QuarantineItem{
		At: noon.UnixNano(), Kind: "completion", Cause: "no call_id",
		Raw: engine.Payload{Type: "application/json", Body: []byte(body)},
	}
}

func keep(t *testing.T, s *history.Store, q engine.QuarantineItem) string {
	t.Helper()
	id, err := s.Quarantine(t.Context(), q)
	if err != nil || id == "" {
		t.Fatalf("Quarantine: %q, %v", id, err)
	}
	return id
}

func TestQuarantineKeepsPayloads(t *testing.T) {
	path := newPath(t)
	s, err := history.OpenTuned(options(t, path))
	if err != nil {
		t.Fatal(err)
	}
	a := keep(t, s, unreadable("a"))
	for range 6 {
		if again := keep(t, s, unreadable("a")); again != a {
			t.Errorf("the same payload got the ids %s and %s", a, again)
		}
	}
	b := unreadable("b")
	b.At++
	bID := keep(t, s, b)
	initiation := unreadable("a")
	initiation.Kind = "initiation"
	if keep(t, s, initiation) == a {
		t.Error("an initiation and a completion of the same bytes are one item")
	}
	want := unreadable("a")
	want.ID, want.Count = a, 7
	for _, when := range []string{"at once", "after a restart"} {
		list, err := s.QuarantineList(t.Context())
		if err != nil || len(list) != 3 || list[0].ID != bID {
			t.Fatalf("%s: list %+v, %v", when, list, err)
		}
		got, err := s.QuarantineItem(t.Context(), a)
		if err != nil {
			t.Fatal(err)
		}
		equal(t, "item "+when, *got, want)
		equal(t, "status", s.Status().Quarantined, 3)
		if when == "at once" {
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			s = open(t, options(t, path))
		}
	}
	for _, want := range []bool{true, false} {
		if there, err := s.QuarantineDelete(t.Context(), a); there != want || err != nil {
			t.Errorf("QuarantineDelete: %v, %v; want %v", there, err, want)
		}
	}
	if q, err := s.QuarantineItem(t.Context(), a); q != nil || err != nil {
		t.Errorf("a deleted item: %v, %v", q, err)
	}
	equal(t, "after it was deleted it comes anew", keep(t, s, unreadable("a")), a)
	if q, err := s.QuarantineItem(t.Context(), a); err != nil || q.Count != 1 {
		t.Errorf("it counts from one again: %+v, %v", q, err)
	}
}

func TestAFullQuarantineKeepsWhatItHas(t *testing.T) {
	s := open(t, options(t, newPath(t)), func(u *history.Tuning) { u.Quarantined = 3 })
	for i := range 3 {
		keep(t, s, unreadable(fmt.Sprint(i)))
	}
	if _, err := s.Quarantine(t.Context(), unreadable("more")); !errors.Is(err, history.ErrQuarantineFull) {
		t.Errorf("beyond the bound: %v", err)
	}
	keep(t, s, unreadable("0")) // a repeat still counts
	st := s.Status()
	if st.Quarantined != 3 || len(st.Warnings) != 1 || !strings.Contains(st.Warnings[0].Message, "1 payloads") {
		t.Errorf("status: %d held, warnings %q", st.Quarantined, st.Warnings)
	}
	list, err := s.QuarantineList(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.QuarantineDelete(t.Context(), list[0].ID); err != nil {
		t.Fatal(err)
	}
	keep(t, s, unreadable("more"))
}

func TestRevisionsAreArchived(t *testing.T) {
	path := newPath(t)
	s, err := history.OpenTuned(options(t, path))
	if err != nil {
		t.Fatal(err)
	}
	if last, err := s.LastRevision(t.Context()); last != nil || err != nil {
		t.Errorf("the last of none: %v, %v", last, err)
	}
	if err := s.SaveRevision(t.Context(), &engine.Revision{}); err == nil {
		t.Error("a revision without an ID was taken")
	}
	revision := func(id, origin string, at int64) *engine.Revision {
		return &engine.Revision{ID: id, At: at, Origin: origin, Tests: engine.TestSummary{Passed: int(at)}, Files: map[string][]byte{"routing/" + id + ".rego": []byte("package routing")}}
	}
	one, two, back := revision("one", "folder", 1), revision("two", "folder", 2), revision("one", "folder", 3)
	back.Rollback = &engine.Rollback{At: noon, By: "admin", From: "two", Instead: "two"}
	for _, r := range []*engine.Revision{one, two, back} {
		if err := s.SaveRevision(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	}
	for _, when := range []string{"at once", "after a restart"} {
		last, err := s.LastRevision(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		equal(t, "last "+when, last, back)
		got, err := s.Revision(t.Context(), "two")
		if err != nil {
			t.Fatal(err)
		}
		equal(t, "by id "+when, got, two)
		all, err := s.Revisions(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		names := slices.Collect(func(yield func(string) bool) {
			for _, r := range all {
				if r.Files != nil {
					t.Errorf("%s is listed with its files", r.ID)
				}
				if (r.Rollback != nil) != (r.ID == "one") {
					t.Errorf("%s has the rollback %v", r.ID, r.Rollback)
				}
				yield(r.ID + " " + r.Origin)
			}
		})
		equal(t, "all "+when, names, []string{"one folder", "two folder"})
		if r, err := s.Revision(t.Context(), "three"); r != nil || err != nil {
			t.Errorf("an unknown revision: %v, %v", r, err)
		}
		if when == "at once" {
			if err := s.Crash(); err != nil {
				t.Fatal(err)
			}
			s = open(t, options(t, path))
		}
	}
}
