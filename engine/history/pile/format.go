package pile

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"

	"switchboard/engine/history/boltfile"
)

// The buckets of a set. The first holds the piles, each in two buckets: number of the
// chunk -> chunk, and number of the chunk -> its directory. So opening, which calls
// wait for, reads the directories, which lie close together, and none of the values.
var (
	bucketPiles = []byte("piles")
	bucketKnown = []byte("known") // number -> layer of known
)

// The parts of a pile.
const (
	partKeys   = iota // the directories
	partValues        // the chunks
	parts             // how many there are
)

// pileName is the name of the bucket of one part of a pile.
func pileName(lane int, number uint64, part byte) []byte {
	b := make([]byte, 0, pileNameLen)
	return append(binary.BigEndian.AppendUint64(append(b, byte(lane)), number), part)
}

const pileNameLen = 1 + 8 + 1

// chunkBytes is how many bytes of a pile's values stand under one key, about: bbolt
// writes them at once.
const chunkBytes = 32 << 10

func chunkName(n uint32) []byte { return binary.BigEndian.AppendUint32(nil, n) }

// ErrFormat: what stands in a pile can't be read. It is a kind of boltfile.ErrCorrupt.
var ErrFormat = fmt.Errorf("%w: a pile of the index is not in its format", boltfile.ErrCorrupt)

// hash is what a key is known by in memory and in the directories: the first 16 bytes
// of the SHA-256 of its kind's place among all and its text. Nobody can find two keys
// that share one, not even who chooses call_ids, so that it needs no seed, and the
// files of two processes have the same.
type hash [16]byte

func hashOf[T string | []byte](kind int, text T) hash {
	var room [64]byte // most keys are shorter, and need no memory of their own
	sum := sha256.Sum256(append(append(room[:0], byte(kind)), text...))
	return hash(sum[:])
}

// appendEntry writes a key with its value behind what b, a chunk, holds.
func appendEntry(b []byte, kind int, text string, value []byte) []byte {
	b = binary.AppendUvarint(append(b, byte(kind)), uint64(len(text)))
	b = binary.AppendUvarint(append(b, text...), uint64(len(value)))
	return append(b, value...)
}

// takeEntry reads the first entry of what appendEntry wrote.
func takeEntry(b []byte) (kind int, text, value, rest []byte, err error) {
	if len(b) == 0 {
		return 0, nil, nil, nil, ErrFormat
	}
	kind, rest = int(b[0]), b[1:]
	for _, part := range [...]*[]byte{&text, &value} {
		size, n := binary.Uvarint(rest)
		if n <= 0 || size > uint64(len(rest)-n) {
			return 0, nil, nil, nil, ErrFormat
		}
		*part, rest = rest[n:n+int(size)], rest[n+int(size):]
	}
	return kind, text, value, rest, nil
}

// valueAt is the value of a key in a chunk. What stands there must be the key's:
// only its hash led there.
func valueAt(chunk []byte, at uint32, kind int, text string) ([]byte, error) {
	if uint64(at) >= uint64(len(chunk)) {
		return nil, ErrFormat
	}
	k, was, v, _, err := takeEntry(chunk[at:])
	if err == nil && (k != kind || string(was) != text) {
		err = ErrFormat
	}
	return v, err
}

// appendListed writes an entry of a chunk behind what its directory holds, in the
// order of the chunk.
func appendListed(b []byte, h hash, size int) []byte {
	return binary.AppendUvarint(append(b, h[:]...), uint64(size))
}

// listedBytes is how long what appendListed writes is at least.
const listedBytes = 16 + 1

// takeListed reads the first entry of what appendListed wrote.
func takeListed(b []byte) (h hash, size uint64, rest []byte, err error) {
	if len(b) < len(h) {
		return h, 0, nil, ErrFormat
	}
	size, n := binary.Uvarint(b[copy(h[:], b):])
	if n <= 0 || size == 0 {
		return h, 0, nil, ErrFormat
	}
	return h, size, b[len(h)+n:], nil
}
