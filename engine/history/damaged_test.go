package history_test

import (
	"errors"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"switchboard/engine"
	"switchboard/engine/history"
)

// damageIndex overwrites all but the index's two meta pages.
func damageIndex(t *testing.T, path string) {
	t.Helper()
	f, err := os.OpenFile(history.IndexPath(path), os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt(make([]byte, 1<<20), 2*4096); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

// holdIndexes holds every index but the first back until it is released.
func holdIndexes() (tune func(*history.Tuning), release func()) {
	var made atomic.Int32
	c := make(chan struct{})
	return func(u *history.Tuning) {
		u.Create = func(next func() error) error {
			if made.Add(1) > 2 { // the log and its index
				<-c
			}
			return next()
		}
	}, sync.OnceFunc(func() { close(c) })
}

// What is not found in a damaged index counts all the same: retention must not
// take its records.
func TestRetentionByADamagedIndex(t *testing.T) {
	c := newClock()
	path := newPath(t)
	o := options(t, path)
	o.Now, o.Retention = c.now, 24*time.Hour
	hold, release := holdIndexes()
	defer release()
	s, err := history.OpenTuned(o, small, hold, func(u *history.Tuning) { u.TrimEvery = time.Hour })
	if err != nil {
		t.Fatal(err)
	}
	ever := pairing("ever")
	ever.Expires = 0
	putSession(t, s, ever)
	putFact(t, s, "c", "stays", "1")
	play(t, s, 0, 50)
	if err := s.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.Sweep()
	damageIndex(t, path)
	c.advance(25 * time.Hour)
	before := s.Status().Records
	for range 3 {
		if err := s.Trim(t.Context()); !errors.Is(err, engine.ErrUnavailable) && s.Status().Records < before {
			t.Errorf("it deletes by an index that it can't read: %v", err)
		}
	}
	release()
	eventually(t, "the index is made anew", func() bool { return !s.Status().Rebuilding && s.Trim(t.Context()) == nil && s.Status().Records < 50 })
	equal(t, "sessions", paired(t, s, did, caller), []string{"ever"})
	equal(t, "facts", factNames(t, s, ""), []string{"c/stays=1"})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	equal(t, "index", verify(t, path).Index, history.IndexEqual)
}

// An erasure that finds a call's records by an index must not believe one that it
// can't read.
func TestForgetByADamagedIndex(t *testing.T) {
	path := newPath(t)
	hold, release := holdIndexes()
	defer release()
	s, err := history.OpenTuned(options(t, path), small, hold)
	if err != nil {
		t.Fatal(err)
	}
	play(t, s, 0, 50)
	route(t, s, "of the person", "9123450001", number(1), did)
	if err := s.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.Sweep()
	damageIndex(t, path)
	for range 3 {
		if _, err := s.Forget(t.Context(), person("9123450001"), "test"); err == nil {
			t.Error("it is done, by an index that it can't read")
		}
	}
	release()
	eventually(t, "the erasure", func() bool {
		_, err := s.Forget(t.Context(), person("9123450001"), "test")
		return err == nil
	})
	eventually(t, "the index is made anew", func() bool { return !s.Status().Rebuilding })
	d, err := s.Call(t.Context(), "of the person")
	if err != nil || d == nil || d.Decision == nil {
		t.Fatalf("the call: %+v, %v", d, err)
	}
	equal(t, "the caller", d.Decision.Caller.Canonical, engine.Erased)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	equal(t, "index", verify(t, path).Index, history.IndexEqual)
}
