package history

import (
	"encoding/binary"
	"errors"
	"math"
	"strings"

	"switchboard/engine"
	"switchboard/engine/history/fold"
)

// errLiveWire: the index holds something that is no live data.
var errLiveWire = errors.New("history: live data of the index can't be read")

func appendText(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

func appendSession(b []byte, s *engine.Session) []byte {
	b = appendText(appendText(appendText(appendText(b, s.Ref), s.DID), s.Parties[0]), s.Parties[1])
	for _, t := range []int64{s.Created, s.Expires, s.LastEnded} {
		b = binary.AppendVarint(b, t)
	}
	return appendText(b, string(s.Data))
}

func (k *kept) append(b []byte) []byte {
	return appendSession(binary.AppendUvarint(b, k.seq), k.session)
}

func (p *pair) append(b []byte) []byte {
	b = binary.AppendUvarint(binary.AppendVarint(b, p.ended), uint64(len(p.list)))
	for _, s := range p.list {
		b = appendSession(b, s)
	}
	return b
}

func (f *keptFact) append(b []byte) []byte {
	b = binary.AppendUvarint(b, f.seq)
	b = appendText(b, f.fact.By)
	b = binary.AppendVarint(binary.AppendVarint(b, f.fact.Set), f.fact.Expires)
	if f.fact.Value == nil {
		return append(b, 0)
	}
	return appendText(append(b, 1), string(f.fact.Value))
}

// wire reads what append wrote; after a failure everything is empty.
type wire struct {
	b   []byte
	bad bool
}

func (w *wire) skip(n int) {
	if n <= 0 || n > len(w.b) {
		w.b, w.bad = nil, true
		return
	}
	w.b = w.b[n:]
}

func (w *wire) uint() uint64 {
	v, n := binary.Uvarint(w.b)
	w.skip(n)
	return v
}

func (w *wire) int() int64 {
	v, n := binary.Varint(w.b)
	w.skip(n)
	return v
}

func (w *wire) text() string {
	n := w.uint()
	if n > uint64(len(w.b)) {
		w.b, w.bad = nil, true
		return ""
	}
	s := string(w.b[:n])
	w.b = w.b[n:]
	return s
}

func (w *wire) session() *engine.Session {
	s := &engine.Session{Ref: w.text(), DID: w.text(), Parties: [2]string{w.text(), w.text()}}
	s.Created, s.Expires, s.LastEnded = w.int(), w.int(), w.int()
	if data := w.text(); data != "" {
		s.Data = []byte(data)
	}
	return s
}

// decodeValue reads the value of a key.
func decodeValue(k fold.Key, b []byte) (value, error) {
	w := &wire{b: b}
	var v value
	switch k.Kind {
	case kindRef:
		v = &kept{seq: w.uint(), session: w.session()}
	case kindPair:
		p := &pair{ended: w.int()}
		n := w.uint()
		if n > math.MaxInt32 {
			return nil, errLiveWire
		}
		for range n {
			if w.bad {
				break
			}
			p.list = append(p.list, w.session())
		}
		v = p
	case kindFact:
		collection, key, _ := strings.Cut(k.Number, separator)
		f := &keptFact{seq: w.uint(), fact: &engine.Fact{Collection: collection, Key: key, By: w.text()}}
		f.fact.Set, f.fact.Expires = w.int(), w.int()
		if w.uint() == 1 {
			f.fact.Value = []byte(w.text())
		}
		v = f
	default:
		return nil, nil // of the bucket due only the keys matter
	}
	if w.bad || len(w.b) > 0 {
		return nil, errLiveWire
	}
	return v, nil
}
