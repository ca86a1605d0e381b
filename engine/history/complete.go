package history

import (
	"context"
	"errors"
	"fmt"

	"switchboard/engine"
	"switchboard/engine/failpoint"
	"switchboard/engine/history/fold"
)

// Complete makes a completion part of the history, at once for decisions, and
// returns when it is on disk. A report that changes nothing gets no record of
// its own, unless all before it were Quiet and it is not; the answer Duplicate
// waits for the record that it repeats.
//
// Where the disk does not take it within ten seconds the error wraps
// engine.ErrUnavailable; the record may still get there later, and the
// provider's retry is a Duplicate then.
func (s *Store) Complete(ctx context.Context, c *engine.Completion) (engine.CompletionResult, error) {
	data, err := (&record{Kind: kindCompletion, At: c.Arrived, Completion: c}).encode()
	failpoint.Pass(failpoint.CompletionTaken)
	if err != nil {
		return "", err
	}
	ctx, cancel := s.bounded(ctx)
	defer cancel()
	if err := s.room(ctx); err != nil {
		return "", unavailable(ctx, err)
	}
	result, wait, err := s.complete(ctx, c, data)
	if err != nil {
		return "", err
	}
	if err := wait(); err != nil {
		return "", unavailable(ctx, err)
	}
	if result != engine.Duplicate {
		s.completions.Add(1)
		s.lastCompletion.Store(c.Arrived)
	}
	return result, nil
}

// complete folds a completion; wait returns when what the result rests on is on
// disk.
func (s *Store) complete(ctx context.Context, c *engine.Completion, data []byte) (_ engine.CompletionResult, wait func() error, err error) {
	var p plan
	cleaned, news := false, false
	var turns patience
	defer turns.stop()
	e := fold.Entry{Completion: c}
	for {
		p = s.prepare(c.CallID, e, nil)
		if g := s.memory.entries[callKey(c.CallID)].group; !cleaned && g.HasErased() {
			s.mu.Unlock()
			if c, err = withoutErased(c, g); err == nil {
				data, err = (&record{Kind: kindCompletion, At: c.Arrived, Completion: c}).encode()
			}
			if err != nil {
				return "", nil, err
			}
			e.Completion, cleaned = c, true
			continue
		}
		if p.result == engine.Duplicate && !news {
			version, seqs := s.memory.entries[callKey(c.CallID)].version, s.memory.entries[callKey(c.CallID)].seqs
			s.mu.Unlock()
			// What was only imported so far is news to the relay when the provider
			// reports it.
			if !c.Quiet {
				told, err := s.anyTold(seqs)
				if err != nil {
					return "", nil, err
				}
				if news = !told; news {
					continue
				}
			}
			return p.result, func() error { return s.journal.Wait(ctx, version) }, nil
		}
		if !s.yieldTo(nil, p, &turns) {
			break
		}
	}
	it, err := s.journal.Append(data, false, nil)
	if err == nil {
		s.memory.apply(p, it.Seq, e)
		failpoint.Pass(failpoint.CompletionFolded)
	}
	full := len(s.memory.dirty) >= s.roundSize
	s.mu.Unlock()
	if full {
		s.behind.nudge()
	}
	if err != nil {
		return "", nil, err
	}
	return p.result, func() error { return it.Wait(ctx) }, nil
}

// errSlow is the cause of giving up on the disk.
var errSlow = errors.New("the disk did not take the record in time")

// bounded limits how long one caller waits for the disk.
func (s *Store) bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, s.completeWait, errSlow)
}

// unavailable says ErrUnavailable where it was the disk, not the caller, that
// ended a wait.
func unavailable(ctx context.Context, err error) error {
	if ctx.Err() == nil || errors.Is(context.Cause(ctx), errSlow) {
		if errors.Is(err, engine.ErrUnavailable) {
			return err
		}
		return fmt.Errorf("%w: %w", engine.ErrUnavailable, err)
	}
	return err
}
