package history

import (
	"errors"
	"runtime"

	"go.etcd.io/bbolt"

	"switchboard/engine/failpoint"
	"switchboard/engine/history/boltfile"
	"switchboard/engine/history/filter"
	"switchboard/engine/history/fold"
)

// A pile that is full is brought to the trees, a part of it with each round, in
// the order of the trees: a page that is touched is touched for many changes.

// How large a pile is when it is full. One of call_ids has tuning.pileKeys keys: their
// tree grows at its end, whatever its size. One of profiles has a part of what the
// trees have, so that as many changes come to each page of a larger tree; at least
// tuning.pileKeys, and at most some times as many, for memory has an entry for each.
const (
	pilePart  = 8 // of the keys in the trees
	pileTimes = 4 // as many as tuning.pileKeys at most
)

// A pile is full, too, that has few keys for its bytes: some change all the time.
const (
	pileBytes       = 64 << 20
	pileBytesPerKey = 1 << 10 // and so many for each key
)

// settleStep is how many keys are settled at once where nothing else is written, and
// beside as many as are written at most.
const settleStep = 16_384

// pileMost is how many keys a pile may have at most when it is full.
func (x *index) pileMost(which int) int {
	if which == callPiles {
		return x.tuning.pileKeys
	}
	return pileTimes * x.tuning.pileKeys
}

// pileRoom is how many keys make the pile full that is written to. From a start on it
// never becomes less, for known never does.
func (x *index) pileRoom(which int) int {
	return min(max(x.tuning.pileKeys, x.known.keys()/pilePart), x.pileMost(which))
}

// full reports whether the pile that is written to is to be settled.
func (x *index) full(which int) bool {
	p := x.piles[which].filling
	return len(p.spots) >= x.pileRoom(which) || p.bytes >= pileBytes+pileBytesPerKey*len(p.spots)
}

// pace is how many keys of the pile that is settled a round settles which puts so
// many in the next: as many, and some more. That suffices, for the next is full when
// it has as many different keys as made this one full, so that this one is gone by
// then, and there are never more than two. Where more is left than the next has room
// for, it makes up for that first: the round that filled this one filled it further,
// or it is settled from its beginning again after a start.
func (x *index) pace(which, puts int) int {
	p := &x.piles[which]
	if p.settling == nil {
		return 0
	}
	left := len(p.settling.spots)
	if p.left != nil {
		left = len(p.left.list)
	}
	over := left + len(p.filling.spots) - x.pileRoom(which)
	return puts + min(max(x.tuning.settleMore, over), settleStep)
}

// turn begins to settle the pile that is written to, where none is settled yet.
func (p *piles) turn() {
	if p.settling != nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.settling, p.filling = p.filling, newPile(p.filling.number+1)
}

// settle brings the next keys of the piles that are settled to the trees, so many of
// each, and returns how many those were. With the last one a pile is gone. It comes
// before anything else that a transaction writes, for that is newer.
func (x *index) settle(tx *bbolt.Tx, keys [pilesKept]int) (settled [pilesKept]int, err error) {
	gone := false
	for which := range x.piles {
		p := &x.piles[which]
		if p.settling == nil {
			continue
		}
		if settled[which], err = x.settlePile(tx, which, keys[which]); err != nil {
			return settled, err
		}
		gone = gone || p.left == nil || settled[which] == len(p.left.list)
	}
	if gone { // what else it learned meanwhile it may know as well
		err = x.known.put(tx.Bucket(bucketKnown))
	}
	return settled, err
}

func (x *index) settlePile(tx *bbolt.Tx, which, n int) (int, error) {
	p, all := &x.piles[which], tx.Bucket(bucketPiles)
	from := all.Bucket(pileName(which, p.settling.number, partValues))
	if from == nil { // a transaction that failed was written all the same
		if p.left == nil {
			return 0, nil
		}
		return len(p.left.list), nil
	}
	if p.left == nil {
		var err error
		if p.left, err = p.settling.inOrder(from); err != nil {
			return 0, err
		}
	}
	n = min(n, len(p.left.list))
	chunks := make(map[uint32][]byte)
	for i, one := range p.left.list[:n] {
		if i%64 == 0 { // the log's commits go first
			runtime.Gosched()
		}
		if err := failpoint.Here(failpoint.IndexSettle); err != nil {
			return 0, err
		}
		kind, k := p.left.key(one)
		if _, again := p.filling.spots[pileKeyOf(kind, k.Number)]; again {
			continue // it has changed since, and comes with the next pile
		}
		if chunks[one.chunk] == nil {
			chunks[one.chunk] = from.Get(chunkName(one.chunk))
		}
		v, err := valueAt(chunks[one.chunk], one.at, kind, k.Number)
		if err == nil {
			err = x.place(tx, k, v)
		}
		if err != nil {
			return 0, err
		}
	}
	if n < len(p.left.list) {
		return n, nil
	}
	return n, failpoint.Before(failpoint.IndexUnpile, func() error { return dropPile(all, which, p.settling.number) })
}

func dropPile(all *bbolt.Bucket, which int, number uint64) (err error) {
	for part := range byte(parts) {
		err = errors.Join(err, all.DeleteBucket(pileName(which, number, part)))
	}
	return err
}

// place brings one value to its tree.
func (x *index) place(tx *bbolt.Tx, k fold.Key, v []byte) error {
	if k.Kind != kindCall {
		b := tx.Bucket([]byte(k.Kind))
		if len(v) == 0 {
			return b.Delete([]byte(k.Number))
		}
		x.known.add(filter.Hash(k))
		return b.Put([]byte(k.Number), v)
	}
	if len(v) == 0 {
		return nil // it was taken out of the tree when it went
	}
	x.known.add(filter.Hash(k))
	return tx.Bucket(bucketIDs).Put(x.idKey(boltfile.Number(v), k.Number), v)
}

// settled notes what settle did, once that is written.
func (x *index) settled(keys [pilesKept]int) {
	for which, n := range keys {
		if x.piles[which].settled(n) {
			x.known.kept()
		}
	}
}

// settled reports whether that was the last of the pile.
func (p *piles) settled(n int) (gone bool) {
	if p.settling == nil {
		return false
	}
	if p.left != nil {
		if p.left.list = p.left.list[n:]; len(p.left.list) > 0 {
			return false
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.settling, p.left = nil, nil
	return true
}

// settleAll brings all that is in piles to the trees: what the index held earlier
// is in no value of it any more. No round may be written meanwhile.
func (x *index) settleAll() error {
	for {
		busy := false
		for which := range x.piles {
			p := &x.piles[which]
			if p.settling == nil && len(p.filling.spots) > 0 {
				p.turn()
			}
			busy = busy || p.settling != nil
		}
		if !busy {
			return nil
		}
		var settled [pilesKept]int
		err := boltfile.Guard(func() error {
			return x.db.Update(func(tx *bbolt.Tx) (err error) {
				settled, err = x.settle(tx, [pilesKept]int{settleStep, settleStep})
				return err
			})
		})
		if err != nil {
			return err
		}
		x.settled(settled)
	}
}
