package journal

import (
	"go.etcd.io/bbolt"

	"switchboard/engine/history/boltfile"
)

// Clock is the moment that SetClock noted last, in Unix nanoseconds; zero for
// never.
func (l *File) Clock() (at int64, err error) {
	err = l.View(func(tx *bbolt.Tx) error {
		at = int64(boltfile.Number(tx.Bucket(bucketMeta).Get(metaClock)))
		return nil
	})
	return at, err
}

// SetClock notes a moment at which the clock was believed.
func (l *File) SetClock(at int64) error {
	return l.Update(func(tx *bbolt.Tx) error { return tx.Bucket(bucketMeta).Put(metaClock, boltfile.Key(uint64(at))) })
}
