package fold

import (
	"encoding/binary"
	"math"
	"slices"
	"time"

	"switchboard/engine"
)

// AppendProfile appends the encoding of p to dst: equal profiles give equal
// bytes, nil gives none.
func AppendProfile(dst []byte, p *Profile) []byte {
	if p == nil {
		return dst
	}
	dst = p.totals.append(dst)
	dst = binary.AppendUvarint(dst, uint64(len(p.days)))
	prev := int64(0)
	for i := range p.days {
		d := &p.days[i]
		dst = binary.AppendVarint(dst, prev-int64(d.num))
		dst, prev = d.append(dst), int64(d.num)
	}
	dst = binary.AppendUvarint(dst, uint64(len(p.calls)))
	before := &engine.Call{}
	for _, c := range p.calls {
		dst, before = appendCall(dst, c, before), c
	}
	dst = p.cut.append(dst)
	dst = binary.AppendUvarint(dst, uint64(len(p.reasons)))
	for _, c := range p.reasons {
		dst, before = p.appendRef(dst, c, before)
	}
	dst, _ = p.appendRef(dst, p.answered, before)
	dst = binary.AppendUvarint(dst, uint64(len(p.missed)))
	prev = 0
	for _, at := range p.missed {
		dst, prev = binary.AppendVarint(dst, prev-at), at
	}
	return p.flight.append(dst)
}

// DecodeProfile reads what AppendProfile wrote. It fails on anything else with
// an error that says how to rebuild the index, and keeps no reference to b.
func DecodeProfile(b []byte) (*Profile, error) {
	if len(b) == 0 {
		return nil, nil
	}
	r, p := &reader{src: string(b)}, &Profile{}
	p.totals = r.tally()
	r.days(p)
	calls := make([]engine.Call, r.count(keepCalls))
	p.calls = make([]*engine.Call, len(calls))
	before := &engine.Call{}
	for i := range calls {
		r.call(&calls[i], before)
		p.calls[i], before = &calls[i], &calls[i]
	}
	p.cut = r.mark()
	if n := r.count(keepReasons); n > 0 {
		p.reasons = make([]*engine.Call, n)
	}
	for i := range p.reasons {
		if p.reasons[i], before = r.ref(p, before); p.reasons[i] == nil {
			return nil, errCorrupt
		}
	}
	p.answered, _ = r.ref(p, before)
	if n := r.count(keepMissed); n > 0 {
		p.missed = make([]int64, n)
	}
	at := int64(0)
	for i := range p.missed {
		at -= r.int()
		p.missed[i] = at
	}
	r.flight(&p.flight)
	if err := r.err(); err != nil {
		return nil, err
	}
	return p, nil
}

func (t *tally) append(dst []byte) []byte {
	for _, n := range [...]int64{t.offered, t.answered, t.unanswered, t.other, t.talk} {
		dst = binary.AppendVarint(dst, n)
	}
	return dst
}

func (r *reader) tally() tally {
	return tally{offered: r.int(), answered: r.int(), unanswered: r.int(), other: r.int(), talk: r.int()}
}

// The days that Unix nanoseconds reach, and one more for the time zone; all have
// years of four digits.
const (
	maxDay = math.MaxInt64/int64(24*time.Hour) + 1
	minDay = -maxDay - 1
)

func (r *reader) days(p *Profile) {
	p.days = make([]day, r.count(keepDays))
	dates := make([]byte, 0, len(p.days)*len("2006-01-02"))
	num := int64(0)
	for i := range p.days {
		if num -= r.int(); num < minDay || num > maxDay {
			r.fail()
			return
		}
		p.days[i] = day{num: int32(num), tally: r.tally()}
		dates = appendDate(dates, int32(num))
	}
	// One string for all: profiles are decoded far more often than days begin.
	all := string(dates)
	for i := range p.days {
		p.days[i].date, all = all[:len("2006-01-02")], all[len("2006-01-02"):]
	}
}

func (m mark) append(dst []byte) []byte {
	if m == (mark{}) {
		return append(dst, 0)
	}
	dst = binary.AppendVarint(append(dst, 1), m.at)
	return appendString(appendString(dst, m.id), m.did)
}

func (r *reader) mark() mark {
	if r.count(1) == 0 {
		return mark{}
	}
	return mark{r.int(), r.string(), r.string()}
}

// appendRef writes a call as its place in the list, from 1; in full after a 0
// where it is not there; as keepCalls+1 where it is nil. It returns the call
// that the next one written in full may lean on.
func (p *Profile) appendRef(dst []byte, c, before *engine.Call) ([]byte, *engine.Call) {
	if c == nil {
		return binary.AppendUvarint(dst, keepCalls+1), before
	}
	if i, found := slices.BinarySearchFunc(p.calls, c, order); found {
		return binary.AppendUvarint(dst, uint64(i+1)), before
	}
	return appendCall(append(dst, 0), c, before), c
}

func (r *reader) ref(p *Profile, before *engine.Call) (c, next *engine.Call) {
	switch n := r.count(keepCalls + 1); {
	case n == keepCalls+1:
		return nil, before
	case n > len(p.calls):
		r.fail()
		return nil, before
	case n > 0:
		return p.calls[n-1], before
	}
	c = &engine.Call{}
	r.call(c, before)
	return c, c
}

func (f *flight) append(dst []byte) []byte {
	dst = binary.AppendVarint(dst, f.newest)
	dst = binary.AppendUvarint(dst, uint64(len(f.stretches)))
	id, date := floorDiv(f.newest, cells), int32(0)
	for _, s := range f.stretches {
		dst = binary.AppendVarint(dst, s.id-id)
		dst = binary.AppendVarint(dst, int64(s.day-date))
		id, date = s.id, s.day
		var used uint64
		for i, n := range s.n {
			used |= bits(n != 0) << i
		}
		dst = binary.AppendUvarint(dst, used)
		for _, n := range s.n {
			if n != 0 {
				dst = binary.AppendUvarint(dst, uint64(n))
			}
		}
	}
	return dst
}

// flight reads counters. Their number is bounded by the input, which holds at
// least four bytes for each.
func (r *reader) flight(f *flight) {
	f.newest = r.int()
	n := r.count(r.left() / 4)
	if n == 0 {
		return
	}
	all := make([]stretch, n)
	f.stretches = make([]*stretch, n)
	id, date := floorDiv(f.newest, cells), int32(0)
	for i := range all {
		s := &all[i]
		id, date = id+r.int(), date+int32(r.int())
		s.id, s.day = id, date
		for used, j := r.uint(), 0; j < cells; j++ {
			if used>>j&1 != 0 {
				s.n[j] = uint32(r.uint())
				s.sum += s.n[j]
			}
		}
		f.stretches[i] = s
	}
}
