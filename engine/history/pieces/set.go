package pieces

import (
	"bytes"
	"compress/flate"
	"encoding/json"
	"fmt"
	"slices"
	"sync"

	"go.etcd.io/bbolt"

	"switchboard/engine/failpoint"
)

// bucket holds the pieces: name -> text, compressed. A log that keeps no such set
// yet has none.
var bucket = []byte("pieces")

// Set is the files of a policy set, cut. It does not change once it is packed.
type Set struct {
	List []Name // the pieces of the list of files
	all  Part   // each once, by name
}

// piece is one of a set.
type piece struct {
	name   Name
	text   []byte
	packed []byte // nil: it is there already, or was when somebody looked
}

// Part is some pieces of a set, for one transaction.
type Part []piece

// Of cuts files (path -> content). They are not copied.
func Of(files map[string][]byte) (*Set, error) {
	s, seen := &Set{}, make(map[Name]bool)
	add := func(text []byte, k knife) []Name {
		names := []Name{}
		for _, t := range k.cut(text) {
			p := piece{name: nameOf(t), text: t}
			names = append(names, p.name)
			if !seen[p.name] {
				seen[p.name] = true
				s.all = append(s.all, p)
			}
		}
		return names
	}
	list := make(map[string][]Name, len(files))
	for path, text := range files {
		list[path] = add(text, ofFiles)
	}
	text, err := json.Marshal(list)
	if err != nil {
		return nil, fmt.Errorf("the files of a policy set can't be listed: %w", err)
	}
	s.List = add(text, ofLists)
	// In the order of the bucket: what one transaction puts lies together then, and
	// rewrites few neighbours.
	slices.SortFunc(s.all, func(a, b piece) int { return bytes.Compare(a.name[:], b.name[:]) })
	return s, nil
}

// view reads the log's file in one transaction, or does nothing where there is no
// file yet.
type view = func(func(*bbolt.Tx) error) error

// Pack compresses the pieces that are not there yet, so that no transaction has
// to, and tells how many bytes that makes.
func (s *Set) Pack(v view) (size int, err error) {
	lacking := make([]bool, len(s.all))
	for i := range lacking {
		lacking[i] = true
	}
	err = v(func(tx *bbolt.Tx) error {
		b := tx.Bucket(bucket)
		for i := 0; b != nil && i < len(s.all); i++ {
			lacking[i] = b.Get(s.all[i].name[:]) == nil
		}
		return nil
	})
	for i := range s.all {
		if p := &s.all[i]; lacking[i] {
			p.packed = pack(p.text)
			size += len(p.packed)
		}
	}
	return size, err
}

// partBytes is what one transaction takes at most, but for a single piece that is
// larger: calls may wait for it, and a disk takes that much as fast as a few
// decisions.
var partBytes = failpoint.Bound(128<<10, 64)

// Parts are the packed pieces.
func (s *Set) Parts() (out []Part) {
	var part Part
	size := 0
	for _, p := range s.all {
		if p.packed == nil {
			continue
		}
		if len(part) > 0 && size+len(p.packed) > partBytes {
			out, part, size = append(out, part), nil, 0
		}
		part = append(part, p)
		size += len(p.packed)
	}
	if len(part) > 0 {
		out = append(out, part)
	}
	return out
}

// Put writes all pieces of the set that are not there. It belongs into the
// transaction of the set's record: whatever became of the parts, of which most
// often none is left to write, a set that is listed is whole.
func (s *Set) Put(tx *bbolt.Tx) error { return s.all.Put(tx) }

// Put writes the pieces that are not there.
func (p Part) Put(tx *bbolt.Tx) error {
	b, err := tx.CreateBucketIfNotExists(bucket)
	if err != nil {
		return err
	}
	for _, one := range p {
		if b.Get(one.name[:]) != nil {
			continue
		}
		packed := one.packed
		if packed == nil { // it was taken away after it was looked for
			packed = pack(one.text)
		}
		if err := b.Put(one.name[:], packed); err != nil {
			return err
		}
	}
	return nil
}

// packers are reused: each takes a megabyte. Of a directory of 100,000 DIDs, 9.8
// MB in pieces, flate's fastest makes 1.06 MB in 22 ms and zstd's 0.33 MB in 20. It
// is written once and then by the piece, and not worth another library.
var packers = sync.Pool{New: func() any {
	w, _ := flate.NewWriter(nil, flate.BestSpeed) // the level is one
	return w
}}

func pack(text []byte) []byte {
	w := packers.Get().(*flate.Writer)
	defer packers.Put(w)
	var out bytes.Buffer
	w.Reset(&out)
	_, _ = w.Write(text) // a buffer takes all
	_ = w.Close()
	return bytes.Clone(out.Bytes()) // without the room to grow
}
