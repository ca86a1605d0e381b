package history

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"time"

	"go.etcd.io/bbolt"

	"switchboard/engine"
	"switchboard/engine/failpoint"
	"switchboard/engine/giveway"
	"switchboard/engine/history/calltable"
	"switchboard/engine/history/journal"
)

// A rebuild folds the whole log, newest records first: those matter to the next
// calls. The fold does not depend on order, so live records may come between.

// rebuildNewest folds the newest part of the log, as far as it gets in a short
// time and as memory holds it, and returns where to go on. A retry comes soon
// after its call: most find it by this.
func (s *Store) rebuildNewest(ctx context.Context) uint64 {
	until := time.Now().Add(s.rebuildFirst)
	err := s.foldDown(ctx, s.file.Last(), func() error {
		s.mu.Lock()
		full := s.memory.waiting() >= s.maxDirty/2
		s.mu.Unlock()
		if full || time.Now().After(until) {
			return journal.ErrStop
		}
		return nil
	})
	if err != nil && ctx.Err() == nil {
		s.log.Warn("the log's latest records can't be read", "error", err)
	}
	return s.unfolded.Load()
}

// rebuild folds the log from a record down, for an index, and goes on where it
// stopped as often as it must. Where another index took its place meanwhile, that
// one's rebuild does it.
func (s *Store) rebuild(ctx context.Context, x *index, from uint64) {
	for pause := s.maxBackoff; ; pause = min(2*pause, 60*s.maxBackoff) {
		err := s.rebuildOnce(ctx, x, from)
		if err == nil || ctx.Err() != nil { // else the next start begins anew
			s.unread.Store(nil)
			return
		}
		if s.unread.Swap(&err) == nil {
			s.log.Error("the log can't be read to its beginning, so the history is incomplete; it is tried again", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
		from = s.unfolded.Load()
	}
}

func (s *Store) rebuildOnce(ctx context.Context, x *index, from uint64) (err error) {
	if err := s.takeCare(ctx); err != nil {
		return err
	}
	defer s.endCare()
	giveway.Heavy(func() { err = s.rebuildAll(ctx, x, from) })
	return err
}

// rebuildAll is rebuildOnce while nobody else reads or rewrites the whole log.
func (s *Store) rebuildAll(ctx context.Context, x *index, from uint64) error {
	err := s.foldDown(ctx, from, func() error {
		s.mu.Lock()
		current := s.index == x
		s.mu.Unlock()
		if !current {
			return journal.ErrStop
		}
		return s.room(ctx)
	})
	if err != nil {
		return err
	}
	failpoint.Pass(failpoint.RebuildEnd)
	s.mu.Lock()
	current := s.index == x
	s.rebuilding = s.rebuilding && !current
	s.mu.Unlock()
	if current {
		s.unfolded.Store(0)
		s.behind.nudge()
		last, _ := s.journal.Position()
		s.log.Info("the history's index is complete", "records", last)
	}
	return nil
}

// foldDown folds records from one down, newest first, and asks after each
// whether to go on.
func (s *Store) foldDown(ctx context.Context, from uint64, more func() error) error {
	s.unfolded.Store(from)
	return s.file.Descend(ctx, from, func(r journal.Stored) error {
		if err := failpoint.Before(failpoint.RebuildRecord, func() error { return s.refold(ctx, r) }); err != nil {
			return err
		}
		s.refolded.Add(1)
		s.unfolded.Store(r.Seq - 1)
		return more()
	})
}

// unfoldedLook is how many records below those folded are looked through for a
// call: some milliseconds' work, for each new call during a rebuild.
const unfoldedLook = 4096

// unfoldedAnswer finds the decision of a call in the part of the log that a
// rebuild folds next, nil where it is not there. A retry comes soon after its
// call, so this part is where one would be.
func (s *Store) unfoldedAnswer(callID, did string) *engine.DecisionRecord {
	from := s.unfolded.Load()
	if from == 0 {
		return nil
	}
	id, err := json.Marshal(callID)
	if err != nil {
		return nil
	}
	found, err := mentions(s.file, from, unfoldedLook, id)
	for i := 0; err == nil && i < len(found); i++ {
		var r *record
		if r, err = decodeRecord(found[i]); err == nil && r.Decision != nil && r.Decision.CallID == callID && replayable(r.Decision, did) {
			return r.Decision
		}
	}
	if err != nil {
		s.log.Warn("the log can't be searched for a call, so a retry of it is decided anew", "error", err)
	}
	return nil
}

// mentions returns copies of the records that contain a text, among n from a
// sequence number down.
func mentions(l *journal.File, from uint64, n int, text []byte) (out [][]byte, err error) {
	err = l.Down(from, func(_ uint64, data []byte) bool {
		if n == 0 {
			return false
		}
		if bytes.Contains(data, text) {
			out = append(out, bytes.Clone(data))
		}
		n--
		return true
	})
	return out, err
}

// errNoIndex: there was no room for an index yet.
var errNoIndex = fmt.Errorf("the disk has no room for the history's index; make room, and it is made: %w", engine.ErrUnavailable)

// absentIndex stands in for an index that the disk has no room for. Nothing is
// found in it; it counts as damaged, so that a new one is tried again and again.
func absentIndex(path string, t tuning, why error) *index {
	return &index{path: path, absent: why, calls: calltable.New(t.epochBits), tuning: t}
}

// view reads the index in one transaction.
func (x *index) view(f func(tx *bbolt.Tx) error) error {
	if x.db == nil {
		return errNoIndex
	}
	return x.db.View(f)
}
