package history

import (
	"encoding/binary"
	"fmt"
	"strings"
	"sync"

	"go.etcd.io/bbolt"

	"switchboard/engine/history/boltfile"
)

// readPiles takes in where everything in the piles is, at opening: calls wait for
// it, so it is done on all processors and with few allocations.
func (x *index) readPiles(tx *bbolt.Tx) error {
	var wg sync.WaitGroup
	defer wg.Wait()
	all := tx.Bucket(bucketPiles)
	var last *pile
	return all.ForEachBucket(func(name []byte) error {
		p := &pile{number: boltfile.Number(name)}
		keys, err := p.read(all.Bucket(name))
		if err != nil {
			return fmt.Errorf("%w: %w", boltfile.ErrCorrupt, err)
		}
		for kind := range p.spots {
			wg.Go(func() { p.spots[kind] = keys.spots(kind) })
		}
		x.piles.settling, x.piles.filling, last = last, p, p
		return nil
	})
}

// pileKeys are the keys of a pile in the order of writing.
type pileKeys struct {
	texts string // of all, one behind the other
	list  []pileKey
	count [len(piledKinds)]int
}

type pileKey struct {
	spot
	size uint32 // of the text
	kind uint8
}

// read goes through a pile's chunks.
func (p *pile) read(b *bbolt.Bucket) (pileKeys, error) {
	var out pileKeys
	var texts strings.Builder
	err := b.ForEach(func(k, chunk []byte) error {
		if len(k) != 4 || chunk == nil {
			return errPile
		}
		n := binary.BigEndian.Uint32(k)
		p.bytes += len(chunk)
		for rest := chunk; len(rest) > 0; {
			at := len(chunk) - len(rest)
			kind, number, _, after, err := takeEntry(rest)
			if err != nil {
				return err
			}
			texts.Write(number)
			out.list = append(out.list, pileKey{spot{n, uint32(at)}, uint32(len(number)), uint8(kind)})
			out.count[kind]++
			rest = after
		}
		return nil
	})
	out.texts = texts.String()
	return out, err
}

// spots are those of one kind; the last of a key counts.
func (k *pileKeys) spots(kind int) map[string]spot {
	out := make(map[string]spot, k.count[kind])
	rest := k.texts
	for i := range k.list {
		one := &k.list[i]
		if int(one.kind) == kind {
			out[rest[:one.size]] = one.spot
		}
		rest = rest[one.size:]
	}
	return out
}
