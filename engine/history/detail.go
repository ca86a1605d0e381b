package history

import (
	"context"

	"switchboard/engine"
	"switchboard/engine/history/journal"
)

// Call returns everything kept of a call_id, nil where it was never seen or
// retention has taken it.
func (s *Store) Call(ctx context.Context, callID string) (*engine.CallDetail, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	k := callKey(callID)
	st := s.lockEntry(k).state
	s.mu.Unlock()
	call := newest(st.group, s.now().UnixNano(), s.rules)
	if call == nil {
		return nil, nil
	}
	out := &engine.CallDetail{Call: call}
	for _, seq := range st.seqs {
		r, err := s.read(seq)
		if err != nil {
			return nil, err
		}
		switch {
		case r == nil: // gone by retention since
		case r.Completion != nil:
			out.Completions = append(out.Completions, r.Completion)
		case r.Decision != nil:
			out.Decisions = append(out.Decisions, r.Decision)
			if counts(r.Decision, out.Decision) {
				out.Decision = r.Decision
			}
		}
	}
	return out, nil
}

// counts reports whether a decision comes before another one of its call_id: a
// later DID's before an earlier one's; on one DID one that gave an answer before
// a 503, then the earlier.
func counts(d, than *engine.DecisionRecord) bool {
	if than == nil {
		return true
	}
	if d.DID.Canonical != than.DID.Canonical {
		return d.RoutedAt > than.RoutedAt
	}
	none := than.Decision.Source == engine.SourceNone
	if (d.Decision.Source == engine.SourceNone) != none {
		return none
	}
	return d.RoutedAt < than.RoutedAt
}

// Recent returns the questions of the latest recorded decisions, newest first,
// at most n of them.
func (s *Store) Recent(n int) []engine.Question {
	out := make([]engine.Question, 0, max(n, 0))
	left := 20 * n // the latest records may all be completions
	_, durable := s.journal.Position()
	err := s.file.Descend(context.Background(), durable, func(st journal.Stored) error {
		if left--; left < 0 || len(out) >= n {
			return journal.ErrStop
		}
		if r, err := decodeRecord(st.Data); err == nil && r.Decision != nil {
			out = append(out, r.Decision.Question())
		}
		return nil
	})
	if err != nil {
		s.log.Warn("the log's latest records can't be read", "error", err)
	}
	return out
}
