package stats

import (
	"cmp"
	"encoding/binary"
	"slices"

	"github.com/cespare/xxhash/v2"
)

// The cells of an hour are written as one document as long as they are few. With
// masked pairs they are as many as there are calls: a document that grew with them
// would be read, and written anew, as a whole for each. So one that is large is cut
// into pieces, by a hash of the cells: numbers of people are in no key, where
// an erasure would have to look for them too.

// maxPiece is how many bytes a piece has at most, unless its cells can't be told
// apart by their hash.
const maxPiece = 8 << 10

// Piece is a part of an hour's cells.
type Piece struct {
	From uint16 // the first slot of its cells; it ends where the next one begins
	Doc  []byte
}

// Slot says where among the pieces of its hour a cell belongs.
func (c Cell) Slot() uint16 { return slotOf(c.DID, c.Receiver, c.Reason) }

func slotOf(did, receiver, reason string) uint16 {
	var d xxhash.Digest
	d.Reset()
	for _, s := range [...]string{did, receiver, reason} {
		d.WriteString(s)      //nolint:errcheck // never fails
		d.WriteString("\x00") //nolint:errcheck
	}
	return uint16(d.Sum64() >> 48)
}

// SortBySlot puts changes into the order of their slots; those of one cell stay as
// they are among each other.
func SortBySlot(changes []Change) {
	type placed struct {
		slot uint16
		Change
	}
	order := make([]placed, len(changes)) // a slot costs more than to compare
	for i, c := range changes {
		order[i] = placed{c.Cell.Slot(), c}
	}
	slices.SortStableFunc(order, func(a, b placed) int { return cmp.Compare(a.slot, b.slot) })
	for i := range order {
		changes[i] = order[i].Change
	}
}

// PieceKey is the key of an hour's piece, in the order of hours and slots. The
// first one's is the hour alone.
func PieceKey(h Hour, from uint16) []byte {
	if from == 0 {
		return h.Bytes()
	}
	return binary.BigEndian.AppendUint16(h.Bytes(), from)
}

// PieceOf reads what PieceKey wrote.
func PieceOf(key []byte) (h Hour, from uint16, err error) {
	if len(key) == 6 {
		if from = binary.BigEndian.Uint16(key[4:]); from == 0 {
			return 0, 0, errCorrupt
		}
		key = key[:4]
	}
	h, err = HourOf(key)
	return h, from, err
}

// pieces writes cells, which are sorted, as one piece, or as several of half the
// size where they are too many for one.
func pieces(cells []named, from uint16) []Piece {
	whole := encode(cells)
	if whole == nil {
		return nil
	}
	if len(whole) <= maxPiece {
		return []Piece{{from, whole}}
	}
	type placed struct {
		slot uint16
		at   int // among the cells
	}
	order := make([]placed, len(cells))
	for i := range cells {
		order[i] = placed{slotOf(cells[i].did, cells[i].receiver, cells[i].reason), i}
	}
	slices.SortFunc(order, func(a, b placed) int { return cmp.Or(cmp.Compare(a.slot, b.slot), cmp.Compare(a.at, b.at)) })
	share := max(1, len(cells)*maxPiece/2/len(whole))
	var out []Piece
	for len(order) > 0 {
		n := min(share, len(order))
		for n < len(order) && order[n].slot == order[n-1].slot {
			n++
		}
		part := make([]named, 0, n)
		slices.SortFunc(order[:n], func(a, b placed) int { return cmp.Compare(a.at, b.at) })
		for _, p := range order[:n] {
			part = append(part, cells[p.at])
		}
		out = append(out, Piece{from, encode(part)})
		if order = order[n:]; len(order) > 0 {
			from = order[0].slot
		}
	}
	return out
}

// Same reports whether the pieces of an hour, in order, hold the same cells as
// others, however they are cut, and each of them where it is looked for. The error
// says that one can't be read.
func Same(a, b []Piece) (bool, error) {
	x, found, err := together(a)
	if err != nil || !found {
		return false, err
	}
	y, found, err := together(b)
	return found && slices.Equal(x, y), err
}

// together are the cells of an hour's pieces, in order; found is false where one
// is in a piece that it does not belong to.
func together(pieces []Piece) (cells []named, found bool, err error) {
	for i, p := range pieces {
		some, err := decode(p.Doc)
		if err != nil {
			return nil, false, err
		}
		for _, n := range some {
			s := slotOf(n.did, n.receiver, n.reason)
			if s < p.From || i+1 < len(pieces) && s >= pieces[i+1].From {
				return nil, false, nil
			}
		}
		cells = append(cells, some...)
	}
	slices.SortFunc(cells, named.compare)
	return cells, true, nil
}
