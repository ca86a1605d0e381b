package history

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"switchboard/engine"
	"switchboard/engine/history/boltfile"
)

// errDamaged: the index is about to be made anew.
var errDamaged = errors.New("the index is damaged")

// indexBroken is told when an index can't be read or written for what is in it.
// Routing goes on; the index is made anew beside it.
func (s *Store) indexBroken(x *index, err error) {
	s.mu.Lock()
	current := x == s.index
	s.mu.Unlock()
	if !current || s.closing.Load() || !s.behind.damaged.CompareAndSwap(false, true) {
		return
	}
	s.warn(engine.Warning{Code: "index_damaged", Message: fmt.Sprintf("The index was damaged and is made anew from the log: %v.", err),
		Hint: "It mends itself; if it happens again, look at the disk."})
	s.behind.nudge()
}

// unsure reports whether memory may lack what counts: the index, that it is read
// from, can't be, or does not hold all of the log yet. What rewrites the log by
// what it finds there waits. The mutex is held.
func (s *Store) unsure() bool { return s.rebuilding || s.behind.damaged.Load() }

// renewIndex begins a new index in place of a damaged one. What is in memory may
// come from the damaged one, so it is forgotten, and all of the log is folded
// again. Views that are open meet conflicts.
func (s *Store) renewIndex(ctx context.Context) error {
	if s.file.Absent() {
		return s.file.Refused() // memory has all there is
	}
	s.behind.rounds <- struct{}{} // no round is being written
	defer func() { <-s.behind.rounds }()
	x, err := newIndex(IndexPath(s.Path), s.file.ID(), false, s.rules, s.tuning)
	if err != nil {
		return err
	}
	s.mu.Lock()
	old := s.index
	last, _ := s.journal.Position()
	m := newMemory(s.rules)
	m.tick, m.newest, m.forgotten, m.horizon = s.memory.tick, s.memory.newest, s.memory.forgotten+1, last
	s.index, s.memory, s.rebuilding = x, m, true
	s.unfolded.Store(last)
	s.behind.applied.Store(0)
	s.behind.damaged.Store(false)
	close(s.drained)
	s.drained = make(chan struct{})
	s.mu.Unlock()
	old.abandon()
	s.helpers.Go(func() {
		if s.journal.Wait(ctx, last) == nil {
			s.rebuild(ctx, x, last)
		}
	})
	return nil
}

// abandon closes a damaged index and removes it. bbolt may have panicked with a
// lock held, so that closing never ends: nobody waits for that.
func (x *index) abandon() {
	if x.db == nil {
		return
	}
	closed := make(chan struct{})
	go func() {
		defer close(closed)
		_ = boltfile.Guard(x.db.Close)
	}()
	select {
	case <-closed:
	case <-time.After(time.Second):
	}
	if st, err := os.Stat(x.path); err == nil && os.SameFile(st, x.stat) {
		os.Remove(x.path) //nolint:errcheck // the next start finds it damaged again
	}
}
