package history_test

import (
	"errors"
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

// The oldest make room, whatever comes; their records stay, and who is forgotten
// is erased from them too.
func TestAFullQuarantineKeepsTheNewest(t *testing.T) {
	path := newPath(t)
	few := func(u *history.Tuning) { u.Quarantined = 3 }
	s, err := history.OpenTuned(options(t, path), few)
	if err != nil {
		t.Fatal(err)
	}
	bodies := func() (out []string) {
		list, err := s.QuarantineList(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, q := range list {
			out = append(out, string(q.Raw.Body))
		}
		slices.Sort(out)
		return out
	}
	for _, body := range []string{"0 " + caller, "1", "2"} {
		keep(t, s, unreadable(body))
	}
	keep(t, s, unreadable("0 "+caller)) // a repeat counts, and is not younger for it
	equal(t, "warnings", len(s.Status().Warnings), 0)
	keep(t, s, unreadable("3"))
	equal(t, "held", bodies(), []string{"1", "2", "3"})
	if _, err := s.QuarantineDelete(t.Context(), keep(t, s, unreadable("2"))); err != nil {
		t.Fatal(err)
	}
	keep(t, s, unreadable("4")) // there was room
	equal(t, "held", bodies(), []string{"1", "3", "4"})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	verify(t, path)
	s, err = history.OpenTuned(options(t, path), few)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "held after a restart", bodies(), []string{"1", "3", "4"})
	keep(t, s, unreadable("5"))
	keep(t, s, unreadable("6"))
	equal(t, "held", bodies(), []string{"4", "5", "6"})
	st := s.Status()
	if st.Quarantined != 3 || len(st.Warnings) != 1 || !strings.Contains(st.Warnings[0].Message, "the 2 oldest payloads") {
		t.Errorf("status: %d held, warnings %q", st.Quarantined, st.Warnings)
	}
	if got, err := s.Forget(t.Context(), person(caller), "test"); err != nil || got.Records != 1 {
		t.Errorf("Forget finds %+v, %v", got, err)
	}
	equal(t, "held", bodies(), []string{"4", "5", "6"})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	equal(t, "records of payloads", verify(t, path).Kinds["quarantine"], uint64(6)) // of 7: one is erased
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

// An activation that comes again, for the disk had not taken it in time, is
// archived once.
func TestTheSameActivationAgain(t *testing.T) {
	var d disk
	path := newPath(t)
	s := open(t, options(t, path), d.tune)
	rev := &engine.Revision{ID: "r1", At: noon.UnixNano(), Files: map[string][]byte{"a.rego": []byte("package a")}}
	d.full.Store(true)
	for range 2 {
		if err := s.SaveRevision(t.Context(), rev); !errors.Is(err, engine.ErrUnavailable) {
			t.Errorf("on a full disk: %v", err)
		}
	}
	d.full.Store(false)
	if err := s.SaveRevision(t.Context(), rev); err != nil {
		t.Fatal(err)
	}
	equal(t, "entries of the trail", len(auditTrail(t, s, 100)), 1)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	verify(t, path)
}
