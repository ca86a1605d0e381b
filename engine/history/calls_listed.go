package history

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"go.etcd.io/bbolt"

	"switchboard/engine"
	"switchboard/engine/history/boltfile"
)

// callList goes through the calls by their own times, newest first: what is not
// written behind yet, and the index.
type callList struct {
	s      *Store
	index  *index
	fresh  []listed        // from memory, newest first
	stored []listed        // the next from the index, newest first
	below  timed           // the index is to be read from below this one
	ended  bool            // the index has no more
	seen   map[string]bool // the call_ids changed in memory: the index's state of them is older
}

// listed is a call_id at one of its calls' times.
type listed struct {
	timed
	state
	data []byte // the state as the index has it, where it was not decoded yet
}

// listCalls begins at a position. What is dirty is noted before the index is
// read: what is written behind in between is in the index as well then.
func (s *Store) listCalls(from timed, f engine.CallFilter) *callList {
	if !f.To.IsZero() {
		if to := (timed{when: f.To.UnixNano() - 1, place: newestTimed.place}); to.order(from) > 0 {
			from = to
		}
	}
	l := &callList{s: s, below: from, seen: make(map[string]bool)}
	if from.place < newestTimed.place {
		l.below.place++
	}
	waits := s.unwritten(only(kindCall))
	l.index = waits.index
	for _, e := range waits.states {
		l.seen[e.key.Number] = true
		if len(e.seqs) == 0 {
			continue
		}
		for _, at := range moments(e.group) {
			if t := (timed{at, e.seqs[0]}); t.order(from) >= 0 {
				l.fresh = append(l.fresh, listed{timed: t, state: e.state})
			}
		}
	}
	slices.SortFunc(l.fresh, func(a, b listed) int { return a.order(b.timed) })
	return l
}

// next returns the next call_id and one of its calls' times, nil at the end. The
// filter only leaves out what can't match. After many that were left out it returns
// how far it has come, without calls, so that a search can end there.
func (l *callList) next(ctx context.Context, f engine.CallFilter) (*listed, error) {
	for {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if len(l.stored) == 0 && !l.ended && !l.freshBefore(l.below) {
			if err := errors.Join(ctx.Err(), l.read(f)); err != nil {
				if ctx.Err() == nil {
					l.s.indexBroken(l.index, err)
				}
				return nil, err
			}
			if len(l.stored) == 0 && !l.ended && !l.freshBefore(l.below) {
				return &listed{timed: l.below}, nil
			}
		}
		var out listed
		switch {
		case len(l.fresh) > 0 && (len(l.stored) == 0 || l.freshBefore(l.stored[0].timed)):
			out, l.fresh = l.fresh[0], l.fresh[1:]
		case len(l.stored) > 0:
			out, l.stored = l.stored[0], l.stored[1:]
			var err error
			if out.state, err = decodeCall(out.place, out.data); err != nil {
				return nil, fmt.Errorf("the call table is damaged at %d: %w", out.place, err)
			}
			if calls := out.group.Calls(); len(calls) > 0 && l.seen[calls[0].CallID] {
				continue
			}
		default:
			return nil, nil
		}
		if !f.From.IsZero() && out.when < f.From.UnixNano() {
			return nil, nil
		}
		return &out, nil
	}
}

// freshBefore reports whether a call from memory is next, before a place in the
// order.
func (l *callList) freshBefore(t timed) bool {
	return len(l.fresh) > 0 && l.fresh[0].order(t) <= 0
}

// read takes the next calls out of the index, passing over epochs that hold
// nothing for the filter.
func (l *callList) read(f engine.CallFilter) error {
	x := l.index
	keys := filterKeys(f.Caller, f.Receiver, f.DID)
	return boltfile.Guard(func() error {
		return x.view(func(tx *bbolt.Tx) error {
			calls := tx.Bucket(bucketCalls)
			m := timeMerge{times: tx.Bucket(bucketTimes), below: l.below}
			for n, e := range x.epochs.all() {
				if e != nil && e.from.Load() <= l.below.when && e.mayHold(f, keys) {
					m.later = append(m.later, epochTime{uint64(n), e.to.Load()})
				}
			}
			slices.SortStableFunc(m.later, func(a, b epochTime) int { return cmp.Compare(a.to, b.to) })
			for looked := 0; len(l.stored) < chunk && looked < scanStep; looked++ {
				t, ok := m.next()
				if l.ended = !ok || !f.From.IsZero() && t.when < f.From.UnixNano(); l.ended {
					return nil
				}
				l.below = t
				data := calls.Get(boltfile.Key(t.place))
				if data == nil {
					return fmt.Errorf("%w: the call at %d is listed and not there", boltfile.ErrCorrupt, t.place)
				}
				if hasAll(data, keys) {
					l.stored = append(l.stored, listed{timed: t, data: bytes.Clone(data)})
				}
			}
			return nil
		})
	})
}
