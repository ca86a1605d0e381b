package history

import (
	"context"
	"errors"
	"slices"
	"time"

	"go.etcd.io/bbolt"

	"switchboard/engine"
	"switchboard/engine/history/boltfile"
	"switchboard/engine/history/calltable"
	"switchboard/engine/history/fold"
)

// callList goes through the calls by their own times, newest first: what is not
// written behind yet, and the index.
type callList struct {
	s      *Store
	index  *index
	table  *calltable.List
	from   time.Time         // older calls don't match
	fresh  []listed          // from memory, newest first
	stored []calltable.Entry // the next from the index, newest first
	seen   map[string]bool   // the call_ids changed in memory: the index's state of them is older
}

// listed is a call_id at one of its calls' times.
type listed struct {
	calltable.Timed
	group *fold.Group
}

// listCalls begins at a position. The filter only leaves out what can't match. What is
// dirty is noted before the index is read: what is written behind in between is in the
// index as well then.
func (s *Store) listCalls(from calltable.Timed, f engine.CallFilter) *callList {
	if !f.To.IsZero() {
		if to := (calltable.Timed{When: f.To.UnixNano() - 1, Place: calltable.Newest.Place}); to.Order(from) > 0 {
			from = to
		}
	}
	below := from
	if from.Place < calltable.Newest.Place {
		below.Place++
	}
	waits := s.unwritten(only(kindCall))
	l := &callList{s: s, index: waits.index, table: waits.index.calls.List(below, f), from: f.From, seen: make(map[string]bool)}
	for _, e := range waits.states {
		l.seen[e.key.Number] = true
		if len(e.seqs) == 0 {
			continue
		}
		for _, at := range calltable.Moments(e.group) {
			if t := (calltable.Timed{When: at, Place: e.seqs[0]}); t.Order(from) >= 0 {
				l.fresh = append(l.fresh, listed{t, e.group})
			}
		}
	}
	slices.SortFunc(l.fresh, func(a, b listed) int { return a.Order(b.Timed) })
	return l
}

// next returns the next call_id and one of its calls' times, nil at the end. After many
// that were left out it returns how far it has come, without calls, so that a search can
// end there.
func (l *callList) next(ctx context.Context) (*listed, error) {
	for {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if len(l.stored) == 0 && !l.table.Ended && !l.freshBefore(l.table.Below) {
			if err := errors.Join(ctx.Err(), l.read()); err != nil {
				if ctx.Err() == nil {
					l.s.indexBroken(l.index, err)
				}
				return nil, err
			}
			if len(l.stored) == 0 && !l.table.Ended && !l.freshBefore(l.table.Below) {
				return &listed{Timed: l.table.Below}, nil
			}
		}
		var out listed
		switch {
		case len(l.fresh) > 0 && (len(l.stored) == 0 || l.freshBefore(l.stored[0].Timed)):
			out, l.fresh = l.fresh[0], l.fresh[1:]
		case len(l.stored) > 0:
			c, err := l.stored[0].Call()
			if err != nil {
				return nil, err
			}
			out, l.stored = listed{l.stored[0].Timed, c.Group}, l.stored[1:]
			if calls := c.Group.Calls(); len(calls) > 0 && l.seen[calls[0].CallID] {
				continue
			}
		default:
			return nil, nil
		}
		if !l.from.IsZero() && out.When < l.from.UnixNano() {
			return nil, nil
		}
		return &out, nil
	}
}

// freshBefore reports whether a call from memory is next, before a place in the
// order.
func (l *callList) freshBefore(t calltable.Timed) bool {
	return len(l.fresh) > 0 && l.fresh[0].Order(t) <= 0
}

func (l *callList) read() error {
	return boltfile.Guard(func() error {
		return l.index.view(func(tx *bbolt.Tx) (err error) {
			l.stored, err = l.table.Next(tx)
			return err
		})
	})
}
