package history

import (
	"maps"
	"runtime"
	"slices"

	"go.etcd.io/bbolt"

	"switchboard/engine/failpoint"
	"switchboard/engine/history/boltfile"
	"switchboard/engine/history/fold"
)

// A pile that is full is brought to the trees, a part of it with each round, in
// the order of the trees: a page that is touched is touched for many changes. It
// takes at most half as many changes as fill the next pile, so that there are
// never more than two.

// pileBytes is when a pile is full that has few keys: some change all the time.
const pileBytes = 64 << 20

// How much of a pile is settled with a round: as many keys for each that is
// written, and some more.
const (
	settlePerChange = 2
	settleMore      = 256
	settleStep      = 16_384 // where nothing else is written
)

// inOrder are the pile's keys in the order of the trees.
func (p *pile) inOrder() []fold.Key {
	out := make([]fold.Key, 0, p.keys())
	for i, m := range p.spots {
		for _, number := range slices.Sorted(maps.Keys(m)) {
			out = append(out, fold.Key{Kind: piledKinds[i], Number: number})
		}
	}
	return out
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

// settle brings the next n keys to the trees and returns how many those were.
// With the last one the pile is gone. It comes before anything else that a
// transaction writes, for that is newer.
func (x *index) settle(tx *bbolt.Tx, n int) (int, error) {
	p := x.piles.settling
	if p == nil {
		return 0, nil
	}
	if x.piles.left == nil {
		x.piles.left = p.inOrder()
	}
	all := tx.Bucket(bucketPiles)
	from := all.Bucket(boltfile.Key(p.number))
	if from == nil { // a transaction that failed was written all the same
		return len(x.piles.left), nil
	}
	n = min(n, len(x.piles.left))
	chunks := make(map[uint32][]byte)
	for i, k := range x.piles.left[:n] {
		if i%64 == 0 { // the log's commits go first
			runtime.Gosched()
		}
		if err := failpoint.Here(failpoint.IndexSettle); err != nil {
			return 0, err
		}
		kind := piled(k.Kind)
		if _, again := x.piles.filling.spots[kind][k.Number]; again && k.Kind == kindCall {
			continue // it has moved since, and comes with the next pile
		}
		s := p.spots[kind][k.Number]
		if chunks[s.chunk] == nil {
			chunks[s.chunk] = from.Get(chunkKey(s.chunk))
		}
		v, err := valueAt(chunks[s.chunk], s.at)
		if err == nil {
			err = x.place(tx, k, v)
		}
		if err != nil {
			return 0, err
		}
	}
	if n < len(x.piles.left) {
		return n, nil
	}
	if err := failpoint.Before(failpoint.IndexUnpile, func() error { return all.DeleteBucket(boltfile.Key(p.number)) }); err != nil {
		return 0, err
	}
	return n, x.known.put(tx.Bucket(bucketKnown))
}

// place brings one value to its tree.
func (x *index) place(tx *bbolt.Tx, k fold.Key, v []byte) error {
	if k.Kind != kindCall {
		b := tx.Bucket([]byte(k.Kind))
		if len(v) == 0 {
			return b.Delete([]byte(k.Number))
		}
		x.known.add(keyHash(k))
		return b.Put([]byte(k.Number), v)
	}
	if len(v) == 0 {
		return nil // it was taken out of the tree when it went
	}
	x.known.add(keyHash(k))
	return tx.Bucket(bucketIDs).Put(x.idKey(boltfile.Number(v), k.Number), v)
}

// settled notes what settle did, once that is written.
func (x *index) settled(n int) {
	p := &x.piles
	if p.settling == nil {
		return
	}
	if p.left = p.left[n:]; len(p.left) > 0 {
		return
	}
	x.known.kept()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.settling, p.left = nil, nil
}

// settleAll brings all that is in piles to the trees: what the index held earlier
// is in no value of it any more. No round may be written meanwhile.
func (x *index) settleAll() error {
	for {
		if x.piles.settling == nil {
			if x.piles.filling.keys() == 0 {
				return nil
			}
			x.piles.turn()
		}
		n := 0
		err := boltfile.Guard(func() error {
			return x.db.Update(func(tx *bbolt.Tx) (err error) {
				n, err = x.settle(tx, settleStep)
				return err
			})
		})
		if err != nil {
			return err
		}
		x.settled(n)
	}
}
