package pile_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"go.etcd.io/bbolt"

	"switchboard/engine"
	"switchboard/engine/history/boltfile"
	"switchboard/engine/history/fold"
	"switchboard/engine/history/pile"
)

// Of the kinds two share piles that grow, and one has piles that don't.
const (
	growing engine.ProfileKind = "growing"
	also    engine.ProfileKind = "also growing"
	steady  engine.ProfileKind = "steady"
)

var kinds = []engine.ProfileKind{growing, also, steady}

const (
	laneGrowing = iota
	laneSteady
	lanes
)

var bucketTree = []byte("tree") // kind and key -> value

// file is a tree with piles before it.
type file struct {
	t      testing.TB
	path   string
	o      pile.Options
	db     *boltfile.Handle
	set    *pile.Set
	placed int // so many values came to the tree
	came   func(k fold.Key, value string)
}

// newFile is an empty one, with small piles unless the options are changed.
func newFile(t testing.TB, change ...func(*pile.Options)) *file {
	t.Helper()
	f := &file{t: t, path: filepath.Join(t.TempDir(), "file")}
	f.o = pile.Options{
		Lanes: []pile.Lane{{Kinds: []engine.ProfileKind{growing, also}, Times: 4}, {Kinds: []engine.ProfileKind{steady}, Times: 1}},
		Keys:  6, Bytes: 1 << 20, More: 1, Known: 128, Place: f.place,
	}
	for _, c := range change {
		c(&f.o)
	}
	f.edit(func(tx *bbolt.Tx) error {
		_, err := tx.CreateBucket(bucketTree)
		return errors.Join(err, pile.Create(tx))
	})
	if err := f.open(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.db.Close() })
	return f
}

func treeKey(k fold.Key) []byte { return []byte(string(k.Kind) + "\x00" + k.Number) }

func (f *file) place(tx *bbolt.Tx, k fold.Key, value []byte) error {
	if f.placed++; f.came != nil {
		f.came(k, string(value))
	}
	if len(value) == 0 {
		return tx.Bucket(bucketTree).Delete(treeKey(k))
	}
	return tx.Bucket(bucketTree).Put(treeKey(k), bytes.Clone(value))
}

// bolt opens the database, without waiting for the disk.
func (f *file) bolt() *bbolt.DB {
	f.t.Helper()
	db, err := bbolt.Open(f.path, 0o600, &bbolt.Options{NoSync: true})
	if err != nil {
		f.t.Fatal(err)
	}
	return db
}

// edit changes a file that is closed.
func (f *file) edit(change func(tx *bbolt.Tx) error) {
	f.t.Helper()
	db := f.bolt()
	if err := errors.Join(db.Update(change), db.Close()); err != nil {
		f.t.Fatal(err)
	}
}

func (f *file) open() error {
	f.t.Helper()
	f.db = boltfile.NewHandle(f.bolt())
	err := boltfile.Inspect(f.db.DB(), func(tx *bbolt.Tx) (err error) {
		f.set, err = pile.Open(tx, f.o)
		return err
	})
	if err != nil {
		_ = f.db.Close()
	}
	return err
}

func (f *file) close() {
	f.t.Helper()
	if err := f.db.Close(); err != nil {
		f.t.Fatal(err)
	}
}

// again closes the file and opens it anew, or, as if the process had been killed, a
// copy of what it is.
func (f *file) again(killed bool) {
	f.t.Helper()
	content, err := os.ReadFile(f.path)
	if err != nil {
		f.t.Fatal(err)
	}
	f.close()
	if killed {
		if err := os.WriteFile(f.path, content, 0o600); err != nil {
			f.t.Fatal(err)
		}
	}
	if err := f.open(); err != nil {
		f.t.Fatal(err)
	}
}

// change is a value of a key; an empty one says that there is none any more.
type change struct {
	fold.Key
	value string
}

// write writes a round; the error after its transaction's last word is end's.
func (f *file) write(changes []change, end error) (*pile.Round, error) {
	r := f.set.Round()
	for _, c := range changes {
		r.Expect(c.Kind)
	}
	return r, f.db.Update(func(tx *bbolt.Tx) error {
		if err := r.Begin(tx); err != nil {
			return err
		}
		for _, c := range changes {
			if err := r.Put(c.Key, []byte(c.value)); err != nil {
				return err
			}
		}
		return errors.Join(r.Flush(), end)
	})
}

// round writes one as it should.
func (f *file) round(changes ...change) {
	f.t.Helper()
	r, err := f.write(changes, nil)
	if err != nil {
		f.t.Fatal(err)
	}
	r.Took()
}

// value reads a key's, wherever it is; empty for none.
func (f *file) value(k fold.Key) (v string, err error) {
	found := f.set.Find(k)
	if found.Nowhere {
		return "", nil
	}
	err = f.db.View(func(tx *bbolt.Tx) error {
		b, ok, err := found.Value(tx)
		if err == nil && !ok {
			b = tx.Bucket(bucketTree).Get(treeKey(k))
		}
		v = string(b)
		return err
	})
	return v, err
}

// news are values of so many keys of a kind that were never there.
func news(kind engine.ProfileKind, seq *int, n int) (out []change) {
	for range n {
		*seq++
		out = append(out, change{fold.Key{Kind: kind, Number: fmt.Sprint("new ", *seq)}, fmt.Sprint("value ", *seq)})
	}
	return out
}

// inFile is a pile as the file has it.
type inFile struct {
	number uint64
	keys   int
}

// piles are those of each lane, by their numbers.
func (f *file) piles() (out [lanes][]inFile) {
	f.t.Helper()
	err := f.db.View(func(tx *bbolt.Tx) error {
		all := tx.Bucket([]byte("piles"))
		return all.ForEachBucket(func(name []byte) error {
			if name[9] != 0 {
				return nil // the values
			}
			hashes := make(map[string]bool)
			err := all.Bucket(name).ForEach(func(_, directory []byte) error {
				for len(directory) > 0 {
					hashes[string(directory[:16])] = true
					_, n := binary.Uvarint(directory[16:])
					directory = directory[16+n:]
				}
				return nil
			})
			lane := name[0]
			out[lane] = append(out[lane], inFile{binary.BigEndian.Uint64(name[1:]), len(hashes)})
			return err
		})
	})
	if err != nil {
		f.t.Fatal(err)
	}
	for lane := range out {
		slices.SortFunc(out[lane], func(a, b inFile) int { return int(a.number) - int(b.number) })
	}
	return out
}
