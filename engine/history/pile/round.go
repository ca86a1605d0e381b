package pile

import (
	"encoding/binary"
	"slices"

	"go.etcd.io/bbolt"

	"switchboard/engine"
	"switchboard/engine/history/fold"
)

// Round is what one transaction does with a set: it settles a part, and puts what
// changed. The calls are, in this order, [Round.Expect] before the transaction;
// [Round.Begin], [Round.Put] and [Round.Flush] in it; and [Round.Took] once it is
// written. A round whose transaction failed is forgotten.
type Round struct {
	set     *Set
	puts    []int // of each lane, so many are expected
	settled []int // of each lane
	to      []growth
}

// growth is what one round adds to one pile.
type growth struct {
	all       *bbolt.Bucket
	lane      int
	pile      uint64
	next      uint32 // chunk
	chunk     []byte
	directory []byte // of the chunk
	bytes     int
	added     []addition
}

type addition struct {
	hash
	spot
}

// Round begins a round.
func (s *Set) Round() *Round { return &Round{set: s, puts: make([]int, len(s.lanes))} }

// Expect says that a key of a kind will be put, one that goes over the piles.
func (r *Round) Expect(kind engine.ProfileKind) { r.puts[r.set.of[r.set.kind(kind)].number]++ }

// Begin settles as much as what is expected asks for. It comes before anything else
// that the transaction writes to the trees, for that is newer. The error is
// [ErrFormat], or the transaction's.
func (r *Round) Begin(tx *bbolt.Tx) (err error) {
	s := r.set
	keys := make([]int, len(s.lanes))
	for i := range s.lanes {
		keys[i] = s.pace(&s.lanes[i], r.puts[i])
	}
	if r.settled, err = s.settle(tx, keys); err != nil {
		return err
	}
	r.to = make([]growth, len(s.lanes))
	for i := range r.to {
		g := &r.to[i]
		*g = growth{all: tx.Bucket(bucketPiles), lane: i, pile: s.lanes[i].filling.number}
		if b := g.all.Bucket(g.name(partKeys)); b != nil {
			k, _ := b.Cursor().Last()
			g.next = binary.BigEndian.Uint32(k) + 1
		}
	}
	return nil
}

// Put adds the value of a key of a kind that goes over the piles; an empty one says
// that there is none any more. It keeps nothing of the value.
func (r *Round) Put(k fold.Key, value []byte) error {
	kind := r.set.kind(k.Kind)
	return r.to[r.set.of[kind].number].put(kind, k.Number, value)
}

// Flush brings what was begun to the transaction, which keeps it.
func (r *Round) Flush() error {
	for i := range r.to {
		if err := r.to[i].flush(); err != nil {
			return err
		}
	}
	return nil
}

// Took notes what the transaction wrote, once it is there: from now on it is found.
func (r *Round) Took() {
	s := r.set
	for i := range s.lanes {
		s.lanes[i].took(&r.to[i])
	}
	s.settled(r.settled)
	for i := range s.lanes {
		if l := &s.lanes[i]; s.full(l) {
			l.turn()
		}
	}
}

// took notes what was added in small steps, for readers wait meanwhile.
func (l *lane) took(g *growth) {
	const step = 256
	for added := range slices.Chunk(g.added, step) {
		l.mu.Lock()
		for _, a := range added {
			l.filling.spots[a.hash] = a.spot
		}
		l.mu.Unlock()
	}
	l.filling.bytes += g.bytes
}

func (g *growth) name(part byte) []byte { return pileName(g.lane, g.pile, part) }

func (g *growth) put(kind int, text string, value []byte) error {
	if g.chunk == nil {
		g.chunk = make([]byte, 0, chunkBytes+1<<10)
	}
	h, at := hashOf(kind, text), len(g.chunk)
	g.chunk = appendEntry(g.chunk, kind, text, value)
	g.directory = appendListed(g.directory, h, len(g.chunk)-at)
	g.added = append(g.added, addition{h, spot{g.next, uint32(at)}})
	if len(g.chunk) < chunkBytes {
		return nil
	}
	return g.flush()
}

func (g *growth) flush() error {
	if len(g.chunk) == 0 {
		return nil
	}
	for _, one := range [...]struct {
		part byte
		data []byte
	}{{partKeys, g.directory}, {partValues, g.chunk}} {
		b, err := g.all.CreateBucketIfNotExists(g.name(one.part))
		if err != nil {
			return err
		}
		b.FillPercent = 1 // nothing ever comes between
		if err := b.Put(chunkName(g.next), one.data); err != nil {
			return err
		}
	}
	g.bytes += len(g.chunk)
	g.chunk, g.directory = nil, nil
	g.next++
	return nil
}
