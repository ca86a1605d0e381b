package history

import (
	"encoding/binary"
	"slices"
	"sync"

	"go.etcd.io/bbolt"

	"switchboard/engine"
	"switchboard/engine/history/fold"
)

// The trees of profiles and of call_ids are as large as the history, and what
// changes lies all over them: a change that went there at once would cost a page
// of its own. So it is written to a pile first, behind what was written before,
// and comes to its place in the tree together with some hundred thousand others, in
// the order of the tree (settle.go). Memory holds where in the piles a key is.

// piledKinds are the kinds of keys that go over the piles; their places in this
// list are part of the format.
var piledKinds = [...]engine.ProfileKind{engine.Callers, engine.Receivers, engine.DIDs, kindCall}

// piled is the place of a kind in the list, -1 for one that is not in it.
func piled(kind engine.ProfileKind) int { return slices.Index(piledKinds[:], kind) }

// Profiles and call_ids have piles of their own: only those of profiles lie all over
// their tree, so that a larger pile saves pages there. The numbers are part of the
// format.
const (
	profilePiles = iota
	callPiles
	pilesKept // how many there are
)

// pilesOf is which piles a kind goes over.
func pilesOf(kind engine.ProfileKind) int {
	if kind == kindCall {
		return callPiles
	}
	return profilePiles
}

// spot is where in a pile a value lies.
type spot struct{ chunk, at uint32 }

// pile tells where in one pile the newest value of each key is. Neither keys nor
// spots have pointers, so that the collector passes half a million of them by.
type pile struct {
	number uint64
	bytes  int // of its values
	spots  map[pileKey]spot
}

func newPile(number uint64) *pile { return &pile{number: number, spots: make(map[pileKey]spot)} }

// piles are the pile that is written to and the one before it, which is being
// brought to the trees. The index writer alone changes them.
type piles struct {
	mu       sync.RWMutex
	filling  *pile
	settling *pile    // nil for none
	left     *inOrder // of settling, what is still to be brought to the trees; nil before it was begun
}

// found says which pile has a key's newest value.
type found struct {
	which int // piles
	pile  uint64
	kind  int
	key   string
	spot
	ok      bool // else it is in the tree
	nowhere bool // or not even there
}

// findPiled looks a key up. What it finds is to be read in a transaction that begins
// later; where the pile is gone by then, the tree has the value.
func (x *index) findPiled(k fold.Key) found {
	f := found{which: pilesOf(k.Kind), kind: piled(k.Kind), key: k.Number}
	key, p := pileKeyOf(f.kind, k.Number), &x.piles[f.which]
	p.mu.RLock()
	defer p.mu.RUnlock()
	for _, one := range [...]*pile{p.filling, p.settling} {
		if one == nil {
			continue
		}
		if f.spot, f.ok = one.spots[key]; f.ok {
			f.pile = one.number
			break
		}
	}
	return f
}

// value reads what findPiled found. It is valid as long as the transaction; ok is
// false where the tree has it by now. An empty value says that there is none.
func (f found) value(tx *bbolt.Tx) (v []byte, ok bool, err error) {
	if !f.ok {
		return nil, false, nil
	}
	b := tx.Bucket(bucketPiles).Bucket(pileName(f.which, f.pile, partValues))
	if b == nil {
		return nil, false, nil
	}
	v, err = valueAt(b.Get(chunkName(f.chunk)), f.at, f.kind, f.key)
	return v, err == nil, err
}

// piling writes one round's changes to the piles.
type piling struct {
	to    [pilesKept]growth
	value []byte // for who writes one down
}

// growth is what one round adds to one pile.
type growth struct {
	all       *bbolt.Bucket
	which     int
	pile      uint64
	next      uint32 // chunk
	chunk     []byte
	directory []byte // of the chunk
	bytes     int
	added     []addition
}

type addition struct {
	key pileKey
	spot
}

// pile begins to write to the piles.
func (x *index) pile(tx *bbolt.Tx) *piling {
	p := &piling{}
	for which := range p.to {
		g := &p.to[which]
		*g = growth{all: tx.Bucket(bucketPiles), which: which, pile: x.piles[which].filling.number}
		if b := g.all.Bucket(g.name(partKeys)); b != nil {
			k, _ := b.Cursor().Last()
			g.next = binary.BigEndian.Uint32(k) + 1
		}
	}
	return p
}

// put adds a value; an empty one says that there is none any more.
func (p *piling) put(k fold.Key, value []byte) error {
	return p.to[pilesOf(k.Kind)].put(piled(k.Kind), k.Number, value)
}

// flush brings what was begun to the transaction, which keeps it.
func (p *piling) flush() error {
	for which := range p.to {
		if err := p.to[which].flush(); err != nil {
			return err
		}
	}
	return nil
}

func (g *growth) name(part byte) []byte { return pileName(g.which, g.pile, part) }

func (g *growth) put(kind int, number string, value []byte) error {
	if g.chunk == nil {
		g.chunk = make([]byte, 0, chunkBytes+1<<10)
	}
	key, at := pileKeyOf(kind, number), len(g.chunk)
	g.chunk = appendEntry(g.chunk, kind, number, value)
	g.directory = appendListed(g.directory, key, len(g.chunk)-at)
	g.added = append(g.added, addition{key, spot{g.next, uint32(at)}})
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

// took notes what a transaction wrote, once it is there: in small steps, for
// readers wait meanwhile.
func (p *piles) took(g *growth) {
	const step = 256
	for added := range slices.Chunk(g.added, step) {
		p.mu.Lock()
		for _, a := range added {
			p.filling.spots[a.key] = a.spot
		}
		p.mu.Unlock()
	}
	p.filling.bytes += g.bytes
}
