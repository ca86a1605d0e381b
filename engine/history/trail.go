package history

import (
	"cmp"
	"math"
	"slices"

	"go.etcd.io/bbolt"

	"switchboard/engine"
	"switchboard/engine/history/boltfile"
	"switchboard/engine/history/fold"
	"switchboard/engine/history/journal"
)

// The audit trail's entries are records of the log, few among many: the index
// knows which.

// kindTrail makes a fold.Key name a record of the audit trail.
const kindTrail engine.ProfileKind = "trail"

// bucketTrail holds the audit trail: sequence number -> nothing.
var bucketTrail = []byte(kindTrail)

func trailKey(seq uint64) fold.Key {
	return fold.Key{Kind: kindTrail, Number: string(boltfile.Key(seq))}
}

// audited reports whether the record has an entry in the audit trail.
func (r *record) audited() bool {
	switch r.Kind {
	case kindSession:
		return !r.Session.Kept
	case kindFactChange:
		return !r.Fact.Kept
	case kindErasure:
		return r.Erasure.Done != nil
	}
	return r.Kind == kindRevision || r.Kind == kindNote
}

// trail puts a record into the audit trail, or takes it out. The state that the
// index has need not be in memory.
func (m *memory) trail(seq uint64, in bool) {
	k := trailKey(seq)
	m.put(k, state{})
	e := m.entries[k]
	if e.seqs = nil; in {
		e.seqs = []uint64{seq}
	}
	m.changed(e, seq)
}

func putTrail(tx *bbolt.Tx, w written) error {
	b := tx.Bucket(bucketTrail)
	b.FillPercent = 0.95 // sequence numbers grow
	if len(w.seqs) == 0 {
		return b.Delete([]byte(w.key.Number))
	}
	return b.Put([]byte(w.key.Number), nil)
}

// appendAudited appends a record that has an entry in the audit trail.
func (s *Store) appendAudited(data []byte, also func(*bbolt.Tx, uint64) error) (*journal.Item, error) {
	return s.appendAuditedHolding(data, 0, also)
}

func (s *Store) appendAuditedHolding(data []byte, beside int, also func(*bbolt.Tx, uint64) error) (*journal.Item, error) {
	s.mu.Lock() // the next round writes all up to this record
	defer s.mu.Unlock()
	it, err := s.journal.AppendHolding(data, beside, false, also)
	if err == nil {
		s.memory.trail(it.Seq, true)
	}
	return it, err
}

// unwrittenTrail is what the index does not know yet of the audit trail: records,
// and whether they are in it. It is noted before the index is read: what is
// written in between is in the index as well then.
func (s *Store) unwrittenTrail() (x *index, in map[uint64]bool) {
	in = make(map[uint64]bool)
	waits := s.unwritten(only(kindTrail))
	for _, e := range waits.states {
		in[boltfile.Number([]byte(e.key.Number))] = len(e.seqs) > 0
	}
	return waits.index, in
}

// trailBelow returns the audit trail's newest records below one, newest first, at
// most n of them.
func (s *Store) trailBelow(below uint64, n int) (seqs []uint64, err error) {
	x, unwritten := s.unwrittenTrail()
	for seq, in := range unwritten {
		if in && seq < below {
			seqs = append(seqs, seq)
		}
	}
	err = boltfile.Guard(func() error {
		return x.view(func(tx *bbolt.Tx) error {
			c := tx.Bucket(bucketTrail).Cursor()
			left := n
			for k, _ := boltfile.Before(c, below); k != nil && left > 0; k, _ = c.Prev() {
				seq := boltfile.Number(k)
				if _, newer := unwritten[seq]; !newer {
					seqs = append(seqs, seq)
					left--
				}
			}
			return nil
		})
	})
	if err != nil {
		s.indexBroken(x, err)
		return nil, err
	}
	slices.SortFunc(seqs, func(a, b uint64) int { return cmp.Compare(b, a) })
	return seqs[:min(len(seqs), n)], nil
}

// trailThrough are the records of the audit trail up to one, without those that
// stay.
func (s *Store) trailThrough(through uint64, stays func(uint64) (bool, error)) (gone []uint64, err error) {
	seqs, err := s.trailBelow(through+1, math.MaxInt)
	for i := 0; err == nil && i < len(seqs); i++ {
		var stay bool
		if stay, err = stays(seqs[i]); !stay {
			gone = append(gone, seqs[i])
		}
	}
	return gone, err
}
