package history

import (
	"encoding/binary"
	"sync/atomic"

	"github.com/cespare/xxhash/v2"

	"switchboard/engine/history/fold"
)

// filter is a Bloom filter of keys in blocks of 512 bits; a key sets its bits in
// one block, so that a look-up touches one line of the processor's cache. "No" is
// certain. It grows only, so that readers beside its writer see at worst too much.
type filter []uint64

const (
	bitsPerKey = 6
	blockWords = 8
)

// newFilter makes a filter of so many bits, one block at least.
func newFilter(bits int) filter {
	return make(filter, max(1, bits/(64*blockWords))*blockWords)
}

// keyHash is the same in every process: filters are kept on disk.
func keyHash(k fold.Key) uint64 {
	var d xxhash.Digest
	d.Reset()
	d.WriteString(string(k.Kind)) //nolint:errcheck // never fails
	d.WriteString("\x00")         //nolint:errcheck
	d.WriteString(k.Number)       //nolint:errcheck
	return d.Sum64()
}

func (f filter) block(hash uint64) []uint64 {
	// The upper bits choose the block, the lower 54 the bits in it.
	blocks := uint64(len(f) / blockWords)
	i := (hash >> 40) % blocks * blockWords
	return f[i : i+blockWords]
}

// add reports whether the key changed the filter.
func (f filter) add(hash uint64) (news bool) {
	b := f.block(hash)
	for range bitsPerKey {
		bit := hash % 512
		hash = mix(hash)
		if atomic.OrUint64(&b[bit/64], 1<<(bit%64))&(1<<(bit%64)) == 0 {
			news = true
		}
	}
	return news
}

func (f filter) has(hash uint64) bool {
	b := f.block(hash)
	for range bitsPerKey {
		bit := hash % 512
		hash = mix(hash)
		if atomic.LoadUint64(&b[bit/64])&(1<<(bit%64)) == 0 {
			return false
		}
	}
	return true
}

// mix gives the next hash of a key from the last.
func mix(h uint64) uint64 {
	h *= 0x9e3779b97f4a7c15
	return h ^ h>>29
}

// append writes the filter behind what b holds.
func (f filter) append(b []byte) []byte {
	for i := range f {
		b = binary.BigEndian.AppendUint64(b, atomic.LoadUint64(&f[i]))
	}
	return b
}

// read takes in what append wrote, of a filter of the same size; it reports
// whether it was.
func (f filter) read(b []byte) bool {
	if len(b) != 8*len(f) {
		return false
	}
	for i := range f {
		f[i] = binary.BigEndian.Uint64(b[8*i:])
	}
	return true
}
