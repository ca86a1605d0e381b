package pile

import (
	"errors"
	"runtime"
	"slices"

	"go.etcd.io/bbolt"

	"switchboard/engine/failpoint"
	"switchboard/engine/history/boltfile"
	"switchboard/engine/history/filter"
	"switchboard/engine/history/fold"
)

// One in roomPart of the keys in the trees is how many a pile has when it is full,
// within the bounds of its lane; memory has an entry for each.
const roomPart = 8

// bytesPerKey is how many bytes each key of a pile lets it have beside
// Options.Bytes.
const bytesPerKey = 1 << 10

// settleStep is how many keys are settled at once where nothing else is written, and
// beside as many as are written at most.
const settleStep = 16_384

// room is how many keys make the pile full that is written to. From a start on it
// never becomes less, for known never does.
func (s *Set) room(l *lane) int { return min(max(s.o.Keys, s.known.keys()/roomPart), l.most) }

// full reports whether the pile that is written to is to be settled.
func (s *Set) full(l *lane) bool {
	p := l.filling
	return len(p.spots) >= s.room(l) || p.bytes >= s.o.Bytes+bytesPerKey*len(p.spots)
}

// pace is how many keys of the pile that is settled a round settles which puts so
// many in the next: as many, and some more. That suffices, for the next is full when
// it has as many different keys as made this one full, so that this one is gone by
// then, and there are never more than two. Where more is left than the next has room
// for, it makes up for that first: the round that filled this one filled it further,
// or it is settled from its beginning again after a start.
func (s *Set) pace(l *lane, puts int) int {
	if l.settling == nil {
		return 0
	}
	left := len(l.settling.spots)
	if l.left != nil {
		left = len(l.left.list)
	}
	over := left + len(l.filling.spots) - s.room(l)
	return puts + min(max(s.o.More, over), settleStep)
}

// turn begins to settle the pile that is written to, where none is settled yet.
func (l *lane) turn() {
	if l.settling != nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.settling, l.filling = l.filling, newPile(l.filling.number+1)
}

// settle brings the next keys of the piles that are settled to the trees, so many of
// each lane, and returns how many those were. With the last one a pile is gone.
func (s *Set) settle(tx *bbolt.Tx, keys []int) (settled []int, err error) {
	settled = make([]int, len(s.lanes))
	gone := false
	for i := range s.lanes {
		l := &s.lanes[i]
		if l.settling == nil {
			continue
		}
		if settled[i], err = s.settlePile(tx, l, keys[i]); err != nil {
			return settled, err
		}
		gone = gone || l.left == nil || settled[i] == len(l.left.list)
	}
	if gone { // what else it learned meanwhile it may know as well
		err = s.known.put(tx.Bucket(bucketKnown))
	}
	return settled, err
}

func (s *Set) settlePile(tx *bbolt.Tx, l *lane, n int) (int, error) {
	all := tx.Bucket(bucketPiles)
	from := all.Bucket(pileName(l.number, l.settling.number, partValues))
	if from == nil { // a transaction that failed was written all the same
		if l.left == nil {
			return 0, nil
		}
		return len(l.left.list), nil
	}
	if l.left == nil {
		var err error
		if l.left, err = l.settling.inOrder(from, len(s.kinds)); err != nil {
			return 0, err
		}
	}
	n = min(n, len(l.left.list))
	chunks := make(map[uint32][]byte)
	for i, one := range l.left.list[:n] {
		if i%64 == 0 { // the log's commits go first
			runtime.Gosched()
		}
		if err := failpoint.Here(failpoint.IndexSettle); err != nil {
			return 0, err
		}
		kind, text := l.left.key(one)
		if _, again := l.filling.spots[hashOf(kind, text)]; again {
			continue // it has changed since, and comes with the next pile
		}
		if chunks[one.chunk] == nil {
			chunks[one.chunk] = from.Get(chunkName(one.chunk))
		}
		v, err := valueAt(chunks[one.chunk], one.at, kind, text)
		if err == nil {
			err = s.place(tx, fold.Key{Kind: s.kinds[kind], Number: text}, v)
		}
		if err != nil {
			return 0, err
		}
	}
	if n < len(l.left.list) {
		return n, nil
	}
	return n, failpoint.Before(failpoint.IndexUnpile, func() error { return dropPile(all, l.number, l.settling.number) })
}

// place brings one value to its tree. That the tree has the key is known before.
func (s *Set) place(tx *bbolt.Tx, k fold.Key, v []byte) error {
	if len(v) > 0 {
		s.known.add(filter.Hash(k))
	}
	return s.o.Place(tx, k, v)
}

func dropPile(all *bbolt.Bucket, lane int, number uint64) (err error) {
	for part := range byte(parts) {
		err = errors.Join(err, all.DeleteBucket(pileName(lane, number, part)))
	}
	return err
}

// settled notes what settle did, once that is written.
func (s *Set) settled(keys []int) {
	for i, n := range keys {
		if s.lanes[i].settled(n) {
			s.known.kept()
		}
	}
}

// settled reports whether that was the last of the pile.
func (l *lane) settled(n int) (gone bool) {
	if l.settling == nil {
		return false
	}
	if l.left != nil {
		if l.left.list = l.left.list[n:]; len(l.left.list) > 0 {
			return false
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.settling, l.left = nil, nil
	return true
}

// SettleAll brings all that is in piles to the trees, in transactions of its own:
// what was there earlier is in no value of the file any more. No round may be
// written meanwhile. The error is [ErrFormat], boltfile.ErrPanic or the database's.
func (s *Set) SettleAll(db *boltfile.Handle) error {
	keys := slices.Repeat([]int{settleStep}, len(s.lanes))
	for {
		busy := false
		for i := range s.lanes {
			l := &s.lanes[i]
			if l.settling == nil && len(l.filling.spots) > 0 {
				l.turn()
			}
			busy = busy || l.settling != nil
		}
		if !busy {
			return nil
		}
		var settled []int
		err := boltfile.Guard(func() error {
			return db.Update(func(tx *bbolt.Tx) (err error) {
				settled, err = s.settle(tx, keys)
				return err
			})
		})
		if err != nil {
			return err
		}
		s.settled(settled)
	}
}
