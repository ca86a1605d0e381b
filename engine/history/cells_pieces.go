package history

import (
	"bytes"

	"go.etcd.io/bbolt"

	"switchboard/engine/history/stats"
)

// cellPiece is a piece of an hour's cells as the index has it.
type cellPiece struct {
	key, doc []byte // nil where the index has none of the hour's up to the slot
	from     uint16
	end      int // the slot at which the hour's next piece begins
}

// endOfHour is behind the last slot.
const endOfHour = 1 << 16

// beginsAt is the slot at which a key's piece begins, where that is one of the
// hour's; else the end of the hour, as for no key.
func beginsAt(k []byte, h stats.Hour) (int, error) {
	if k == nil {
		return endOfHour, nil
	}
	hour, from, err := stats.PieceOf(k)
	if err != nil || hour != h {
		return endOfHour, err
	}
	return int(from), nil
}

// pieceAt is the piece in which a slot's cells are.
func pieceAt(b *bbolt.Bucket, h stats.Hour, slot uint16) (p cellPiece, err error) {
	c := b.Cursor()
	key := stats.PieceKey(h, slot)
	k, doc := c.Seek(key)
	following := k
	switch {
	case k == nil:
		k, doc = c.Last()
	case bytes.Equal(k, key):
		following, _ = c.Next()
	default:
		k, doc = c.Prev()
	}
	if p.end, err = beginsAt(following, h); err != nil {
		return p, err
	}
	from, err := beginsAt(k, h)
	if err == nil && from < endOfHour {
		p.key, p.doc, p.from = k, doc, uint16(from)
	}
	return p, err
}

// putCells writes the cells of a sorted cut: those of an hour stand together.
func putCells(tx *bbolt.Tx, cut []written) error {
	var hour []stats.Change
	for _, w := range cut {
		if w.key.Kind != kindCell {
			continue
		}
		cell, err := stats.ParseKey(w.key.Number)
		if err != nil {
			return err
		}
		if len(hour) > 0 && hour[0].Cell.Hour != cell.Hour {
			if err := putHour(tx.Bucket(bucketCells), hour); err != nil {
				return err
			}
			hour = hour[:0]
		}
		hour = append(hour, stats.Change{Cell: cell, Tally: w.tally})
	}
	return putHour(tx.Bucket(bucketCells), hour)
}

// putHour writes changes of one hour's cells to the pieces in which those are.
func putHour(b *bbolt.Bucket, changes []stats.Change) error {
	stats.SortBySlot(changes)
	for len(changes) > 0 {
		first := changes[0].Cell
		p, err := pieceAt(b, first.Hour, first.Slot())
		if err != nil {
			return err
		}
		n := 1
		for n < len(changes) && int(changes[n].Cell.Slot()) < p.end {
			n++
		}
		news, err := stats.Patch(p.doc, p.from, changes[:n])
		if err != nil {
			return err
		}
		if len(news) == 0 && p.key != nil {
			if err := b.Delete(p.key); err != nil {
				return err
			}
		}
		for _, piece := range news {
			if err := b.Put(stats.PieceKey(first.Hour, piece.From), piece.Doc); err != nil {
				return err
			}
		}
		changes = changes[n:]
	}
	return nil
}

// takeUpTo takes an hour's changes whose slots lie before another out of the map,
// where they are in the order of slots.
func takeUpTo(over map[stats.Hour][]stats.Change, h stats.Hour, end int) []stats.Change {
	all := over[h]
	n := 0
	for n < len(all) && int(all[n].Cell.Slot()) < end {
		n++
	}
	if n == len(all) {
		delete(over, h)
	} else {
		over[h] = all[n:]
	}
	return all[:n]
}
