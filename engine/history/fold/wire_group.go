package fold

import (
	"encoding/binary"

	"switchboard/engine"
)

// AppendGroup appends the encoding of g to dst: equal groups give equal bytes,
// nil gives none.
func AppendGroup(dst []byte, g *Group) []byte {
	if g == nil {
		return dst
	}
	dst = appendString(dst, g.id)
	dst = binary.AppendUvarint(dst, uint64(len(g.decisions)))
	near := int64(0)
	for i := range g.decisions {
		d := &g.decisions[i]
		source := code(sources[:], d.source)
		dst = binary.AppendUvarint(dst, source|bits(d.reject, d.caller.number, d.did.number, d.receiver.number)<<3)
		dst = appendSpelled(dst, source, d.source)
		for _, s := range [...]string{d.caller.text, d.did.text, d.receiver.text, d.reason} {
			dst = appendString(dst, s)
		}
		dst = appendTime(dst, d.routedAt, &near)
		dst = appendTime(dst, d.arrived, &near)
	}
	dst = binary.AppendUvarint(dst, uint64(len(g.reports)))
	for i := range g.reports {
		r := &g.reports[i]
		status := code(statuses[:], r.status)
		dst = binary.AppendUvarint(dst, status|bits(r.caller.number, r.did.number, r.receiver.number)<<3)
		dst = appendSpelled(dst, status, r.status)
		for _, s := range [...]string{r.caller.text, r.did.text, r.receiver.text, r.hangup} {
			dst = appendString(dst, s)
		}
		for _, t := range [...]int64{r.receivedAt, r.answeredAt, r.endedAt, r.arrived} {
			dst = appendTime(dst, t, &near)
		}
		dst = binary.AppendVarint(dst, r.duration)
		dst = appendDigest(appendDigest(dst, r.recording), r.extra)
	}
	return dst
}

// DecodeGroup reads what AppendGroup wrote. It fails on anything else with an
// error that says how to rebuild the index, and keeps no reference to b.
func DecodeGroup(b []byte) (*Group, error) {
	if len(b) == 0 {
		return nil, nil
	}
	r := &reader{src: string(b)}
	g := &Group{id: r.string()}
	near := int64(0)
	if n := r.count(maxDIDs); n > 0 {
		g.decisions = make([]decision, n)
	}
	for i := range g.decisions {
		d := &g.decisions[i]
		head := r.uint()
		d.source = decoded(r, sources[:], head&7)
		d.reject = head>>3&1 != 0
		d.caller = party{r.string(), head>>4&1 != 0}
		d.did = party{r.string(), head>>5&1 != 0}
		d.receiver = party{r.string(), head>>6&1 != 0}
		d.reason = r.string()
		d.routedAt, d.arrived = r.near(&near), r.near(&near)
	}
	if n := r.count(maxReports); n > 0 {
		g.reports = make([]report, n)
	}
	for i := range g.reports {
		e := &g.reports[i]
		head := r.uint()
		e.status = decoded(r, statuses[:], head&7)
		e.caller = party{r.string(), head>>3&1 != 0}
		e.did = party{r.string(), head>>4&1 != 0}
		e.receiver = party{r.string(), head>>5&1 != 0}
		e.hangup = r.string()
		e.receivedAt, e.answeredAt, e.endedAt, e.arrived = r.near(&near), r.near(&near), r.near(&near), r.near(&near)
		e.duration = max(r.int(), engine.NoDuration)
		e.recording, e.extra = r.digest(), r.digest()
	}
	if err := r.err(); err != nil {
		return nil, err
	}
	g.calls = g.join()
	return g, nil
}

// appendTime writes an unknown time as 0, others by their distance from the one
// before, moved by one away from that 0.
func appendTime(dst []byte, t int64, near *int64) []byte {
	if t == 0 {
		return append(dst, 0)
	}
	delta := t - *near
	if delta >= 0 {
		delta++
	}
	*near = t
	return binary.AppendVarint(dst, delta)
}

func (r *reader) near(near *int64) int64 {
	delta := r.int()
	if delta == 0 {
		return 0
	}
	if delta > 0 {
		delta--
	}
	*near += delta
	return *near
}

// appendDigest: a digest is absent more often than not.
func appendDigest(dst []byte, d uint64) []byte {
	if d == 0 {
		return append(dst, 0)
	}
	return binary.LittleEndian.AppendUint64(append(dst, 1), d)
}

func (r *reader) digest() uint64 {
	if r.count(1) == 0 {
		return 0
	}
	var d [8]byte
	copy(d[:], r.bytes(8))
	return binary.LittleEndian.Uint64(d[:])
}
