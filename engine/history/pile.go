package history

import (
	"encoding/binary"
	"errors"
	"slices"
	"strings"
	"sync"

	"go.etcd.io/bbolt"

	"switchboard/engine"
	"switchboard/engine/history/boltfile"
	"switchboard/engine/history/fold"
)

// The trees of profiles and of call_ids are as large as the history, and what
// changes lies all over them: a change that went there at once would cost a page
// of its own. So it is written to a pile first, behind what was written before,
// and comes to its place in the tree together with some ten thousand others, in
// the order of the tree (settle.go). Memory holds where in the piles a key is.

// bucketPiles holds the piles: number of the pile -> bucket, in which number of
// the chunk -> chunk.
var bucketPiles = []byte("piles")

// piledKinds are the kinds of keys that go over the piles; their places in this
// list are part of the format.
var piledKinds = [...]engine.ProfileKind{engine.Callers, engine.Receivers, engine.DIDs, kindCall}

// piled is the place of a kind in the list, -1 for one that is not in it.
func piled(kind engine.ProfileKind) int { return slices.Index(piledKinds[:], kind) }

// chunkBytes is how many bytes of a pile stand under one key, about: bbolt writes
// them at once.
const chunkBytes = 32 << 10

// spot is where in a pile a value lies.
type spot struct{ chunk, at uint32 }

// pile tells where in one pile the newest value of each key is.
type pile struct {
	number uint64 // of its bucket
	bytes  int
	spots  [len(piledKinds)]map[string]spot
}

func newPile(number uint64) *pile {
	p := &pile{number: number}
	for i := range p.spots {
		p.spots[i] = make(map[string]spot)
	}
	return p
}

// keys is how many keys are in the pile.
func (p *pile) keys() (n int) {
	for _, m := range p.spots {
		n += len(m)
	}
	return n
}

// set notes a value. A pile lasts longer than most texts that numbers are parts of.
func (p *pile) set(kind int, number string, s spot) {
	if _, ok := p.spots[kind][number]; !ok {
		number = strings.Clone(number)
	}
	p.spots[kind][number] = s
}

// piles are the pile that is written to and the one before it, which is being
// brought to the trees. The index writer alone changes them.
type piles struct {
	mu       sync.RWMutex
	filling  *pile
	settling *pile      // nil for none
	left     []fold.Key // of settling, what is still to be brought to the trees; nil before it was begun
}

// found says which pile has a key's newest value.
type found struct {
	pile uint64
	spot
	ok      bool // else it is in the tree
	nowhere bool // or not even there
}

// find looks a key up. What it finds is to be read in a transaction that begins
// later; where the pile is gone by then, the tree has the value.
func (p *piles) find(kind int, number string) found {
	p.mu.RLock()
	defer p.mu.RUnlock()
	for _, one := range [...]*pile{p.filling, p.settling} {
		if one == nil {
			continue
		}
		if s, ok := one.spots[kind][number]; ok {
			return found{pile: one.number, spot: s, ok: true}
		}
	}
	return found{}
}

// value reads what find found. It is valid as long as the transaction; ok is
// false where the tree has it by now. An empty value says that there is none.
func (f found) value(tx *bbolt.Tx) (v []byte, ok bool, err error) {
	if !f.ok {
		return nil, false, nil
	}
	b := tx.Bucket(bucketPiles).Bucket(boltfile.Key(f.pile))
	if b == nil {
		return nil, false, nil
	}
	v, err = valueAt(b.Get(chunkKey(f.chunk)), f.at)
	return v, err == nil, err
}

func valueAt(chunk []byte, at uint32) ([]byte, error) {
	if uint64(at) >= uint64(len(chunk)) {
		return nil, errPile
	}
	_, _, v, _, err := takeEntry(chunk[at:])
	return v, err
}

var errPile = errors.New(`the index holds a pile that is not in its format; rebuild it with "switchboard db rebuild"`)

func chunkKey(n uint32) []byte { return binary.BigEndian.AppendUint32(nil, n) }

// appendEntry writes a key with its value behind what b holds.
func appendEntry(b []byte, kind int, number string, value []byte) []byte {
	b = binary.AppendUvarint(append(b, byte(kind)), uint64(len(number)))
	b = binary.AppendUvarint(append(b, number...), uint64(len(value)))
	return append(b, value...)
}

// takeEntry reads the first entry of what appendEntry wrote.
func takeEntry(b []byte) (kind int, number, value, rest []byte, err error) {
	if len(b) == 0 || int(b[0]) >= len(piledKinds) {
		return 0, nil, nil, nil, errPile
	}
	kind, rest = int(b[0]), b[1:]
	for _, part := range [...]*[]byte{&number, &value} {
		size, n := binary.Uvarint(rest)
		if n <= 0 || size > uint64(len(rest)-n) {
			return 0, nil, nil, nil, errPile
		}
		*part, rest = rest[n:n+int(size)], rest[n+int(size):]
	}
	return kind, number, value, rest, nil
}

// piling writes one round's changes to a pile.
type piling struct {
	all   *bbolt.Bucket
	pile  uint64
	next  uint32 // chunk
	chunk []byte
	bytes int
	added []addition
	value []byte // for who writes one down
}

type addition struct {
	kind   int
	number string
	spot
}

// pile begins to write to the pile.
func (x *index) pile(tx *bbolt.Tx) *piling {
	p := &piling{all: tx.Bucket(bucketPiles), pile: x.piles.filling.number}
	if b := p.all.Bucket(boltfile.Key(p.pile)); b != nil {
		k, _ := b.Cursor().Last()
		p.next = binary.BigEndian.Uint32(k) + 1
	}
	return p
}

// put adds a value; an empty one says that there is none any more.
func (p *piling) put(k fold.Key, value []byte) error {
	kind, number := piled(k.Kind), k.Number
	if p.chunk == nil {
		p.chunk = make([]byte, 0, chunkBytes+1<<10)
	}
	p.added = append(p.added, addition{kind, number, spot{p.next, uint32(len(p.chunk))}})
	p.chunk = appendEntry(p.chunk, kind, number, value)
	if len(p.chunk) < chunkBytes {
		return nil
	}
	return p.flush()
}

// flush brings the chunk that was begun to the transaction, which keeps it.
func (p *piling) flush() error {
	if len(p.chunk) == 0 {
		return nil
	}
	b, err := p.all.CreateBucketIfNotExists(boltfile.Key(p.pile))
	if err != nil {
		return err
	}
	b.FillPercent = 1 // nothing ever comes between
	chunk := p.chunk
	p.chunk, p.bytes = nil, p.bytes+len(chunk)
	p.next++
	return b.Put(chunkKey(p.next-1), chunk)
}

// took notes what a transaction wrote, once it is there: in small steps, for
// readers wait meanwhile.
func (p *piles) took(w *piling) {
	const step = 256
	for added := range slices.Chunk(w.added, step) {
		p.mu.Lock()
		for _, a := range added {
			p.filling.set(a.kind, a.number, a.spot)
		}
		p.mu.Unlock()
	}
	p.filling.bytes += w.bytes
}
