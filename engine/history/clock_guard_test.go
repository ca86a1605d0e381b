package history_test

import (
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"switchboard/engine/history"
)

const day = 24 * time.Hour

// clocked is a store with a year's retention, whose clock and whose uptime are the
// test's, each by itself.
type clocked struct {
	*testing.T
	path   string
	clock  *clock
	uptime atomic.Int64
	s      *history.Store
}

func newClocked(t *testing.T) *clocked {
	c := &clocked{T: t, path: newPath(t), clock: newClock()}
	c.clock.set(noon)
	c.start()
	for i := range 3 {
		at := noon.Add(time.Duration(i) * time.Second)
		c.clock.set(at)
		route(t, c.s, number(i), caller, number(1), did)
	}
	return c
}

// start opens the store, and restart does so after an end.
func (c *clocked) start() {
	c.Helper()
	o := options(c.T, c.path)
	o.Now, o.Retention = c.clock.now, 365*day
	s, err := history.OpenTuned(o, func(u *history.Tuning) {
		u.TrimEvery = time.Millisecond
		u.Elapsed = func() time.Duration { return time.Duration(c.uptime.Load()) }
	})
	if err != nil {
		c.Fatal(err)
	}
	c.s = s
	c.Cleanup(func() { s.Close() }) //nolint:errcheck // closed already, or checked there
}

func (c *clocked) restart() {
	c.Helper()
	if err := c.s.Close(); err != nil {
		c.Fatal(err)
	}
	c.uptime.Store(0)
	c.start()
}

// goBy lets time go by. Who looks in between may see a clock that stands ahead.
func (c *clocked) goBy(d time.Duration) {
	c.clock.advance(d)
	c.uptime.Add(int64(d))
}

func (c *clocked) held() bool {
	for _, w := range c.s.Status().Warnings {
		if w.Code == "retention_held" {
			return true
		}
	}
	return false
}

// holds waits for the warning and sees that nothing was deleted.
func (c *clocked) holds(records uint64) {
	c.Helper()
	eventually(c.T, "status tells that nothing is deleted", c.held)
	equal(c.T, "records", c.s.Status().Records, records)
}

// deletes waits until at most one record is left, which tells of the deletion.
func (c *clocked) deletes() {
	c.Helper()
	eventually(c.T, "old records are deleted", func() bool { return c.s.Status().Records <= 1 })
	eventually(c.T, "no warning", func() bool { return !c.held() })
}

func TestAClockThatJumpsDeletesNothing(t *testing.T) {
	c := newClocked(t)
	c.clock.advance(400 * day)
	c.holds(3)
	// Calls that are stamped by the wrong clock make it no better, nor does a restart.
	route(t, c.s, "wrong", caller, number(1), did)
	c.holds(4)
	c.restart()
	c.holds(4)
	c.clock.advance(-400 * day)
	eventually(t, "no warning", func() bool { return !c.held() })
	equal(t, "records", c.s.Status().Records, uint64(4))
}

func TestAJumpIsConfirmed(t *testing.T) {
	c := newClocked(t)
	c.restart()
	c.clock.advance(400 * day)
	c.holds(3)
	at, err := c.s.ConfirmClock()
	if err != nil || !at.Equal(c.clock.now()) {
		t.Fatalf("ConfirmClock: %v, %v", at, err)
	}
	c.deletes()
	c.restart() // which asks for nothing
	route(t, c.s, "after", caller, number(1), did)
	c.goBy(366 * day)
	c.deletes()
}

func TestTimeThatGoesByDeletes(t *testing.T) {
	c := newClocked(t)
	for range 14 { // a month without a call, each time
		c.goBy(30 * day)
	}
	c.deletes()
}

// What a version before this one left has no note of the clock: its newest record
// stands for it.
func TestAJumpBeforeTheFirstNote(t *testing.T) {
	c := newClocked(t)
	if err := c.s.Close(); err != nil {
		t.Fatal(err)
	}
	damage(t, c.path, func(tx *bbolt.Tx) error { return tx.Bucket([]byte("meta")).Delete([]byte("clock")) })
	c.clock.advance(400 * day)
	c.start()
	c.holds(3)
}

// A server that stood still for days has nothing to confirm where nothing is old.
func TestAPauseWithNothingToDelete(t *testing.T) {
	c := newClocked(t)
	if err := c.s.Close(); err != nil {
		t.Fatal(err)
	}
	c.clock.advance(10 * day)
	c.start()
	route(t, c.s, "after", caller, number(1), did)
	copied := filepath.Join(t.TempDir(), "copy.db")
	eventually(t, "the time is noted", func() bool {
		defer func() { copied += "x" }()
		if err := c.s.Backup(t.Context(), copied); err != nil {
			t.Fatal(err)
		}
		db, err := bbolt.Open(copied, 0o600, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		noted := false
		err = db.View(func(tx *bbolt.Tx) error {
			noted = string(tx.Bucket([]byte("meta")).Get([]byte("clock"))) == string(key(uint64(c.clock.now().UnixNano())))
			return nil
		})
		return err == nil && noted
	})
	if c.held() {
		t.Error("it asks to confirm the clock")
	}
}

// Status says how things stand while the disk takes its time over the note.
func TestStatusDoesNotWaitForTheNoteOfTheClock(t *testing.T) {
	hanging, free := make(chan struct{}), make(chan struct{})
	var armed atomic.Bool
	s := open(t, options(t, newPath(t)), func(u *history.Tuning) {
		u.Commit = func(next func() error) error {
			if armed.CompareAndSwap(true, false) {
				close(hanging)
				<-free
			}
			return next()
		}
	})
	armed.Store(true)
	confirmed := make(chan error, 1)
	go func() {
		_, err := s.ConfirmClock()
		confirmed <- err
	}()
	<-hanging
	told := make(chan struct{})
	go func() { s.Status(); close(told) }()
	select {
	case <-told:
	case <-time.After(10 * time.Second):
		t.Error("status waits for the disk")
	}
	close(free)
	if err := <-confirmed; err != nil {
		t.Error(err)
	}
}
