package history

import (
	"encoding/binary"
	"errors"
	"math"
	"sync"

	"go.etcd.io/bbolt"

	"switchboard/engine/history/boltfile"
)

// readPiles takes in where everything in the piles is, at opening: calls wait for
// it, so it is done on all processors, and reads no values.
func (x *index) readPiles(tx *bbolt.Tx) error {
	all, err := listPiles(tx.Bucket(bucketPiles))
	if err != nil {
		return err
	}
	var wg sync.WaitGroup
	for which := range all {
		for _, l := range all[which] {
			wg.Go(func() { l.err = boltfile.Guard(func() error { return l.read(x.pileMost(which)) }) })
		}
	}
	wg.Wait()
	for which := range all {
		p := &x.piles[which]
		for i, l := range all[which] {
			if i > 0 {
				p.settling = p.filling
			}
			p.filling, err = l.pile, errors.Join(err, l.err)
		}
		if err == nil && x.full(which) { // it was being settled, and nothing was written since
			p.turn()
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

// listPiles finds the piles in the order of their numbers: of each piles there are
// two at most.
func listPiles(b *bbolt.Bucket) (all [pilesKept][]*listedPile, err error) {
	err = b.ForEachBucket(func(name []byte) error {
		if len(name) != pileNameLen || name[0] >= pilesKept || name[pileNameLen-1] >= parts {
			return errPile
		}
		which, number := int(name[0]), binary.BigEndian.Uint64(name[1:])
		for part := range byte(parts) {
			if b.Bucket(pileName(which, number, part)) == nil {
				return errPile
			}
		}
		if name[pileNameLen-1] != partKeys {
			return nil
		}
		l := &listedPile{pile: &pile{number: number}}
		all[which] = append(all[which], l)
		if len(all[which]) > 2 {
			return errPile
		}
		return b.Bucket(name).ForEach(func(k, list []byte) error {
			if len(k) != 4 || len(list) == 0 {
				return errPile
			}
			l.directories = append(l.directories, directory{binary.BigEndian.Uint32(k), list})
			return nil
		})
	})
	return all, err
}

// read takes in the directories of a pile that has about so many keys at most; the
// last place of a key counts.
func (l *listedPile) read(most int) error {
	bytes := 0
	for _, d := range l.directories {
		bytes += len(d.list)
	}
	l.spots = make(map[pileKey]spot, min(bytes/listedBytes, most))
	for _, d := range l.directories {
		at := uint64(0)
		for rest := d.list; len(rest) > 0; {
			key, size, after, err := takeListed(rest)
			if err != nil {
				return err
			}
			if size > math.MaxUint32-at {
				return errPile
			}
			l.spots[key] = spot{d.chunk, uint32(at)}
			at, rest = at+size, after
		}
		l.bytes += int(at)
	}
	return nil
}
