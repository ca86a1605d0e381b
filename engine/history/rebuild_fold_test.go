package history_test

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"switchboard/engine"
	"switchboard/engine/history"
)

// noRoom makes new files fail as a full disk does.
func (d *disk) noRoom(u *history.Tuning) {
	u.Create = func(next func() error) error {
		if d.full.Load() {
			return &os.PathError{Op: "write", Path: "x", Err: syscall.ENOSPC}
		}
		return next()
	}
}

// lostIndex is a database of n calls of one caller, whose index is lost.
func lostIndex(t *testing.T, n int) (path string) {
	t.Helper()
	path = newPath(t)
	s, err := history.OpenTuned(options(t, path))
	if err != nil {
		t.Fatal(err)
	}
	for i := range n {
		route(t, s, fmt.Sprintf("call-%05d", i), caller, number(i%5), did)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	remove(t, history.IndexPath(path))
	return path
}

// With a full disk and a lost index calls are answered by what is newest in the
// log, and all is as before once there is room.
func TestADiskTooFullForAnIndex(t *testing.T) {
	var d disk
	path := lostIndex(t, 300)
	d.full.Store(true)
	s, err := history.OpenTuned(options(t, path), d.tune, d.noRoom, func(u *history.Tuning) {
		u.RoundEvery, u.RebuildFirst = time.Millisecond, time.Minute
	})
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "offered", profile(t, s, engine.Callers, caller).Totals.Offered, int64(300))
	c, err := s.Publish(nil, decision("new", caller, number(1), did, noon.Add(time.Hour)))
	if err != nil {
		t.Fatal(err)
	}
	<-c.Done()
	equal(t, "offered with one more", profile(t, s, engine.Callers, caller).Totals.Offered, int64(301))
	if _, err := s.Calls(t.Context(), engine.CallFilter{}); !errors.Is(err, engine.ErrUnavailable) || !strings.Contains(err.Error(), "make room") {
		t.Errorf("a list of calls says %v", err)
	}
	if st := s.Status(); !st.Rebuilding || len(st.Warnings) != 1 || !strings.Contains(st.Warnings[0].Message, "no space left") || st.Error == "" {
		t.Errorf("status is %+v", st)
	}
	d.full.Store(false)
	eventually(t, "the index is made", func() bool {
		st := s.Status()
		return !st.Rebuilding && len(st.Warnings) == 0 && st.Error == "" && st.Dirty == 0
	})
	equal(t, "offered in the end", profile(t, s, engine.Callers, caller).Totals.Offered, int64(301))
	if page, err := s.Calls(t.Context(), engine.CallFilter{Limit: 1}); err != nil || page.Calls[0].CallID != "new" {
		t.Errorf("the newest call is %+v, %v", page, err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	equal(t, "index", verify(t, path).Index, history.IndexEqual)
}

func TestClosingWithoutAnIndex(t *testing.T) {
	var d disk
	path := lostIndex(t, 10)
	d.full.Store(true)
	s, err := history.OpenTuned(options(t, path), d.noRoom)
	if err != nil {
		t.Fatal(err)
	}
	route(t, s, "new", caller, number(1), did) // the log has room
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, options(t, path))
	eventually(t, "the index is made", func() bool { return !s.Status().Rebuilding })
	equal(t, "offered", profile(t, s, engine.Callers, caller).Totals.Offered, int64(11))
}

// Other reasons than the disk and rights on it are for whoever starts the server.
func TestAnIndexThatMayNotBeMade(t *testing.T) {
	path := lostIndex(t, 3)
	_, err := history.OpenTuned(options(t, path), func(u *history.Tuning) {
		u.Create = func(func() error) error { return os.ErrNotExist }
	})
	if !errors.Is(err, os.ErrNotExist) {
		t.Errorf("error %v", err)
	}
}

// A retry gets its answer also where the rebuild has not come to its record.
func TestARetryBeforeItsRecordIsRebuilt(t *testing.T) {
	path := lostIndex(t, 300)
	stuck := make(chan struct{})
	release := sync.OnceFunc(func() { close(stuck) })
	s := open(t, options(t, path), func(u *history.Tuning) {
		u.MaxDirty, u.RoundEvery = 20, time.Millisecond
		u.Round = func(next func() error) error { <-stuck; return next() }
	})
	t.Cleanup(release) // before the store is closed
	eventually(t, "the rebuild waits", func() bool { return s.Status().Dirty >= 20 })
	if n := profile(t, s, engine.Callers, caller).Totals.Offered; n >= 300 {
		t.Fatalf("all %d calls are there already", n)
	}
	for _, id := range []string{"call-00299", "call-00150", "call-00000"} {
		if rec, _ := s.Answered(id, did); rec == nil || rec.CallID != id {
			t.Errorf("%s: %+v", id, rec)
		}
		if rec, _ := s.Answered(id, did2); rec != nil {
			t.Errorf("%s on another DID: %+v", id, rec)
		}
	}
	if rec, _ := s.Answered("call-0015", did); rec != nil {
		t.Errorf("a call that never was: %+v", rec)
	}
	release()
	eventually(t, "the index is made", func() bool { return !s.Status().Rebuilding })
	equal(t, "offered", profile(t, s, engine.Callers, caller).Totals.Offered, int64(300))
}
