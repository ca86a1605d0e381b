package calltable

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"

	"go.etcd.io/bbolt"

	"switchboard/engine"
	"switchboard/engine/history/boltfile"
	"switchboard/engine/history/fold"
)

// Bounds of one step of a list or a walk, so that no transaction stays open for long.
const (
	found  = 256  // entries that it copies out at most
	looked = 4096 // and looks at
)

// Entry is a call_id's call as the table has it. In a list it stands at one of its
// calls' times.
type Entry struct {
	Timed
	data []byte
}

// Call reads it.
func (e Entry) Call() (Call, error) {
	c, err := decode(e.Place, e.data)
	if err != nil {
		err = fmt.Errorf("the call table is damaged at %d: %w", e.Place, err)
	}
	return c, err
}

// List goes through the calls by their own times, newest first, passing over epochs
// that hold nothing for a filter.
type List struct {
	Below Timed // it has come so far; exclusive
	Ended bool  // there are no more

	table *Table
	f     engine.CallFilter
	keys  []fold.Key
}

// List begins below a place in the order. The filter's numbers and times only leave
// out what can't match.
func (t *Table) List(below Timed, f engine.CallFilter) *List {
	return &List{Below: below, table: t, f: f, keys: filterKeys(f.Caller, f.Receiver, f.DID)}
}

// Next gives the next calls, which may be none although it has not ended. The error
// is boltfile.ErrCorrupt.
func (l *List) Next(tx *bbolt.Tx) (out []Entry, err error) {
	calls := tx.Bucket(bucketCalls)
	m := timeMerge{times: tx.Bucket(bucketTimes), below: l.Below}
	for n, e := range l.table.all() {
		if e != nil && e.from.Load() <= l.Below.When && e.mayHold(l.f, l.keys) {
			m.later = append(m.later, epochTime{uint64(n), e.to.Load()})
		}
	}
	slices.SortStableFunc(m.later, func(a, b epochTime) int { return cmp.Compare(a.to, b.to) })
	for n := 0; len(out) < found && n < looked; n++ {
		t, ok := m.next()
		if l.Ended = !ok || !l.f.From.IsZero() && t.When < l.f.From.UnixNano(); l.Ended {
			return out, nil
		}
		l.Below = t
		data := calls.Get(boltfile.Key(t.Place))
		if data == nil {
			return out, fmt.Errorf("%w: the call at %d is listed and not there", boltfile.ErrCorrupt, t.Place)
		}
		if hasAll(data, l.keys) {
			out = append(out, Entry{t, bytes.Clone(data)})
		}
	}
	return out, nil
}

// hasAll leaves out calls that one of the numbers does not occur in, which need
// not be decoded. Numbers stand in the encoding as they are.
func hasAll(data []byte, keys []fold.Key) bool {
	return !slices.ContainsFunc(keys, func(k fold.Key) bool { return !bytes.Contains(data, []byte(k.Number)) })
}

// Walk goes through the calls as they lie, newest place first, passing over epochs
// that hold none of some numbers.
type Walk struct {
	Ended bool // there are no more

	table *Table
	below uint64     // it has come so far; exclusive
	any   []fold.Key // the numbers; none for all calls
}

// Walk begins below a place. Numbers only leave out calls in which none of them
// occurs.
func (t *Table) Walk(below uint64, any []fold.Key) *Walk {
	return &Walk{table: t, below: below, any: any}
}

// Next gives the next calls, without times; they may be none although it has not
// ended.
func (w *Walk) Next(tx *bbolt.Tx) (out []Entry) {
	t, epochs := w.table, w.table.all()
	c := tx.Bucket(bucketCalls).Cursor()
	k, v := boltfile.Before(c, w.below)
	for n := 0; k != nil && len(out) < found && n < looked; n++ {
		if e := t.of(boltfile.Number(k)); e < uint64(len(epochs)) && epochs[e] != nil && !epochs[e].mayHoldAny(w.any) {
			w.below = e << t.bits
			k, v = boltfile.Before(c, w.below)
			continue
		}
		w.below = boltfile.Number(k)
		if hasAny(v, w.any) {
			out = append(out, Entry{Timed{Place: w.below}, bytes.Clone(v)})
		}
		k, v = c.Prev()
	}
	w.Ended = k == nil
	return out
}

// hasAny leaves out calls that none of the numbers occurs in: most are, and need
// not be decoded. Numbers stand in the encoding as they are.
func hasAny(data []byte, keys []fold.Key) bool {
	return len(keys) == 0 || slices.ContainsFunc(keys, func(k fold.Key) bool { return bytes.Contains(data, []byte(k.Number)) })
}
