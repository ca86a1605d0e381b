package history_test

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"switchboard/engine"
	"switchboard/engine/history"
)

// auditTrail is the newest page of the audit trail.
func auditTrail(t testing.TB, s *history.Store, limit int) []engine.AuditEntry {
	t.Helper()
	page, err := s.Audit(t.Context(), engine.AuditFilter{Limit: limit})
	if err != nil {
		t.Fatal(err)
	}
	return page.Entries
}

// targets are the targets of the whole trail, page by page.
func targets(t testing.TB, s *history.Store, limit int) (out []string) {
	t.Helper()
	f := engine.AuditFilter{Limit: limit}
	for {
		page, err := s.Audit(t.Context(), f)
		if err != nil {
			t.Fatal(err)
		}
		if len(page.Entries) > limit || len(page.Entries) == 0 && page.Next != "" {
			t.Fatalf("a page of %d with %d entries", limit, len(page.Entries))
		}
		for _, e := range page.Entries {
			out = append(out, e.Target)
		}
		if f.Cursor = page.Next; f.Cursor == "" {
			return out
		}
	}
}

func note(t testing.TB, s *history.Store, target string) {
	t.Helper()
	if err := s.Note(t.Context(), engine.AuditEntry{By: "admin", Action: "test", Target: target}); err != nil {
		t.Fatal(err)
	}
}

// A page is found among calls without looking at them, goes on behind its cursor
// while entries come, and is the same from memory, from the index, after a crash
// and after a rebuild.
func TestAuditTrailInPages(t *testing.T) {
	path := newPath(t)
	s, err := history.OpenTuned(options(t, path))
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	add := func(n int) {
		for range n {
			id := strconv.Itoa(len(want))
			route(t, s, "c"+id, caller, number(1), did)
			note(t, s, id)
			want = append([]string{id}, want...)
		}
	}
	add(7)
	equal(t, "from memory", targets(t, s, 3), want)
	if err := s.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	equal(t, "from the index", targets(t, s, 3), want)
	add(4)
	equal(t, "from both", targets(t, s, 3), want)
	first, err := s.Audit(t.Context(), engine.AuditFilter{Limit: 5})
	if err != nil || first.Next == "" {
		t.Fatalf("%+v, %v", first, err)
	}
	older := want[5:]
	add(2)
	second, err := s.Audit(t.Context(), engine.AuditFilter{Limit: 50, Cursor: first.Next})
	if err != nil || second.Next != "" || len(second.Entries) != len(older) || second.Entries[0].Target != older[0] {
		t.Errorf("behind the cursor: %+v, %v; want %v", second, err, older)
	}
	if exact, err := s.Audit(t.Context(), engine.AuditFilter{Limit: len(want)}); err != nil || exact.Next != "" {
		t.Errorf("a page that is the whole trail goes on: %q, %v", exact.Next, err)
	}
	for _, cursor := range []string{"x", first.Next + "A", first.Next[1:] + "-"} {
		if _, err := s.Audit(t.Context(), engine.AuditFilter{Cursor: cursor}); !errors.Is(err, engine.ErrBadCursor) {
			t.Errorf("the cursor %q: %v", cursor, err)
		}
	}
	if err := s.Crash(); err != nil {
		t.Fatal(err)
	}
	equal(t, "the index", verify(t, path).Index, history.IndexEqual)
	s = open(t, options(t, path))
	equal(t, "after a crash", targets(t, s, 4), want)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	damage(t, history.IndexPath(path), func(tx *bbolt.Tx) error { return tx.Bucket([]byte("trail")).Delete(key(2)) })
	r, err := history.Verify(background(), path)
	if err != nil || r.Index != history.IndexDifferent || !strings.Contains(strings.Join(r.Problems, "\n"), "trail 1 entries are missing") {
		t.Errorf("a lost entry: %+v, %v", r.Problems, err)
	}
	if err := history.Rebuild(t.Context(), options(t, path), nil); err != nil {
		t.Fatal(err)
	}
	verify(t, path)
	s = open(t, options(t, path))
	equal(t, "after a rebuild", targets(t, s, 4), want)
}

// What retention takes leaves the trail, also where a crash comes in between; a
// policy set that is still to be explained stays.
func TestAuditTrailForgetsByAge(t *testing.T) {
	path := newPath(t)
	o := options(t, path)
	var now atomic.Int64
	now.Store(noon.UnixNano())
	o.Now = func() time.Time { return time.Unix(0, now.Load()) }
	o.Retention = 24 * time.Hour
	s, err := history.OpenTuned(o, func(u *history.Tuning) { u.TrimEvery, u.TrimBatch = time.Hour, 3 })
	if err != nil {
		t.Fatal(err)
	}
	for i, id := range []string{"one", "two"} {
		note(t, s, fmt.Sprint("old", i))
		if err := s.SaveRevision(t.Context(), &engine.Revision{ID: id, At: now.Load(), Files: map[string][]byte{"a.rego": []byte("package " + id)}}); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	now.Add(int64(36 * time.Hour))
	note(t, s, "new")
	if err := s.Trim(t.Context()); err != nil {
		t.Fatal(err)
	}
	want := []string{"new", "policies/two"}
	equal(t, "after retention", targets(t, s, 10), want)
	if err := s.Crash(); err != nil {
		t.Fatal(err)
	}
	equal(t, "the index", verify(t, path).Index, history.IndexEqual)
	s = open(t, o)
	equal(t, "after a crash", targets(t, s, 10), want)
	verifyClosed(t, s, path)
}

// verifyClosed closes a store and verifies its files.
func verifyClosed(t testing.TB, s *history.Store, path string) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	equal(t, "the index", verify(t, path).Index, history.IndexEqual)
}
