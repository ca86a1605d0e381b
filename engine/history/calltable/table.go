package calltable

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"

	"go.etcd.io/bbolt"

	"switchboard/engine/history/boltfile"
	"switchboard/engine/history/fold"
)

// The buckets of a table.
var (
	bucketCalls  = []byte("calls")  // place -> call
	bucketIDs    = []byte("ids")    // epoch, call_id -> place
	bucketEpochs = []byte("epochs") // epoch -> filter
	bucketTimes  = []byte("times")  // epoch, moment that dates a call, place -> nothing
)

// Folded are the buckets that say the same of two tables of the same calls, that of
// the calls first. Which filters there are depends on how a table grew.
func Folded() [][]byte { return [][]byte{bucketCalls, bucketIDs, bucketTimes} }

// Table is what memory holds of a call table.
type Table struct {
	bits   uint                     // an epoch has 1<<bits places
	epochs atomic.Pointer[[]*epoch] // by number; nil where one has no calls

	// The writer's alone.
	filtered uint64 // the kept filters know the calls up to this place
	young    int    // calls that came to the filters since
	urgent   bool   // something came to the filters that the next opening would miss
}

// New is a table without calls, whose epochs have 1<<bits places.
func New(bits uint) *Table { return &Table{bits: bits} }

// Create makes the buckets of an empty table.
func Create(tx *bbolt.Tx) error {
	return boltfile.MakeBuckets(tx, bucketCalls, bucketIDs, bucketEpochs, bucketTimes)
}

// Open takes in what memory holds of a table whose filters know all calls up to a
// place. bits is part of its format. The error is boltfile.ErrCorrupt.
func Open(tx *bbolt.Tx, bits uint, filtered uint64) (*Table, error) {
	if err := boltfile.NeedBuckets(tx, bucketCalls, bucketIDs, bucketEpochs, bucketTimes); err != nil {
		return nil, err
	}
	t := &Table{bits: bits, filtered: filtered}
	err := tx.Bucket(bucketEpochs).ForEach(func(k, v []byte) error {
		e, err := decodeEpoch(v, bits)
		if err != nil {
			return fmt.Errorf("%w: %w", boltfile.ErrCorrupt, err)
		}
		t.set(boltfile.Number(k), e)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return t, t.readYoung(tx)
}

// readYoung brings the calls that the kept filters lack to them.
func (t *Table) readYoung(tx *bbolt.Tx) error {
	c := tx.Bucket(bucketCalls).Cursor()
	for k, v := c.Seek(boltfile.Key(t.filtered + 1)); k != nil; k, v = c.Next() {
		call, err := decode(boltfile.Number(k), v)
		if err != nil {
			return fmt.Errorf("%w: %w", boltfile.ErrCorrupt, err)
		}
		if calls := call.Group.Calls(); len(calls) > 0 {
			t.at(call.Place()).addGroup(calls[0].CallID, call.Group)
			t.young++
		}
	}
	return nil
}

// Change is a call_id's call as it is to be, and what the table has of it so far.
type Change struct {
	ID string
	Call
	Was    uint64      // its place; 0 for none
	Before *fold.Group // what it was there
}

// Note tells the filters of a change before the transaction that puts it: readers
// look into them first, and must not miss what they could find once that is there.
func (t *Table) Note(c Change) {
	place := c.Place()
	if place == 0 {
		return
	}
	news := t.at(place).addGroup(c.ID, c.Group)
	t.urgent = t.urgent || news && place <= t.filtered
	if c.Was != place {
		t.young++
	}
}

// Put writes a change, but for the call_id of a call that is new or has moved, which
// [Table.Name] brings to its place.
func (t *Table) Put(tx *bbolt.Tx, c Change) error {
	calls, place := tx.Bucket(bucketCalls), c.Place()
	calls.FillPercent = 0.95 // places grow; a completion makes its call a little longer
	// A rebuild may find an older record of a call than those that came live, and
	// retention takes the oldest away: the call moves.
	if c.Was != 0 && c.Was != place {
		if err := errors.Join(calls.Delete(boltfile.Key(c.Was)), tx.Bucket(bucketIDs).Delete(t.idKey(c.Was, c.ID))); err != nil {
			return err
		}
	}
	if err := t.putTimes(tx, c); err != nil || place == 0 {
		return err
	}
	return calls.Put(boltfile.Key(place), c.encode())
}

// Name lets [Table.Find] find a call, by its place as [boltfile.Key] has it.
func (t *Table) Name(tx *bbolt.Tx, id string, place []byte) error {
	return tx.Bucket(bucketIDs).Put(t.idKey(boltfile.Number(place), id), place)
}

// Find looks a call_id up where the filters say that it may be, newest epoch first,
// and returns its place as [boltfile.Key] has it, nil for none. It is valid as long as
// the transaction.
func (t *Table) Find(tx *bbolt.Tx, id string) (place []byte) {
	hash, ids := hashOf(id), tx.Bucket(bucketIDs)
	for n, e := range slices.Backward(t.all()) {
		if e == nil || !e.Has(hash) {
			continue
		}
		if v := ids.Get(t.idKey(uint64(n)<<t.bits, id)); v != nil {
			return v
		}
	}
	return nil
}

// At reads the call at a place, as [boltfile.Key] has it; the zero call where there is
// none.
func (t *Table) At(tx *bbolt.Tx, place []byte) (Call, error) {
	v := tx.Bucket(bucketCalls).Get(place)
	if v == nil {
		return Call{}, nil
	}
	return decode(boltfile.Number(place), v)
}

// Hidden counts the call_ids that a filter hides, which is none unless something is
// broken.
func (t *Table) Hidden(tx *bbolt.Tx) (n int) {
	all, c := t.all(), tx.Bucket(bucketIDs).Cursor()
	for k, v := c.First(); k != nil; k, v = c.Next() {
		e := t.of(boltfile.Number(v))
		if len(k) < 4 || e >= uint64(len(all)) || all[e] == nil || !all[e].Has(hashOf(string(k[4:]))) {
			n++
		}
	}
	return n
}

func (t *Table) idKey(place uint64, id string) []byte {
	b := binary.BigEndian.AppendUint32(make([]byte, 0, 4+len(id)), uint32(t.of(place)))
	return append(b, id...)
}
