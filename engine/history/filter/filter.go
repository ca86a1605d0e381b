package filter

import (
	"encoding/binary"
	"sync/atomic"

	"github.com/cespare/xxhash/v2"

	"switchboard/engine/history/fold"
)

// Filter is a Bloom filter of keys in blocks of 512 bits; a key sets its bits in
// one block, so that a look-up touches one line of the processor's cache. "No" is
// certain. It grows only, so that readers beside its writer see at worst too much.
type Filter []uint64

const (
	bitsPerKey = 6
	blockWords = 8
)

// New makes a filter of so many bits, one block at least.
func New(bits int) Filter {
	return make(Filter, max(1, bits/(64*blockWords))*blockWords)
}

// Hash is what a filter knows a key by, the same in every process.
func Hash(k fold.Key) uint64 {
	var d xxhash.Digest
	d.Reset()
	d.WriteString(string(k.Kind)) //nolint:errcheck // never fails
	d.WriteString("\x00")         //nolint:errcheck
	d.WriteString(k.Number)       //nolint:errcheck
	return d.Sum64()
}

func (f Filter) block(hash uint64) []uint64 {
	// The upper bits choose the block, the lower 54 the bits in it.
	blocks := uint64(len(f) / blockWords)
	i := (hash >> 40) % blocks * blockWords
	return f[i : i+blockWords]
}

// Add takes a key in, and reports whether that changed the filter.
func (f Filter) Add(hash uint64) (news bool) {
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

// Has reports whether the filter may have a key, and is sure where it has not.
func (f Filter) Has(hash uint64) bool {
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

// Append writes the filter behind what b holds.
func (f Filter) Append(b []byte) []byte {
	for i := range f {
		b = binary.BigEndian.AppendUint64(b, atomic.LoadUint64(&f[i]))
	}
	return b
}

// Read takes in what Append wrote, of a filter of the same size; it reports
// whether it was. Nobody may read the filter meanwhile.
func (f Filter) Read(b []byte) bool {
	if len(b) != 8*len(f) {
		return false
	}
	for i := range f {
		f[i] = binary.BigEndian.Uint64(b[8*i:])
	}
	return true
}
