package boltfile

import (
	"encoding/binary"

	"go.etcd.io/bbolt"
)

// Key is a number as a key: in order.
func Key(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }

// Number is the number of a key, zero where it is none of [Key].
func Number(key []byte) uint64 {
	if len(key) != 8 {
		return 0
	}
	return binary.BigEndian.Uint64(key)
}

// Before moves a cursor to the last key below a number's.
func Before(c *bbolt.Cursor, n uint64) (k, v []byte) {
	if k, _ := c.Seek(Key(n)); k == nil {
		return c.Last()
	}
	return c.Prev()
}
