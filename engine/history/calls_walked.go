package history

import (
	"cmp"
	"context"
	"errors"
	"math"
	"slices"

	"go.etcd.io/bbolt"

	"switchboard/engine/history/boltfile"
	"switchboard/engine/history/calltable"
	"switchboard/engine/history/fold"
)

// callWalk goes through the call table from a place down: what is not written
// behind yet, and the index.
type callWalk struct {
	s      *Store
	index  *index
	table  *calltable.Walk
	fresh  []written         // from memory, newest first
	stored []calltable.Entry // the next from the index, newest first
	seen   map[string]bool   // the call_ids changed in memory: the index's state of them is older
}

// walkCalls begins a walk at a place. Numbers only leave out calls of the index in which
// none of them occurs. What is dirty is noted before the index is read: what is written
// behind in between is in the index as well then.
func (s *Store) walkCalls(from uint64, any ...fold.Key) *callWalk {
	waits := s.unwritten(only(kindCall))
	below := from
	if from < math.MaxUint64 {
		below++
	}
	w := &callWalk{s: s, index: waits.index, table: waits.index.calls.Walk(below, any), seen: make(map[string]bool)}
	for _, e := range waits.states {
		w.seen[e.key.Number] = true
		if len(e.seqs) > 0 && e.seqs[0] <= from {
			w.fresh = append(w.fresh, e)
		}
	}
	slices.SortFunc(w.fresh, func(a, b written) int { return cmp.Compare(b.seqs[0], a.seqs[0]) })
	return w
}

// next returns the next call_id's state, nil at the end.
func (w *callWalk) next(ctx context.Context) (*state, error) {
	for {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		for len(w.stored) == 0 && !w.table.Ended {
			if err := errors.Join(ctx.Err(), w.read()); err != nil {
				if ctx.Err() == nil {
					w.s.indexBroken(w.index, err)
				}
				return nil, err
			}
		}
		switch {
		case len(w.fresh) > 0 && (len(w.stored) == 0 || w.fresh[0].seqs[0] >= w.stored[0].Place):
			st := w.fresh[0].state
			w.fresh = w.fresh[1:]
			return &st, nil
		case len(w.stored) > 0:
			c, err := w.stored[0].Call()
			if err != nil {
				return nil, err
			}
			w.stored = w.stored[1:]
			if calls := c.Group.Calls(); len(calls) > 0 && w.seen[calls[0].CallID] {
				continue
			}
			return &state{group: c.Group, seqs: c.Seqs}, nil
		default:
			return nil, nil
		}
	}
}

func (w *callWalk) read() error {
	return boltfile.Guard(func() error {
		return w.index.view(func(tx *bbolt.Tx) error {
			w.stored = w.table.Next(tx)
			return nil
		})
	})
}
