package fold

import (
	"cmp"
	"encoding/binary"
	"math"
	"slices"

	"switchboard/engine"
)

// InFlight counts all calls in flight, whoever called and whatever their numbers,
// by the slice of time in which they were routed: as many counters as the TTL has
// slices, however many calls there are. The zero value counts none. It is for one
// goroutine at a time.
type InFlight struct {
	now   int64      // the slot of the latest Prune
	slots []routedIn // by slot
}

type routedIn struct{ slot, n int64 }

// Replace takes a call's earlier version out and puts its new version in; nil
// stands for none. What expired before the last Prune is not counted any more,
// and need not be taken out.
func (f *InFlight) Replace(old, new *engine.Call, r Rules) {
	w := windowOf(r.TTL)
	if old != nil && old.Status == engine.StatusInFlight {
		if i, found := f.find(w.slot(old.RoutedAt)); found && f.slots[i].n > 0 {
			f.slots[i].n--
		}
	}
	if new != nil && new.Status == engine.StatusInFlight {
		slot := w.slot(new.RoutedAt)
		i, found := f.find(slot)
		if !found {
			f.slots = slices.Insert(f.slots, i, routedIn{slot: slot})
		}
		f.slots[i].n++
	}
}

func (f *InFlight) find(slot int64) (int, bool) {
	return slices.BinarySearchFunc(f.slots, slot, func(r routedIn, slot int64) int { return cmp.Compare(r.slot, slot) })
}

// At is how many calls are in flight at a moment (Unix nanoseconds), by the rule
// of [Resolve].
func (f *InFlight) At(now int64, r Rules) (n int64) {
	w := windowOf(r.TTL)
	i, _ := f.find(w.slot(now) - w.span + 1)
	for _, s := range f.slots[i:] {
		n += s.n
	}
	return n
}

// Prune forgets what has expired at a moment. It is for making room: [InFlight.At]
// says the same before and after, of that moment and later ones.
func (f *InFlight) Prune(now int64, r Rules) {
	w := windowOf(r.TTL)
	f.now = max(f.now, w.slot(now))
	edge := f.now - w.span
	f.slots = slices.DeleteFunc(f.slots, func(s routedIn) bool { return s.slot <= edge || s.n == 0 })
}

// Exact is the moment, in Unix nanoseconds, from which on [InFlight.At] counts all
// there are: that of the latest Prune.
func (f *InFlight) Exact(r Rules) int64 { return f.now * windowOf(r.TTL).width }

// Append appends the encoding to dst; none for the zero value.
func (f *InFlight) Append(dst []byte) []byte {
	if f.now == 0 && len(f.slots) == 0 {
		return dst
	}
	dst = binary.AppendVarint(dst, f.now)
	before := int64(0)
	for _, s := range f.slots {
		if s.n > 0 {
			dst = binary.AppendVarint(dst, s.slot-before)
			dst = binary.AppendUvarint(dst, uint64(s.n))
			before = s.slot
		}
	}
	return dst
}

// DecodeInFlight reads what Append wrote. It fails on anything else with an error
// that says how to rebuild the index.
func DecodeInFlight(b []byte) (f InFlight, err error) {
	if len(b) == 0 {
		return f, nil
	}
	r := &reader{src: string(b)}
	f.now = r.int()
	slot := int64(0)
	for r.left() > 0 {
		step, n := r.int(), r.uint()
		if slot += step; n == 0 || n > math.MaxInt64 || len(f.slots) > 0 && step <= 0 {
			r.fail()
		}
		f.slots = append(f.slots, routedIn{slot, int64(n)})
	}
	if err := r.err(); err != nil {
		return InFlight{}, err
	}
	return f, nil
}
