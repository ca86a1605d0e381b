package history

import (
	"fmt"
	"slices"
	"time"

	"switchboard/engine"
	"switchboard/engine/history/boltfile"
)

func unixNano(ns int64) time.Time { return time.Unix(0, ns) }

// Status tells how the store stands. It is cheap and waits for nobody.
func (s *Store) Status() engine.StoreStatus {
	out := engine.StoreStatus{
		Path: s.Path, Bytes: boltfile.Size(s.Path), IndexBytes: boltfile.Size(IndexPath(s.Path)),
		Decisions: s.decisions.Load(), Completions: s.completions.Load(), Conflicts: s.conflicts.Load(),
		LastDecision: s.lastDecision.Load(), LastCompletion: s.lastCompletion.Load(), Retention: s.Retention,
	}
	j := s.journal.Status()
	out.Records, out.Queue, out.Unsaved = j.Records, j.Queue, j.Unsaved
	if j.Failing != nil {
		out.Error = j.Failing.Error()
	}
	if applied := s.behind.applied.Load(); j.Durable > applied {
		out.IndexLag = j.Durable - applied
	}

	now := s.now().UnixNano()
	s.mu.Lock()
	out.Dirty, out.Rebuilding = s.memory.waiting(), s.rebuilding
	out.InFlight = s.memory.flights.At(now, s.rules)
	s.mu.Unlock()

	s.warnMu.Lock()
	out.Warnings = slices.Clone(s.warnings)
	s.warnMu.Unlock()
	if err := s.behind.failed.Load(); err != nil {
		out.Warnings = append(out.Warnings, engine.Warning{Code: "index_failing", Message: fmt.Sprintf("The index does not take what changed: %v.", *err),
			Hint: "Make room, repair the disk, or let it be written; calls go on from memory meanwhile."})
	}

	if w, held := s.clock.warning(s.elapsed(), s.Zone); held {
		out.Warnings = append(out.Warnings, w)
	}
	if err := s.unread.Load(); err != nil {
		out.Warnings = append(out.Warnings, engine.Warning{Code: "log_unreadable", About: "beginning",
			Message: fmt.Sprintf("The log can't be read to its beginning, so the history is incomplete; it is tried again: %v.", *err), Hint: hintUnreadable})
	}

	s.archive.mu.Lock()
	defer s.archive.mu.Unlock()
	out.Quarantined = len(s.archive.items)
	if n := s.archive.rotated; n > 0 {
		out.Warnings = append(out.Warnings, engine.Warning{Code: "quarantine_full",
			Message: fmt.Sprintf("The quarantine is full: since the start the %d oldest payloads made room for newer ones. They are listed no more; their records stay in the log.", n),
			Hint:    "Look through it, mend the cause, and delete what is done with."})
	}
	if out.Warnings == nil {
		out.Warnings = []engine.Warning{}
	}
	return out
}
