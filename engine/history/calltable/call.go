package calltable

import (
	"encoding/binary"
	"errors"

	"switchboard/engine"
	"switchboard/engine/history/filter"
	"switchboard/engine/history/fold"
)

// Kind makes a fold.Key name a call_id, beside the kinds of profiles.
const Kind engine.ProfileKind = "calls"

func hashOf(id string) uint64 { return filter.Hash(fold.Key{Kind: Kind, Number: id}) }

// Call is the folded state of one call_id. The zero value is that of one of which
// nothing is left.
type Call struct {
	Group *fold.Group
	Seqs  []uint64 // its records in the log, ascending; the first is its place
}

// Place is where the call stands, zero where nothing is left of it.
func (c Call) Place() uint64 {
	if len(c.Seqs) == 0 {
		return 0
	}
	return c.Seqs[0]
}

// encode writes a call: its records in the log (the first is the key), then its
// group.
func (c Call) encode() []byte {
	b := binary.AppendUvarint(make([]byte, 0, 512), uint64(len(c.Seqs)-1))
	for i, seq := range c.Seqs[1:] {
		b = binary.AppendUvarint(b, seq-c.Seqs[i])
	}
	return fold.AppendGroup(b, c.Group)
}

var errUnreadable = errors.New("history: a call of the index can't be read")

// decode reads what encode wrote. It keeps nothing of b.
func decode(place uint64, b []byte) (Call, error) {
	more, n := binary.Uvarint(b)
	if n <= 0 || more > uint64(len(b)) {
		return Call{}, errUnreadable
	}
	c := Call{Seqs: make([]uint64, 1, 1+more)}
	c.Seqs[0] = place
	for b = b[n:]; more > 0; more-- {
		delta, n := binary.Uvarint(b)
		if n <= 0 {
			return Call{}, errUnreadable
		}
		b, c.Seqs = b[n:], append(c.Seqs, c.Seqs[len(c.Seqs)-1]+delta)
	}
	g, err := fold.DecodeGroup(b)
	if err != nil {
		return Call{}, err
	}
	c.Group = g
	return c, nil
}
