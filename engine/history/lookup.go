package history

import (
	"context"
	"fmt"
	"slices"
	"time"

	"switchboard/engine"
	"switchboard/engine/history/fold"
)

// Answered returns the decision that a call_id and DID were answered with, nil
// where there is none, or only one that is not repeated: a 503, or one whose
// receiver was erased.
func (s *Store) Answered(callID, did string) (*engine.DecisionRecord, engine.Commit) {
	e := s.lockEntry(callKey(callID))
	for _, p := range e.recent {
		if replayable(p.rec, did) {
			s.mu.Unlock()
			return p.rec, p.item
		}
	}
	seqs := e.seqs
	s.mu.Unlock()
	for _, seq := range seqs {
		r, err := s.read(seq)
		if err != nil {
			s.log.Warn("a decision can't be read, so a retry of its call is decided anew", "record", seq, "error", err)
			continue
		}
		if r != nil && r.Decision != nil && replayable(r.Decision, did) {
			return r.Decision, nil
		}
	}
	return s.unfoldedAnswer(callID, did), nil
}

func replayable(rec *engine.DecisionRecord, did string) bool {
	return rec.DID.Canonical == did && rec.Decision.Source != engine.SourceNone && rec.Decision.Number != engine.Erased
}

// read returns one record of the log, nil where there is none any more.
func (s *Store) read(seq uint64) (*record, error) {
	data, err := s.journal.Get(seq)
	if err != nil || data == nil {
		return nil, err
	}
	return decodeRecord(data)
}

// Profile returns a profile as policies see it now, nil where the number was
// never seen. The error is ctx's.
func (s *Store) Profile(ctx context.Context, kind engine.ProfileKind, number string) (*engine.Profile, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if !slices.Contains(profileKinds, kind) {
		return nil, fmt.Errorf("there are no profiles of kind %q; ask for one of %v", kind, profileKinds)
	}
	k := fold.Key{Kind: kind, Number: number}
	p := s.lockEntry(k).profile
	s.mu.Unlock()
	if p == nil {
		return nil, nil
	}
	return p.At(s.now().UnixNano(), s.rules), nil
}

// now is the time, never before the newest view's within the jump that views
// forgive: what was just decided must not lie in the future.
func (s *Store) now() time.Time {
	now := s.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	if back := s.moment - now.UnixNano(); back > 0 && back <= int64(maxJump) {
		return time.Unix(0, s.moment)
	}
	return now
}
