package history

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"

	"switchboard/engine/history/boltfile"
)

// bucketPiles holds the piles, each in two buckets: number of the chunk -> chunk,
// and number of the chunk -> its directory. So opening, which calls wait for, reads
// the directories, which lie close together, and none of the values.
var bucketPiles = []byte("piles")

// The parts of a pile.
const (
	partKeys   = iota // the directories
	partValues        // the chunks
	parts             // how many there are
)

// pileName is the name of the bucket of one part of a pile.
func pileName(which int, number uint64, part byte) []byte {
	b := make([]byte, 0, pileNameLen)
	return append(binary.BigEndian.AppendUint64(append(b, byte(which)), number), part)
}

const pileNameLen = 1 + 8 + 1

// chunkBytes is how many bytes of a pile's values stand under one key, about: bbolt
// writes them at once.
const chunkBytes = 32 << 10

func chunkName(n uint32) []byte { return binary.BigEndian.AppendUint32(nil, n) }

var errPile = fmt.Errorf("%w: a pile of the index is not in its format", boltfile.ErrCorrupt)

// pileKey is what a key is known by in memory and in the directories: the first 16
// bytes of the SHA-256 of its kind's place in piledKinds and its text. Nobody can
// find two keys that share one, not even who chooses call_ids, so that it needs no
// seed, and the files of two processes have the same.
type pileKey [16]byte

func pileKeyOf[T string | []byte](kind int, number T) pileKey {
	var room [64]byte // most keys are shorter, and need no memory of their own
	sum := sha256.Sum256(append(append(room[:0], byte(kind)), number...))
	return pileKey(sum[:])
}

// appendEntry writes a key with its value behind what b, a chunk, holds.
func appendEntry(b []byte, kind int, number string, value []byte) []byte {
	b = binary.AppendUvarint(append(b, byte(kind)), uint64(len(number)))
	b = binary.AppendUvarint(append(b, number...), uint64(len(value)))
	return append(b, value...)
}

// takeEntry reads the first entry of what appendEntry wrote.
func takeEntry(b []byte) (kind int, number, value, rest []byte, err error) {
	if len(b) == 0 || int(b[0]) >= len(piledKinds) {
		return 0, nil, nil, nil, errPile
	}
	kind, rest = int(b[0]), b[1:]
	for _, part := range [...]*[]byte{&number, &value} {
		size, n := binary.Uvarint(rest)
		if n <= 0 || size > uint64(len(rest)-n) {
			return 0, nil, nil, nil, errPile
		}
		*part, rest = rest[n:n+int(size)], rest[n+int(size):]
	}
	return kind, number, value, rest, nil
}

// valueAt is the value of a key in a chunk. What stands there must be the key's:
// only its hash led there.
func valueAt(chunk []byte, at uint32, kind int, number string) ([]byte, error) {
	if uint64(at) >= uint64(len(chunk)) {
		return nil, errPile
	}
	k, n, v, _, err := takeEntry(chunk[at:])
	if err == nil && (k != kind || string(n) != number) {
		err = errPile
	}
	return v, err
}

// appendListed writes an entry of a chunk behind what its directory holds, in the
// order of the chunk.
func appendListed(b []byte, key pileKey, size int) []byte {
	return binary.AppendUvarint(append(b, key[:]...), uint64(size))
}

// listedBytes is how long what appendListed writes is at least.
const listedBytes = 16 + 1

// takeListed reads the first entry of what appendListed wrote.
func takeListed(b []byte) (key pileKey, size uint64, rest []byte, err error) {
	if len(b) < len(key) {
		return key, 0, nil, errPile
	}
	size, n := binary.Uvarint(b[copy(key[:], b):])
	if n <= 0 || size == 0 {
		return key, 0, nil, errPile
	}
	return key, size, b[len(key)+n:], nil
}
