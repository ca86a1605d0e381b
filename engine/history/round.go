package history

import (
	"cmp"
	"errors"
	"runtime"
	"slices"

	"go.etcd.io/bbolt"

	"switchboard/engine/failpoint"
	"switchboard/engine/history/boltfile"
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
		if w.key.Kind == kindCall && len(w.seqs) > 0 {
			news := x.epochs.at(w.at()).addGroup(w.key.Number, w.group)
			x.urgent = x.urgent || news && w.at() <= x.filtered
			if w.place != w.at() {
				x.young++
			}
		}
	}
	keep := m.complete && (x.urgent || x.young >= x.tuning.filterEvery)
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
				if err := x.putEpochs(tx, m.applied); err != nil {
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
		x.filtered, x.young, x.urgent = m.applied, 0, false
		for _, e := range x.epochs.all() {
			if e != nil {
				e.changed = false
			}
		}
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
	calls, ids, place := tx.Bucket(bucketCalls), tx.Bucket(bucketIDs), w.at()
	calls.FillPercent = 0.95 // places grow; a completion makes its call a little longer
	// A rebuild may find an older record of a call than those that came live, and
	// retention takes the oldest away: the call moves.
	if w.place != 0 && w.place != place {
		if err := errors.Join(calls.Delete(boltfile.Key(w.place)), ids.Delete(x.idKey(w.place, w.key.Number))); err != nil {
			return err
		}
	}
	if err := x.putTimes(tx, w); err != nil {
		return err
	}
	if place == 0 {
		return p.Put(w.key, nil) // retention took all of it
	}
	if x.piled(w) {
		if err := p.Put(w.key, boltfile.Key(place)); err != nil {
			return err
		}
	}
	return calls.Put(boltfile.Key(place), encodeCall(w.state))
}

// putEpochs keeps the filters that changed. They know all calls up to applied
// then.
func (x *index) putEpochs(tx *bbolt.Tx, applied uint64) error {
	b := tx.Bucket(bucketEpochs)
	for n, e := range x.epochs.all() {
		if e == nil || !e.changed {
			continue
		}
		if err := b.Put(boltfile.Key(uint64(n)), e.encode()); err != nil {
			return err
		}
	}
	return tx.Bucket(bucketMeta).Put(metaFiltered, boltfile.Key(applied))
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
