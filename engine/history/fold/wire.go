package fold

import (
	"encoding/binary"
	"errors"

	"switchboard/engine"
)

// errCorrupt is all there is to say about bytes that this package did not write:
// the remedy is always the same.
var errCorrupt = errors.New("the index holds a value that is not in its format; rebuild it with \"switchboard db rebuild\"")

func appendString(dst []byte, s string) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(s))), s...)
}

// reader takes values off encoded bytes. After the first error it yields zeros,
// so that a decoder checks once, at its end.
type reader struct {
	src string // one copy of the input, which all strings share
	at  int
	bad bool
}

func (r *reader) fail() { r.at, r.bad = len(r.src), true }

func (r *reader) left() int { return len(r.src) - r.at }

func (r *reader) uint() uint64 {
	var v uint64
	for i, shift := r.at, 0; i < len(r.src) && shift < 64; i, shift = i+1, shift+7 {
		b := r.src[i]
		v |= uint64(b&0x7f) << shift
		if b < 0x80 {
			r.at = i + 1
			return v
		}
	}
	r.fail()
	return 0
}

func (r *reader) int() int64 {
	u := r.uint()
	return int64(u>>1) ^ -int64(u&1)
}

func (r *reader) string() string { return r.bytes(r.uint()) }

func (r *reader) bytes(n uint64) string {
	if n > uint64(r.left()) {
		r.fail()
		return ""
	}
	from := r.at
	r.at += int(n)
	return r.src[from:r.at]
}

// count reads a length, at most limit.
func (r *reader) count(limit int) int {
	n := r.uint()
	if n > uint64(limit) {
		r.fail()
		return 0
	}
	return int(n)
}

func (r *reader) err() error {
	if r.bad || r.left() > 0 {
		return errCorrupt
	}
	return nil
}

// Statuses and sources take three bits; their places in these lists are part of
// the format.
var (
	statuses = [...]engine.Status{
		engine.StatusInFlight, engine.StatusAnswered, engine.StatusNotAnswered,
		engine.StatusOther, engine.StatusExpired, engine.StatusRejected,
	}
	sources = [...]engine.Source{
		"", engine.SourcePolicy, engine.SourceDIDFallback, engine.SourceFallback,
		engine.SourceShed, engine.SourceRejected, engine.SourceNone,
	}
)

// spelled says that a status or source in none of the lists follows as text.
const spelled = 7

func code[S ~string](list []S, s S) uint64 {
	for i, t := range list {
		if s == t {
			return uint64(i)
		}
	}
	return spelled
}

func appendSpelled[S ~string](dst []byte, code uint64, s S) []byte {
	if code == spelled {
		return appendString(dst, string(s))
	}
	return dst
}

func decoded[S ~string](r *reader, list []S, code uint64) S {
	if code < uint64(len(list)) {
		return list[code]
	}
	return S(r.string())
}

// bits packs booleans, the first into the lowest bit.
func bits(flags ...bool) uint64 {
	var v uint64
	for i, f := range flags {
		if f {
			v |= 1 << i
		}
	}
	return v
}
