package boltfile

import (
	"fmt"

	"go.etcd.io/bbolt"
)

// MakeBuckets makes those of the buckets that are not there.
func MakeBuckets(tx *bbolt.Tx, names ...[]byte) error {
	for _, name := range names {
		if _, err := tx.CreateBucketIfNotExists(name); err != nil {
			return err
		}
	}
	return nil
}

// NeedBuckets says which bucket is missing, if any. The error is [ErrCorrupt].
func NeedBuckets(tx *bbolt.Tx, names ...[]byte) error {
	for _, name := range names {
		if tx.Bucket(name) == nil {
			return fmt.Errorf("%w: its bucket %q is missing", ErrCorrupt, name)
		}
	}
	return nil
}
