package calltable

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"math"
	"slices"

	"go.etcd.io/bbolt"

	"switchboard/engine/history/fold"
)

// Timed is where a call stands in a list of calls: those of one call_id that are
// dated alike stand together.
type Timed struct {
	When  int64 // Call.At, Unix nanoseconds
	Place uint64
}

// Order is negative where t is newer.
func (t Timed) Order(u Timed) int {
	return cmp.Or(cmp.Compare(u.When, t.When), cmp.Compare(u.Place, t.Place))
}

// Newest is newer than all calls.
var Newest = Timed{math.MaxInt64, math.MaxUint64}

// signBit makes moments sort as unsigned numbers.
const signBit = 1 << 63

func timeKey(epoch uint64, t Timed) []byte {
	b := binary.BigEndian.AppendUint32(make([]byte, 0, 20), uint32(epoch))
	b = binary.BigEndian.AppendUint64(b, uint64(t.When)^signBit)
	return binary.BigEndian.AppendUint64(b, t.Place)
}

// timeOf reads a key of an epoch; ok is false for another epoch's.
func timeOf(k []byte, epoch uint64) (t Timed, ok bool) {
	if len(k) != 20 || uint64(binary.BigEndian.Uint32(k)) != epoch {
		return t, false
	}
	return Timed{int64(binary.BigEndian.Uint64(k[4:]) ^ signBit), binary.BigEndian.Uint64(k[12:])}, true
}

// Moments are the times of a group's calls, each once.
func Moments(g *fold.Group) (out []int64) {
	for _, c := range g.Calls() {
		if at := c.At(); !slices.Contains(out, at) {
			out = append(out, at)
		}
	}
	return out
}

// putTimes brings a call_id's calls to their place in the order.
func (t *Table) putTimes(tx *bbolt.Tx, c Change) error {
	place := c.Place()
	a, b := c.Before.Calls(), c.Group.Calls()
	if c.Was == place && len(a) == 1 && len(b) == 1 && a[0].At() == b[0].At() {
		return nil // what most reports leave it at
	}
	var was, is []int64
	if c.Was != 0 {
		was = Moments(c.Before)
	}
	if place != 0 {
		is = Moments(c.Group)
	}
	times := tx.Bucket(bucketTimes)
	times.FillPercent = 0.9 // most calls come in the order of time
	for _, at := range was {
		if c.Was != place || !slices.Contains(is, at) {
			if err := times.Delete(timeKey(t.of(c.Was), Timed{at, c.Was})); err != nil {
				return err
			}
		}
	}
	for _, at := range is {
		if c.Was != place || !slices.Contains(was, at) {
			if err := times.Put(timeKey(t.of(place), Timed{at, place}), nil); err != nil {
				return err
			}
		}
	}
	return nil
}

// timeMerge gives the calls of some epochs in the order of time, newest first,
// within one transaction.
type timeMerge struct {
	times *bbolt.Bucket
	below Timed       // exclusive
	later []epochTime // not begun yet, those with the newest calls last
	open  []*timeHead
}

// epochTime is an epoch with an upper bound on its calls' times.
type epochTime struct {
	number uint64
	to     int64
}

// timeHead stands at an epoch's next call.
type timeHead struct {
	Timed
	epoch  uint64
	cursor *bbolt.Cursor
}

// next is the next call's place in the order; ok is false at the end.
func (m *timeMerge) next() (t Timed, ok bool) {
	first := m.first()
	for n := len(m.later); n > 0 && (first < 0 || m.later[n-1].to >= m.open[first].When); n = len(m.later) {
		m.begin(m.later[n-1].number)
		m.later = m.later[:n-1]
		first = m.first()
	}
	if first < 0 {
		return t, false
	}
	head := m.open[first]
	t = head.Timed
	k, _ := head.cursor.Prev()
	if head.Timed, ok = timeOf(k, head.epoch); !ok {
		m.open = slices.Delete(m.open, first, first+1)
	}
	return t, true
}

// first is the index of the newest open one, -1 for none. Few epochs overlap.
func (m *timeMerge) first() int {
	first := -1
	for i, h := range m.open {
		if first < 0 || h.Order(m.open[first].Timed) < 0 {
			first = i
		}
	}
	return first
}

func (m *timeMerge) begin(epoch uint64) {
	c := m.times.Cursor()
	key := timeKey(epoch, m.below)
	k, _ := c.Seek(key)
	if k == nil {
		k, _ = c.Last()
	}
	if bytes.Compare(k, key) >= 0 {
		k, _ = c.Prev()
	}
	if t, ok := timeOf(k, epoch); ok {
		m.open = append(m.open, &timeHead{t, epoch, c})
	}
}
