package pile

import (
	"slices"
	"sync"

	"go.etcd.io/bbolt"

	"switchboard/engine"
	"switchboard/engine/history/filter"
	"switchboard/engine/history/fold"
)

// Lane is what has piles of its own: kinds of keys whose trees are settled alike.
type Lane struct {
	Kinds []engine.ProfileKind
	// Times is how many times [Options].Keys a pile may have when it is full: 1
	// where the tree grows at its end, whatever its size, and a larger pile saves
	// nothing. Where what changes lies all over the tree, a pile has a part of what
	// the trees have up to there, so that as many changes come to each page of a
	// larger tree.
	Times int
}

// Options are the settings of a set.
type Options struct {
	Lanes []Lane // their order and that of their kinds are part of the format; at most 256 each
	Keys  int    // of a pile that is full, at least
	Bytes int    // of values, by which a pile is full that has few keys: some change all the time
	More  int    // keys that a round settles beside as many as it puts in the next pile, at least
	Known int    // keys that the first filter of what the trees have has room for; part of the format

	// Place brings the newest value of a key to its tree, in the transaction that
	// takes it out of its pile. The value is valid as long as that; an empty one
	// says that the tree is to have none.
	Place func(tx *bbolt.Tx, k fold.Key, value []byte) error
}

// Set is the piles of one file.
type Set struct {
	o     Options
	kinds []engine.ProfileKind // of all lanes
	of    []*lane              // of each of those
	lanes []lane
	known known // what the trees have
}

// lane is the pile that is written to and the one before it, which is being settled.
// The writer alone changes them.
type lane struct {
	number   int
	most     int // keys of a pile that is full
	mu       sync.RWMutex
	filling  *pile
	settling *pile    // nil for none
	left     *inOrder // of settling, what is still to be settled; nil before it was begun
}

// spot is where in a pile a value lies.
type spot struct{ chunk, at uint32 }

// pile tells where in one pile the newest value of each key is. Neither keys nor
// spots have pointers, so that the collector passes half a million of them by.
type pile struct {
	number uint64
	bytes  int // of its values
	spots  map[hash]spot
}

func newPile(number uint64) *pile { return &pile{number: number, spots: make(map[hash]spot)} }

// newSet is a set without keys.
func newSet(o Options) *Set {
	s := &Set{o: o, lanes: make([]lane, len(o.Lanes)), known: known{room: o.Known}}
	for i, l := range o.Lanes {
		s.lanes[i].number, s.lanes[i].most, s.lanes[i].filling = i, l.Times*o.Keys, newPile(1)
		for _, kind := range l.Kinds {
			s.kinds, s.of = append(s.kinds, kind), append(s.of, &s.lanes[i])
		}
	}
	return s
}

// kind is the place of a kind among those of all lanes, -1 for one of none.
func (s *Set) kind(kind engine.ProfileKind) int { return slices.Index(s.kinds, kind) }

// Takes reports whether keys of a kind go over the piles.
func (s *Set) Takes(kind engine.ProfileKind) bool { return s.kind(kind) >= 0 }

// Found says where the newest value of a key is.
type Found struct {
	Nowhere bool // neither in a pile nor in the tree

	lane int
	pile uint64
	kind int
	text string // of the key
	spot
	ok bool // it is in a pile
}

// Find looks up a key of a kind that goes over the piles. What it finds is to be
// read in a transaction that begins later: where the pile is gone by then, the tree
// has the value. That a key is nowhere is certain; that it is in its tree is wrong
// of one in two hundred.
func (s *Set) Find(k fold.Key) Found {
	f := Found{kind: s.kind(k.Kind), text: k.Number}
	s.of[f.kind].find(&f)
	f.Nowhere = !f.ok && !s.known.has(filter.Hash(k))
	return f
}

func (l *lane) find(f *Found) {
	h := hashOf(f.kind, f.text)
	l.mu.RLock()
	defer l.mu.RUnlock()
	for _, one := range [...]*pile{l.filling, l.settling} {
		if one == nil {
			continue
		}
		if f.spot, f.ok = one.spots[h]; f.ok {
			f.lane, f.pile = l.number, one.number
			return
		}
	}
}

// Value reads what [Set.Find] found. It is valid as long as the transaction; ok is
// false where the tree has it by now. An empty value says that there is none. The
// error is [ErrFormat].
func (f Found) Value(tx *bbolt.Tx) (v []byte, ok bool, err error) {
	if !f.ok {
		return nil, false, nil
	}
	b := tx.Bucket(bucketPiles).Bucket(pileName(f.lane, f.pile, partValues))
	if b == nil {
		return nil, false, nil
	}
	v, err = valueAt(b.Get(chunkName(f.chunk)), f.at, f.kind, f.text)
	return v, err == nil, err
}
