package stats

import (
	"cmp"
	"encoding/binary"
	"slices"
	"sync"
)

// Change is a cell with its new tally; nil for none.
type Change struct {
	Cell  Cell
	Tally *Tally
}

// named is a cell of a document, without its hour.
type named struct {
	did, receiver, reason string
	Tally
}

func (n named) compare(m named) int {
	return cmp.Or(cmp.Compare(n.did, m.did), cmp.Compare(n.receiver, m.receiver), cmp.Compare(n.reason, m.reason))
}

// Patch returns a piece of an hour's cells with changes to them: none where nothing
// is left, several where it has become too large. from is where it begins, as the
// first that is returned does. Of several changes of one cell the last counts.
// Equal cells give equal bytes, whatever the changes that led to them. A nil
// document has no cells.
func Patch(doc []byte, from uint16, changes []Change) ([]Piece, error) {
	cells, err := patched(doc, changes)
	if err != nil {
		return nil, err
	}
	return pieces(cells, from), nil
}

// patched are a document's cells with changes to them, in order.
func patched(doc []byte, changes []Change) ([]named, error) {
	cells, err := decode(doc)
	if err != nil {
		return nil, err
	}
	news := make([]named, 0, len(changes))
	for _, c := range changes {
		n := named{did: c.Cell.DID, receiver: c.Cell.Receiver, reason: c.Cell.Reason}
		if c.Tally != nil {
			n.Tally = *c.Tally
		}
		news = append(news, n)
	}
	slices.SortStableFunc(news, named.compare)
	return merge(cells, news), nil
}

// merge puts news over sorted cells; empty ones go.
func merge(cells, news []named) []named {
	out := make([]named, 0, len(cells)+len(news))
	for len(cells) > 0 || len(news) > 0 {
		var next named
		switch {
		case len(news) == 0 || len(cells) > 0 && cells[0].compare(news[0]) < 0:
			next, cells = cells[0], cells[1:]
		default:
			for len(news) > 1 && news[0].compare(news[1]) == 0 {
				news = news[1:]
			}
			if len(cells) > 0 && cells[0].compare(news[0]) == 0 {
				cells = cells[1:]
			}
			next, news = news[0], news[1:]
		}
		if next.Tally != (Tally{}) {
			out = append(out, next)
		}
	}
	return out
}

// encode writes sorted cells: the texts they use, in order and once each, then
// each cell by its texts' places and its numbers that are not zero.
func encode(cells []named) []byte {
	if len(cells) == 0 {
		return nil
	}
	places := make(map[string]uint64)
	for i := range cells {
		for _, s := range [...]string{cells[i].did, cells[i].receiver, cells[i].reason} {
			places[s] = 0
		}
	}
	texts, size := make([]string, 0, len(places)), 0
	for s := range places {
		texts = append(texts, s)
		size += len(s) + 1
	}
	slices.Sort(texts)
	b := binary.AppendUvarint(make([]byte, 0, size+12*len(cells)+8), uint64(len(texts)))
	for i, s := range texts {
		b = append(binary.AppendUvarint(b, uint64(len(s))), s...)
		places[s] = uint64(i)
	}
	for i := range cells {
		n := &cells[i]
		for _, s := range [...]string{n.did, n.receiver, n.reason} {
			b = binary.AppendUvarint(b, places[s])
		}
		at, set := len(b), byte(0)
		b = append(b, 0)
		for bit, v := range n.fields() {
			if *v != 0 {
				set |= 1 << bit
				b = binary.AppendVarint(b, *v)
			}
		}
		b[at] = set
	}
	return b
}

// readers are those of Find, which calls wait for: the room for a document's texts
// is used again.
var readers = sync.Pool{New: func() any { return new(reader) }}

// Find returns the tally of a cell in the piece of its hour where it belongs, nil
// where there is none.
func Find(doc []byte, c Cell) (*Tally, error) {
	r := readers.Get().(*reader)
	defer func() {
		r.close()
		readers.Put(r)
	}()
	if err := r.open(doc); err != nil {
		return nil, err
	}
	did, receiver, reason := r.place(c.DID), r.place(c.Receiver), r.place(c.Reason)
	if did < 0 || receiver < 0 || reason < 0 {
		return nil, nil
	}
	for r.next() {
		if r.did == did && r.receiver == receiver && r.reason == reason {
			t := r.tally
			return &t, nil
		}
	}
	return nil, r.err()
}

// decode returns a document's cells, in order.
func decode(doc []byte) ([]named, error) {
	var r reader
	if err := r.open(doc); err != nil {
		return nil, err
	}
	texts := make([]string, len(r.texts))
	for i, s := range r.texts {
		texts[i] = string(s)
	}
	var out []named
	for r.next() {
		out = append(out, named{texts[r.did], texts[r.receiver], texts[r.reason], r.tally})
	}
	return out, r.err()
}

// reader goes through the cells of a document.
type reader struct {
	texts                 [][]byte // parts of the document
	rest                  []byte
	bad                   bool
	did, receiver, reason int // places in texts of the cell that next went to
	tally                 Tally
}

// open begins a document with its texts. What the reader held of another is
// used again.
func (r *reader) open(doc []byte) error {
	*r = reader{rest: doc, texts: r.texts[:0]}
	if len(doc) == 0 {
		return nil
	}
	n := r.uint()
	if r.bad || n > uint64(len(r.rest)) { // each takes a byte at least
		return errCorrupt
	}
	for range n {
		size := r.uint()
		if r.bad || size > uint64(len(r.rest)) {
			return errCorrupt
		}
		r.texts, r.rest = append(r.texts, r.rest[:size:size]), r.rest[size:]
	}
	return nil
}

// close lets go of the document.
func (r *reader) close() {
	clear(r.texts)
	*r = reader{texts: r.texts[:0]}
}

// place is where a text stands among the document's, -1 where it does not.
func (r *reader) place(s string) int {
	i, found := slices.BinarySearchFunc(r.texts, s, func(t []byte, s string) int { return cmp.Compare(string(t), s) })
	if !found {
		return -1
	}
	return i
}

func (r *reader) uint() uint64 {
	v, n := binary.Uvarint(r.rest)
	if n <= 0 {
		r.bad, r.rest = true, nil
		return 0
	}
	r.rest = r.rest[n:]
	return v
}

// next goes to the next cell; false at the end, or where the document is bad.
func (r *reader) next() bool {
	if len(r.rest) == 0 {
		return false
	}
	for _, to := range [...]*int{&r.did, &r.receiver, &r.reason} {
		v := r.uint()
		if v >= uint64(len(r.texts)) {
			r.bad, r.rest = true, nil
			return false
		}
		*to = int(v)
	}
	if len(r.rest) == 0 {
		r.bad = true
		return false
	}
	set := r.rest[0]
	r.rest = r.rest[1:]
	r.tally = Tally{}
	for bit, to := range r.tally.fields() {
		if set>>bit&1 == 0 {
			continue
		}
		v, n := binary.Varint(r.rest)
		if n <= 0 {
			r.bad, r.rest = true, nil
			return false
		}
		r.rest, *to = r.rest[n:], v
	}
	return true
}

func (r *reader) err() error {
	if r.bad {
		return errCorrupt
	}
	return nil
}
