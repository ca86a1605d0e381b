package pile

import (
	"encoding/binary"
	"errors"
	"math"
	"sync"

	"go.etcd.io/bbolt"

	"switchboard/engine/history/boltfile"
)

// Create makes the buckets of an empty set.
func Create(tx *bbolt.Tx) error { return boltfile.MakeBuckets(tx, bucketPiles, bucketKnown) }

// Open takes in where everything in the piles is; it reads no values. The error
// is boltfile.ErrCorrupt.
func Open(tx *bbolt.Tx, o Options) (*Set, error) {
	if err := boltfile.NeedBuckets(tx, bucketPiles, bucketKnown); err != nil {
		return nil, err
	}
	s := newSet(o)
	if err := errors.Join(s.known.read(tx.Bucket(bucketKnown)), s.read(tx.Bucket(bucketPiles))); err != nil {
		return nil, err
	}
	return s, nil
}

// read takes in the directories: calls wait for it, so it is done on all processors.
func (s *Set) read(b *bbolt.Bucket) error {
	all, err := list(b, len(s.lanes))
	if err != nil {
		return err
	}
	var wg sync.WaitGroup
	for i := range all {
		for _, p := range all[i] {
			wg.Go(func() { p.err = boltfile.Guard(func() error { return p.read(s.lanes[i].most) }) })
		}
	}
	wg.Wait()
	for i := range all {
		l := &s.lanes[i]
		for j, p := range all[i] {
			if j > 0 {
				l.settling = l.filling
			}
			l.filling, err = p.pile, errors.Join(err, p.err)
		}
		if err == nil && s.full(l) { // it was being settled, and nothing was written since
			l.turn()
		}
	}
	return err
}

// listedPile is a pile whose directories are known and not yet read.
type listedPile struct {
	*pile
	directories []directory
	err         error
}

// directory is one chunk's, in the file's pages.
type directory struct {
	chunk uint32
	list  []byte
}

// list finds the piles of each lane in the order of their numbers: there are two at
// most.
func list(b *bbolt.Bucket, lanes int) ([][]*listedPile, error) {
	all := make([][]*listedPile, lanes)
	err := b.ForEachBucket(func(name []byte) error {
		if len(name) != pileNameLen || int(name[0]) >= lanes || name[pileNameLen-1] >= parts {
			return ErrFormat
		}
		lane, number := int(name[0]), binary.BigEndian.Uint64(name[1:])
		for part := range byte(parts) {
			if b.Bucket(pileName(lane, number, part)) == nil {
				return ErrFormat
			}
		}
		if name[pileNameLen-1] != partKeys {
			return nil
		}
		p := &listedPile{pile: &pile{number: number}}
		all[lane] = append(all[lane], p)
		if len(all[lane]) > 2 {
			return ErrFormat
		}
		return b.Bucket(name).ForEach(func(k, list []byte) error {
			if len(k) != 4 || len(list) == 0 {
				return ErrFormat
			}
			p.directories = append(p.directories, directory{binary.BigEndian.Uint32(k), list})
			return nil
		})
	})
	return all, err
}

// read takes in the directories of a pile that has about so many keys at most; the
// last place of a key counts.
func (p *listedPile) read(most int) error {
	bytes := 0
	for _, d := range p.directories {
		bytes += len(d.list)
	}
	p.spots = make(map[hash]spot, min(bytes/listedBytes, most))
	for _, d := range p.directories {
		at := uint64(0)
		for rest := d.list; len(rest) > 0; {
			h, size, after, err := takeListed(rest)
			if err != nil {
				return err
			}
			if size > math.MaxUint32-at {
				return ErrFormat
			}
			p.spots[h] = spot{d.chunk, uint32(at)}
			at, rest = at+size, after
		}
		p.bytes += int(at)
	}
	return nil
}
