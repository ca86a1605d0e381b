package history

import (
	"fmt"
	"slices"

	"switchboard/engine"
	"switchboard/engine/failpoint"
	"switchboard/engine/history/fold"
	"switchboard/engine/history/journal"
)

// errBehind: the index has not taken changes for so long that no more fit into
// memory.
var errBehind = fmt.Errorf("too many changes wait for the index: %w", engine.ErrUnavailable)

// Publish makes a decision visible to the next view and queues its record. It
// never waits for a disk, and for another's turn only as long as a turn lasts.
//
// While the disk fails, the Commit is done at once with an error; the decision
// counts all the same and goes on being written. Only when too many wait is a
// decision neither kept nor counted in profiles.
func (s *Store) Publish(over engine.View, rec *engine.DecisionRecord) (engine.Commit, error) {
	data, err := (&record{Kind: kindDecision, At: rec.Arrived, Decision: rec}).encode()
	failpoint.Pass(failpoint.DecisionTaken)
	if err != nil {
		return nil, err
	}
	v, _ := over.(*view)
	var mine *turn
	var reads []fold.Key
	if v != nil {
		mine, reads = v.turn, v.reads
	}
	var wait patience
	defer wait.stop()
	e := fold.Entry{Decision: rec}
	for {
		p := s.prepare(rec.CallID, e, reads)
		if v != nil && s.conflicting(v) {
			s.endTurn(mine)
			s.mu.Unlock()
			s.conflicts.Add(1)
			return nil, engine.ErrConflict
		}
		if s.yieldTo(mine, p, &wait) {
			continue
		}
		var it *journal.Item
		err := errBehind
		if s.memory.waiting() < 4*s.maxDirty {
			it, err = s.journal.Append(data, true, nil)
		} else {
			s.journal.Lose()
		}
		if err == nil {
			s.memory.apply(p, it.Seq, e)
			call := s.memory.entries[callKey(rec.CallID)]
			call.recent = append(call.recent, published{rec, it})
			failpoint.Pass(failpoint.DecisionFolded)
		}
		s.endTurn(mine)
		full := len(s.memory.dirty) >= s.roundSize
		s.mu.Unlock()
		if full {
			s.behind.nudge()
		}
		s.decisions.Add(1)
		s.lastDecision.Store(rec.RoutedAt)
		if err != nil {
			return journal.Failed(err), nil
		}
		return it, nil
	}
}

// conflicting reports whether anything read through v has changed since. The
// mutex is held, with what is there of it in memory.
func (s *Store) conflicting(v *view) bool {
	return slices.ContainsFunc(v.reads, func(k fold.Key) bool {
		return s.memory.entries[k].version > v.snapshot
	}) || slices.ContainsFunc(v.absent, func(k fold.Key) bool {
		if e := s.memory.entries[k]; e != nil {
			return e.version > v.snapshot
		}
		return s.memory.horizon > v.snapshot // it may have come and left memory since
	})
}
