package fold

import (
	"fmt"
	"testing"

	"switchboard/engine"
)

// typical is a caller's or receiver's profile: a full list over five days, three
// reasons, nothing left in flight.
func typical(r Rules) *Profile {
	var p *Profile
	for i := range int64(25) {
		c := call(fmt.Sprintf("65015fbd9c9a62%010d", i), i*5*3600e9, engine.StatusAnswered)
		c.Reason, c.Duration = fmt.Sprint("reason", i%3), 40
		c.ReceivedAt, c.EndedAt = c.RoutedAt-1e6, c.RoutedAt+50e9
		p = p.Replace(didKey, nil, c, r)
	}
	return p
}

// hot is a DID with calls in flight in every second of the TTL, and a month.
func hot(r Rules) *Profile {
	var p *Profile
	for i := range int64(30) {
		p = p.Replace(didKey, nil, call(fmt.Sprint("d", i), i*86400e9, engine.StatusAnswered), r)
	}
	for i := range int64(1800 * 2) {
		p = p.Replace(didKey, nil, call(fmt.Sprint(i), 30*86400e9+i*5e8, engine.StatusInFlight), r)
	}
	return p
}

var shapes = []struct {
	name string
	make func(Rules) *Profile
	last int64
}{{"typical", typical, 25 * 5 * 3600e9}, {"hot", hot, 30*86400e9 + 1800e9}}

// BenchmarkReplace decides a call and completes it.
func BenchmarkReplace(b *testing.B) {
	r := Rules{kolkata(b), halfHour.TTL}
	for _, s := range shapes {
		open, done := call("x", s.last, engine.StatusInFlight), call("x", s.last, engine.StatusAnswered)
		p := s.make(r)
		b.Run("decide/"+s.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				p.Replace(didKey, nil, open, r)
			}
		})
		decided := p.Replace(didKey, nil, open, r)
		b.Run("complete/"+s.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				decided.Replace(didKey, open, done, r)
			}
		})
	}
}

func BenchmarkAt(b *testing.B) {
	r := Rules{kolkata(b), halfHour.TTL}
	for _, s := range shapes {
		p := s.make(r)
		b.Run(s.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				p.At(base+s.last, r)
			}
		})
	}
}

func BenchmarkDecodeProfile(b *testing.B) {
	for _, s := range shapes {
		buf := AppendProfile(nil, s.make(halfHour))
		b.Run(fmt.Sprintf("%s-%dB", s.name, len(buf)), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := DecodeProfile(buf); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkAppendProfile(b *testing.B) {
	p, buf := typical(halfHour), make([]byte, 0, 4096)
	b.ReportAllocs()
	for b.Loop() {
		AppendProfile(buf, p)
	}
}

// BenchmarkGroup is a call's whole way: decision, completion, read back.
func BenchmarkGroup(b *testing.B) {
	first, second := forwarded(did, 0, "9876543210"), told(engine.StatusAnswered, 60, 61)
	b.ReportAllocs()
	for b.Loop() {
		g, _ := (*Group)(nil).With(first)
		g, _ = g.With(second)
		if _, err := DecodeGroup(AppendGroup(nil, g)); err != nil {
			b.Fatal(err)
		}
	}
}
