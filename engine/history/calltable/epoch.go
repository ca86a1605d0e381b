package calltable

import (
	"encoding/binary"
	"errors"
	"math"
	"slices"
	"sync/atomic"

	"go.etcd.io/bbolt"

	"switchboard/engine"
	"switchboard/engine/failpoint"
	"switchboard/engine/history/boltfile"
	"switchboard/engine/history/filter"
	"switchboard/engine/history/fold"
)

// epoch describes the calls whose place lies in one stretch of sequence
// numbers: which call_ids and numbers are among them (a filter: "no" is certain)
// and between which times they lie. It is what keeps a new call_id's
// look-up and a rare number's listing from touching the tree.
//
// It grows only, so that readers beside the writer see at worst too much.
type epoch struct {
	filter.Filter
	from, to atomic.Int64
	changed  bool // since it was last written; the writer's alone
}

// bitsPerSeq is how many bits the filter has for each sequence number of the
// epoch. With the call_id, the caller and few others of a call that is below one
// false "maybe" in a hundred, or in a thousand where calls have two records.
const bitsPerSeq = 16

func newEpoch(epochBits uint) *epoch {
	e := &epoch{Filter: filter.New(bitsPerSeq << epochBits)}
	e.from.Store(math.MaxInt64)
	e.to.Store(math.MinInt64)
	return e
}

// addGroup takes a call_id with all its calls in, and reports whether that was
// any news.
func (e *epoch) addGroup(id string, g *fold.Group) (news bool) {
	news = e.Add(hashOf(id))
	for _, c := range g.Calls() {
		for _, k := range filterKeys(c.Caller, c.Receiver, c.DID) {
			news = e.Add(filter.Hash(k)) || news
		}
		// Under what a report calls it the call counted as long as it was an
		// orphan: who asks for the past finds it there.
		for _, k := range g.Reported(c) {
			news = e.Add(filter.Hash(k)) || news
		}
		if at := c.At(); at < e.from.Load() {
			e.from.Store(at)
			news = true
		}
		if at := c.At(); at > e.to.Load() {
			e.to.Store(at)
			news = true
		}
	}
	e.changed = e.changed || news
	return news
}

// filterKeys are the keys under which calls with these numbers are found;
// an empty number has none. Masked values are listed too, other than in profiles.
func filterKeys(caller, receiver, did string) []fold.Key {
	out := make([]fold.Key, 0, 3)
	for _, k := range []fold.Key{{Kind: engine.Callers, Number: caller}, {Kind: engine.Receivers, Number: receiver}, {Kind: engine.DIDs, Number: did}} {
		if k.Number != "" {
			out = append(out, k)
		}
	}
	return out
}

func (e *epoch) encode() []byte {
	b := make([]byte, 0, 16+8*len(e.Filter))
	b = binary.BigEndian.AppendUint64(b, uint64(e.from.Load()))
	b = binary.BigEndian.AppendUint64(b, uint64(e.to.Load()))
	return e.Append(b)
}

func decodeEpoch(b []byte, epochBits uint) (*epoch, error) {
	e := newEpoch(epochBits)
	if len(b) < 16 || !e.Read(b[16:]) {
		return nil, errors.New("history: a filter of the index has the wrong size")
	}
	e.from.Store(int64(binary.BigEndian.Uint64(b)))
	e.to.Store(int64(binary.BigEndian.Uint64(b[8:])))
	return e, nil
}

// mayHold reports whether any call of the epoch could match.
func (e *epoch) mayHold(f engine.CallFilter, keys []fold.Key) bool {
	if !f.From.IsZero() && e.to.Load() < f.From.UnixNano() || !f.To.IsZero() && e.from.Load() >= f.To.UnixNano() {
		return false
	}
	return !slices.ContainsFunc(keys, func(k fold.Key) bool { return !e.Has(filter.Hash(k)) })
}

// mayHoldAny reports whether calls with any of these numbers could be in the
// epoch; without numbers any could.
func (e *epoch) mayHoldAny(keys []fold.Key) bool {
	return len(keys) == 0 || slices.ContainsFunc(keys, func(k fold.Key) bool { return e.Has(filter.Hash(k)) })
}

// of is the number of a place's epoch.
func (t *Table) of(place uint64) uint64 { return place >> t.bits }

// all returns the epochs by number. The writer alone adds to them; readers see the
// list as it was.
func (t *Table) all() []*epoch {
	if l := t.epochs.Load(); l != nil {
		return *l
	}
	return nil
}

// at returns the epoch of a place, made where it is new.
func (t *Table) at(place uint64) *epoch {
	n := t.of(place)
	if l := t.all(); n < uint64(len(l)) && l[n] != nil {
		return l[n]
	}
	failpoint.Pass(failpoint.IndexEpoch)
	e := newEpoch(t.bits)
	t.set(n, e)
	return e
}

func (t *Table) set(n uint64, e *epoch) {
	old := t.all()
	list := make([]*epoch, max(uint64(len(old)), n+1))
	copy(list, old)
	list[n] = e
	t.epochs.Store(&list)
}

// Stale reports whether the filters are to be kept: once so many calls came to them
// that the kept ones lack, or at once where opening would not look for what they lack.
func (t *Table) Stale(calls int) bool { return t.urgent || t.young >= calls }

// Keep writes the filters that changed.
func (t *Table) Keep(tx *bbolt.Tx) error {
	b := tx.Bucket(bucketEpochs)
	for n, e := range t.all() {
		if e == nil || !e.changed {
			continue
		}
		if err := b.Put(boltfile.Key(uint64(n)), e.encode()); err != nil {
			return err
		}
	}
	return nil
}

// Kept notes that what [Table.Keep] wrote is there: the kept filters know all calls up
// to a place.
func (t *Table) Kept(through uint64) {
	t.filtered, t.young, t.urgent = through, 0, false
	for _, e := range t.all() {
		if e != nil {
			e.changed = false
		}
	}
}
