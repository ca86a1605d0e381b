package fold

import (
	"slices"
	"time"

	"switchboard/engine"
)

// slots is how many slices of time the TTL is cut into.
const slots = 1800

// window is the TTL in slices of time.
type window struct {
	width int64 // of a slice, in nanoseconds
	span  int64 // slices a call stays in flight
}

func windowOf(ttl time.Duration) window {
	width := max(int64(ttl)/slots, 1)
	return window{width, max(int64(ttl), 0) / width}
}

// slot is the slice a moment (Unix nanoseconds) falls into.
func (w window) slot(ns int64) int64 { return floorDiv(ns, w.width) }

func (w window) resolve(c *engine.Call, now int64) *engine.Call {
	if c == nil || c.Status != engine.StatusInFlight || w.slot(c.RoutedAt)+w.span > w.slot(now) {
		return c
	}
	expired := *c
	expired.Status = engine.StatusExpired
	return &expired
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

// stretch counts the calls in flight that were routed in 32 neighbouring slices
// of time, on one local day.
type stretch struct {
	id  int64 // of the slices id*cells to id*cells+cells-1
	day int32
	sum uint32 // of n
	n   [cells]uint32
}

const cells = 32

// flight counts calls in flight by when they were routed. Stretches are shared
// between versions, so that a busy number's counters are not copied for every
// call.
type flight struct {
	newest    int64 // slot of the newest routed call
	stretches []*stretch
}

// routed tells of a call in a slot, whatever became of it.
func (f *flight) routed(slot int64, w window) {
	if slot <= f.newest {
		return
	}
	f.newest = slot
	gone := 0
	for gone < len(f.stretches) && f.over(f.stretches[gone].id, w) {
		gone++
	}
	f.stretches = f.stretches[gone:]
}

// over reports whether all of a stretch has expired when the newest call was
// routed.
func (f *flight) over(id int64, w window) bool { return id*cells+cells-1+w.span <= f.newest }

func (f *flight) add(slot int64, day int32, w window) {
	id := floorDiv(slot, cells)
	if f.over(id, w) {
		return
	}
	s := stretch{id: id, day: day}
	i, found := f.find(id, day)
	if found {
		s = *f.stretches[i]
	}
	s.n[slot-id*cells]++
	s.sum++
	out := make([]*stretch, 0, len(f.stretches)+1)
	out = append(append(out, f.stretches[:i]...), &s)
	if found {
		i++
	}
	f.stretches = append(out, f.stretches[i:]...)
}

// remove takes back an add; a counter that is no longer kept stays so.
func (f *flight) remove(slot int64, day int32) {
	id := floorDiv(slot, cells)
	i, found := f.find(id, day)
	if !found || f.stretches[i].n[slot-id*cells] == 0 {
		return
	}
	s := *f.stretches[i]
	s.n[slot-id*cells]--
	s.sum--
	if s.sum == 0 {
		f.stretches = slices.Concat(f.stretches[:i], f.stretches[i+1:])
		return
	}
	f.stretches = slices.Clone(f.stretches)
	f.stretches[i] = &s
}

// find looks from the newest backwards: that is where calls come and go.
func (f *flight) find(id int64, day int32) (int, bool) {
	i := len(f.stretches)
	for i > 0 {
		s := f.stretches[i-1]
		if s.id == id && s.day == day {
			return i - 1, true
		}
		if s.id < id || s.id == id && s.day < day {
			break
		}
		i--
	}
	return i, false
}

// live counts the calls of a stretch that are in flight at a slot.
func (s *stretch) live(now int64, w window) int64 {
	edge := now - w.span // slots up to here have expired
	first := s.id * cells
	switch {
	case first > edge:
		return int64(s.sum)
	case first+cells-1 <= edge:
		return 0
	}
	var sum int64
	for _, n := range s.n[edge-first+1:] {
		sum += int64(n)
	}
	return sum
}
