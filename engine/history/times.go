package history

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"math"
	"slices"

	"go.etcd.io/bbolt"

	"switchboard/engine/history/fold"
)

// Calls are listed by their own time, which for imported ones is not that of their
// arrival. Each epoch of the call table has its calls in that order; a list merges
// those of the epochs whose times overlap.

// bucketTimes holds the order of calls: epoch, moment that dates a call, place in
// the call table -> nothing.
var bucketTimes = []byte("times")

// timed is where a call stands in a list of calls: those of one call_id that are
// dated alike stand together.
type timed struct {
	when  int64 // Call.At, Unix nanoseconds
	place uint64
}

// order is negative where t is newer.
func (t timed) order(u timed) int {
	return cmp.Or(cmp.Compare(u.when, t.when), cmp.Compare(u.place, t.place))
}

var newestTimed = timed{math.MaxInt64, math.MaxUint64}

// signBit makes moments sort as unsigned numbers.
const signBit = 1 << 63

func timeKey(epoch uint64, t timed) []byte {
	b := binary.BigEndian.AppendUint32(make([]byte, 0, 20), uint32(epoch))
	b = binary.BigEndian.AppendUint64(b, uint64(t.when)^signBit)
	return binary.BigEndian.AppendUint64(b, t.place)
}

// timeOf reads a key of an epoch; ok is false for another epoch's.
func timeOf(k []byte, epoch uint64) (t timed, ok bool) {
	if len(k) != 20 || uint64(binary.BigEndian.Uint32(k)) != epoch {
		return t, false
	}
	return timed{int64(binary.BigEndian.Uint64(k[4:]) ^ signBit), binary.BigEndian.Uint64(k[12:])}, true
}

// moments are the times of a group's calls, each once.
func moments(g *fold.Group) (out []int64) {
	for _, c := range g.Calls() {
		if at := c.At(); !slices.Contains(out, at) {
			out = append(out, at)
		}
	}
	return out
}

// putTimes brings a call_id's calls to their place in the order.
func (x *index) putTimes(tx *bbolt.Tx, w written) error {
	place := w.at()
	a, b := w.before.Calls(), w.group.Calls()
	if w.place == place && len(a) == 1 && len(b) == 1 && a[0].At() == b[0].At() {
		return nil // what most reports leave it at
	}
	var was, is []int64
	if w.place != 0 {
		was = moments(w.before)
	}
	if place != 0 {
		is = moments(w.group)
	}
	times := tx.Bucket(bucketTimes)
	times.FillPercent = 0.9 // most calls come in the order of time
	for _, at := range was {
		if w.place != place || !slices.Contains(is, at) {
			if err := times.Delete(timeKey(x.epochs.of(w.place), timed{at, w.place})); err != nil {
				return err
			}
		}
	}
	for _, at := range is {
		if w.place != place || !slices.Contains(was, at) {
			if err := times.Put(timeKey(x.epochs.of(place), timed{at, place}), nil); err != nil {
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
	below timed       // exclusive
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
	timed
	epoch  uint64
	cursor *bbolt.Cursor
}

// next is the next call's place in the order; ok is false at the end.
func (m *timeMerge) next() (t timed, ok bool) {
	first := m.first()
	for n := len(m.later); n > 0 && (first < 0 || m.later[n-1].to >= m.open[first].when); n = len(m.later) {
		m.begin(m.later[n-1].number)
		m.later = m.later[:n-1]
		first = m.first()
	}
	if first < 0 {
		return t, false
	}
	head := m.open[first]
	t = head.timed
	k, _ := head.cursor.Prev()
	if head.timed, ok = timeOf(k, head.epoch); !ok {
		m.open = slices.Delete(m.open, first, first+1)
	}
	return t, true
}

// first is the index of the newest open one, -1 for none. Few epochs overlap.
func (m *timeMerge) first() int {
	first := -1
	for i, h := range m.open {
		if first < 0 || h.order(m.open[first].timed) < 0 {
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

// hasAll leaves out calls that one of the numbers does not occur in, which need
// not be decoded. Numbers stand in the encoding as they are.
func hasAll(data []byte, keys []fold.Key) bool {
	return !slices.ContainsFunc(keys, func(k fold.Key) bool { return !bytes.Contains(data, []byte(k.Number)) })
}
