package pile_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"testing"

	"go.etcd.io/bbolt"

	"switchboard/engine/history/boltfile"
	"switchboard/engine/history/pile"
)

// The parts of a pile in the file.
const (
	partDirectories = iota
	partValues
)

// spoilPart changes what stands under the first key of a part of a lane's first pile.
func spoilPart(lane, part byte, spoil func(was []byte) []byte) func(*bbolt.Tx) error {
	return func(tx *bbolt.Tx) error {
		b := tx.Bucket([]byte("piles")).Bucket(append([]byte{lane, 7: 0, 8: 1}, part))
		k, v := b.Cursor().First()
		return b.Put(bytes.Clone(k), spoil(bytes.Clone(v)))
	}
}

// TestOpeningReadsNoValues spoils a chunk: opening does not see it, and who reads a
// value in it, or brings it to its tree, does.
func TestOpeningReadsNoValues(t *testing.T) {
	spoils := map[string]func([]byte) []byte{
		"garbage":         func(was []byte) []byte { return bytes.Repeat([]byte{0xff}, len(was)) },
		"another key":     func(was []byte) []byte { return bytes.Replace(was, []byte("new 1"), []byte("new 7"), 1) },
		"another kind":    func(was []byte) []byte { was[0] = 1; return was },
		"an unknown kind": func(was []byte) []byte { was[0] = byte(len(kinds)); return was },
		"a longer text":   func(was []byte) []byte { was[1]++; return was },
	}
	for n := range 1 + 1 + len("new 1") + 1 + len("value 1") {
		spoils[fmt.Sprintf("cut to %d bytes", n)] = func(was []byte) []byte { return was[:n] }
	}
	for name, spoil := range spoils {
		t.Run(name, func(t *testing.T) {
			f, seq := newFile(t), 0
			all := append(news(growing, &seq, 1), news(steady, &seq, 1)...)
			f.round(all...)
			f.close()
			f.edit(spoilPart(laneGrowing, partValues, spoil))
			if err := f.open(); err != nil {
				t.Fatalf("opening: %v", err)
			}
			if v, err := f.value(all[1].Key); err != nil || v != all[1].value {
				t.Errorf("what lies elsewhere: %q, %v", v, err)
			}
			if v, err := f.value(all[0].Key); !errors.Is(err, pile.ErrFormat) {
				t.Errorf("reading it: %q, %v", v, err)
			}
			if err := f.set.SettleAll(f.db); !errors.Is(err, pile.ErrFormat) {
				t.Errorf("settling it: %v", err)
			}
		})
	}
}

func TestWhatElseIsBrokenIsFoundAtOpening(t *testing.T) {
	directory := func(spoil func(was []byte) []byte) func(*bbolt.Tx) error {
		return spoilPart(laneSteady, partDirectories, spoil)
	}
	another := func(name ...byte) func(*bbolt.Tx) error {
		return func(tx *bbolt.Tx) error {
			_, err := tx.Bucket([]byte("piles")).CreateBucket(name)
			return err
		}
	}
	for name, spoil := range map[string]func(tx *bbolt.Tx) error{
		"no directory":           directory(func([]byte) []byte { return nil }),
		"a directory cut short":  directory(func(was []byte) []byte { return was[:len(was)-1] }),
		"one without an end":     directory(func(was []byte) []byte { return append(was, 0xff) }),
		"a huge entry":           directory(func(was []byte) []byte { return binary.AppendUvarint(was[:16], 1<<40) }),
		"an empty one":           directory(func(was []byte) []byte { return append(was[:16], 0) }),
		"a short name":           another(0),
		"a lane that is unknown": another(lanes, 0, 0, 0, 0, 0, 0, 0, 1, 0),
		"a part that is unknown": another(laneSteady, 0, 0, 0, 0, 0, 0, 0, 1, 2),
		"directories alone":      another(laneGrowing, 0, 0, 0, 0, 0, 0, 0, 1, 0),
		"values alone":           another(laneGrowing, 0, 0, 0, 0, 0, 0, 0, 1, 1),
		"three piles of a lane": func(tx *bbolt.Tx) error {
			for i := range byte(4) {
				if err := another(laneSteady, 0, 0, 0, 0, 0, 0, 0, 2+i/2, i%2)(tx); err != nil {
					return err
				}
			}
			return nil
		},
		"no piles":                 func(tx *bbolt.Tx) error { return tx.DeleteBucket([]byte("piles")) },
		"nothing that is known":    func(tx *bbolt.Tx) error { return tx.DeleteBucket([]byte("known")) },
		"a filter of another size": func(tx *bbolt.Tx) error { return tx.Bucket([]byte("known")).Put(boltfile.Key(0), make([]byte, 8)) },
	} {
		t.Run(name, func(t *testing.T) {
			f, seq := newFile(t), 0
			f.round(news(steady, &seq, 3)...)
			f.close()
			f.edit(spoil)
			if err := f.open(); !errors.Is(err, boltfile.ErrCorrupt) {
				t.Errorf("opening: %v", err)
			}
		})
	}
}
