package history

import (
	"context"
	"slices"

	"switchboard/engine/history/fold"
)

// writeLive brings a change of live data to the log and returns when it is on
// disk. plan works the change out, with the mutex held and the keys that the
// change may touch in memory; without a record it names the one to wait for
// instead, or zero. It may be called more than once.
func (s *Store) writeLive(ctx context.Context, need []fold.Key, ref string, plan func(now int64) (*record, uint64, error)) error {
	ctx, cancel := s.bounded(ctx)
	defer cancel()
	if err := s.room(ctx); err != nil {
		return unavailable(ctx, err)
	}
	wait, err := s.startLive(ctx, need, ref, plan)
	if err != nil {
		return err
	}
	if err := wait(); err != nil {
		return unavailable(ctx, err)
	}
	return nil
}

// startLive folds the change into memory and queues its record.
func (s *Store) startLive(ctx context.Context, need []fold.Key, ref string, work func(now int64) (*record, uint64, error)) (wait func() error, _ error) {
	var turns patience
	defer turns.stop()
	for {
		now := s.now().UnixNano()
		keys := s.prepareLive(need, ref)
		r, seq, err := work(now)
		before := s.memory.values(keys)
		s.mu.Unlock()
		if err != nil {
			return nil, err
		}
		if r == nil {
			return func() error { return s.journal.Wait(ctx, seq) }, nil
		}
		// Up to 128 KiB are written down: not while others wait.
		data, err := r.encode()
		if err != nil {
			return nil, err
		}
		s.lockWith(keys...)
		if !slices.Equal(before, s.memory.values(keys)) {
			s.mu.Unlock()
			continue
		}
		if s.yieldTo(nil, plan{keys: r.liveKeys()}, &turns) {
			continue
		}
		it, err := s.journal.Append(data, false, nil)
		if err == nil {
			s.memory.applyLive(r, it.Seq)
			s.memory.trail(it.Seq, true)
		}
		full := len(s.memory.dirty) >= s.roundSize
		s.mu.Unlock()
		if full {
			s.behind.nudge()
		}
		if err != nil {
			return nil, err
		}
		return func() error { return it.Wait(ctx) }, nil
	}
}

// values are the values of keys in memory.
func (m *memory) values(keys []fold.Key) []value {
	out := make([]value, len(keys))
	for i, k := range keys {
		out[i] = m.entries[k].value
	}
	return out
}
