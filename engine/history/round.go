package history

import (
	"cmp"
	"errors"
	"runtime"
	"slices"

	"go.etcd.io/bbolt"

	"switchboard/engine/failpoint"
	"switchboard/engine/history/boltfile"
	"switchboard/engine/history/calltable"
	"switchboard/engine/history/fold"
	"switchboard/engine/history/pile"
)

// written is a state on its way to the index.
type written struct {
	entry *entry
	key   fold.Key
	state
	version uint64
	place   uint64      // where the call table has it so far; 0 for nowhere
	before  *fold.Group // as the call table has it
}

func compareKeys(a, b fold.Key) int {
	return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Number, b.Number))
}

// at is the place of a call or of a session, zero where nothing is left of it.
func (s state) at() uint64 {
	if k, ok := s.value.(*kept); ok {
		return uint64(k.session.Created)
	}
	if len(s.seqs) == 0 {
		return 0
	}
	return s.seqs[0]
}

// call is what the call table gets.
func (w written) call() calltable.Change {
	return calltable.Change{ID: w.key.Number, Call: calltable.Call{Group: w.group, Seqs: w.seqs}, Was: w.place, Before: w.before}
}

// piled reports whether a pile gets something of it: of a call only its place.
func (x *index) piled(w written) bool {
	return x.piles.Takes(w.key.Kind) && (w.key.Kind != kindCall || w.at() == 0 || w.at() != w.place)
}

// write brings a cut to the index in one transaction: what a crash leaves is
// always the fold of the log up to mark.applied, so that no record is ever
// counted twice.
func (x *index) write(cut []written, m mark) error {
	x.ahead.Fill()
	// In the order of the tree pages are visited once, neighbours together.
	slices.SortFunc(cut, func(a, b written) int {
		switch {
		case a.key.Kind != b.key.Kind:
			return cmp.Compare(a.key.Kind, b.key.Kind)
		case a.key.Kind == kindCall:
			return cmp.Compare(a.at(), b.at())
		case x.piles.Takes(a.key.Kind):
			return 0 // piles have no order
		}
		return cmp.Compare(a.key.Number, b.key.Number)
	})
	// Readers look into the filters and notes first: they must not miss what they
	// could find once the transaction is there.
	for _, w := range cut {
		if any := x.live.of(w.key.Kind); any != nil && w.value != nil {
			any.Store(true)
		}
		if w.key.Kind == kindCall {
			x.calls.Note(w.call())
		}
	}
	keep := m.complete && x.calls.Stale(x.tuning.filterEvery)
	p := x.piles.Round()
	for _, w := range cut {
		if x.piled(w) {
			p.Expect(w.key.Kind)
		}
	}
	if err := failpoint.Here(failpoint.IndexBegin); err != nil {
		return err
	}
	err := boltfile.Guard(func() error {
		return x.db.Update(func(tx *bbolt.Tx) (err error) {
			if err := p.Begin(tx); err != nil {
				return err
			}
			if err := putCells(tx, cut); err != nil {
				return err
			}
			for i, w := range cut {
				if i%64 == 0 { // the log's commits go first
					runtime.Gosched()
				}
				if err := failpoint.Here(failpoint.IndexPut); err != nil {
					return err
				}
				if err := x.put(tx, p, w); err != nil {
					return err
				}
			}
			if err := p.Flush(); err != nil {
				return err
			}
			if keep {
				if err := failpoint.Here(failpoint.IndexFilters); err != nil {
					return err
				}
				if err := errors.Join(x.calls.Keep(tx), tx.Bucket(bucketMeta).Put(metaFiltered, boltfile.Key(m.applied))); err != nil {
					return err
				}
			}
			return failpoint.Before(failpoint.IndexMark, func() error { return putMark(tx.Bucket(bucketMeta), m) })
		})
	})
	if err = cmp.Or(err, failpoint.Here(failpoint.IndexSynced)); err != nil {
		return err
	}
	failpoint.Pass(failpoint.IndexNoted)
	x.mark = m
	p.Took()
	if keep { // only now, for a failed transaction kept none
		x.calls.Kept(m.applied)
	}
	return nil
}

func (x *index) put(tx *bbolt.Tx, p *pile.Round, w written) error {
	switch {
	case w.key.Kind == kindCell:
		return nil // by the hour, in putCells
	case w.key.Kind == kindTrail:
		return putTrail(tx, w)
	case isLive(w.key.Kind):
		return x.putLive(tx, w)
	}
	if w.key.Kind != kindCall {
		x.profile = fold.AppendProfile(x.profile[:0], w.profile)
		return p.Put(w.key, x.profile)
	}
	if x.piled(w) { // a call of which retention took all has no place
		var place []byte
		if at := w.at(); at != 0 {
			place = boltfile.Key(at)
		}
		if err := p.Put(w.key, place); err != nil {
			return err
		}
	}
	return x.calls.Put(tx, w.call())
}

func putMark(meta *bbolt.Bucket, m mark) error {
	complete := uint64(0)
	if m.complete {
		complete = 1
	}
	return errors.Join(
		meta.Put(metaApplied, boltfile.Key(m.applied)), meta.Put(metaSum, boltfile.Key(m.sum)),
		meta.Put(metaComplete, boltfile.Key(complete)), meta.Put(metaNewest, boltfile.Key(uint64(m.newest))),
		meta.Put(metaFacts, boltfile.Key(uint64(m.live.facts))), meta.Put(metaFactBytes, boltfile.Key(uint64(m.live.bytes))),
		meta.Put(metaSides, boltfile.Key(uint64(m.live.sides))), meta.Put(metaRefs, boltfile.Key(uint64(m.live.refs))),
		meta.Put(metaGone, boltfile.Key(uint64(m.gone))),
		meta.Put(metaSwept, boltfile.Key(uint64(m.swept))), meta.Put(metaInFlight, m.inFlight),
	)
}
