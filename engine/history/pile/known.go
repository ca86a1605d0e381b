package pile

import (
	"encoding/binary"
	"fmt"
	"sync/atomic"

	"go.etcd.io/bbolt"

	"switchboard/engine/history/boltfile"
	"switchboard/engine/history/filter"
)

// known is a filter of the keys that the trees have, whatever their number: most that
// are new are not looked for on the disk. It is kept with each pile that is settled;
// until then the pile has the keys.
//
// It consists of filters of which each has room for twice as many keys as the one
// before: where the first has it for a million, ten million keys are looked for in four.
type known struct {
	room   int // keys of the first layer
	layers atomic.Pointer[[]*layer]
}

// layer is one filter of known. Its numbers are the writer's alone.
type layer struct {
	filter.Filter
	keys    int // that it was given
	changed bool
}

// bitsPerKnown lets one in two hundred unknown keys through.
const bitsPerKnown = 12

func (f *known) all() []*layer {
	if l := f.layers.Load(); l != nil {
		return *l
	}
	return nil
}

// keys is how many it was given; the writer's alone.
func (f *known) keys() (n int) {
	for _, l := range f.all() {
		n += l.keys
	}
	return n
}

// capacity is how many keys the i-th layer has room for.
func (f *known) capacity(i int) int { return f.room << i }

func (f *known) has(hash uint64) bool {
	all := f.all()
	for i := len(all) - 1; i >= 0; i-- {
		if all[i].Has(hash) {
			return true
		}
	}
	return false
}

func (f *known) add(hash uint64) {
	if f.has(hash) {
		return
	}
	all := f.all()
	last := len(all) - 1
	if last < 0 || all[last].keys >= f.capacity(last) {
		last++
		all = append(all[:last:last], &layer{Filter: filter.New(bitsPerKnown * f.capacity(last))})
		f.layers.Store(&all)
	}
	all[last].Add(hash)
	all[last].keys++
	all[last].changed = true
}

// put writes the layers that changed; kept is to be called when they are there.
func (f *known) put(b *bbolt.Bucket) error {
	for i, l := range f.all() {
		if !l.changed {
			continue
		}
		v := binary.BigEndian.AppendUint64(make([]byte, 0, 8+8*len(l.Filter)), uint64(l.keys))
		if err := b.Put(boltfile.Key(uint64(i)), l.Append(v)); err != nil {
			return err
		}
	}
	return nil
}

func (f *known) kept() {
	for _, l := range f.all() {
		l.changed = false
	}
}

// read takes in what put wrote.
func (f *known) read(b *bbolt.Bucket) error {
	var all []*layer
	err := b.ForEach(func(k, v []byte) error {
		l := &layer{Filter: filter.New(bitsPerKnown * f.capacity(len(all)))}
		if boltfile.Number(k) != uint64(len(all)) || len(v) < 8 || !l.Read(v[8:]) {
			return fmt.Errorf("%w: a filter of the index has the wrong size", boltfile.ErrCorrupt)
		}
		l.keys = int(boltfile.Number(v[:8]))
		all = append(all, l)
		return nil
	})
	f.layers.Store(&all)
	return err
}
