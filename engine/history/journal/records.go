package journal

import (
	"bytes"
	"cmp"
	"context"
	"errors"

	"go.etcd.io/bbolt"

	"switchboard/engine/failpoint"
	"switchboard/engine/history/boltfile"
)

// append commits items in one transaction; none where it is only tried whether the
// file can be written by now.
func (l *File) append(items []*Item) error {
	if err := failpoint.Here(failpoint.CommitBegin); err != nil {
		return err
	}
	if err := l.writable(); err != nil || len(items) == 0 {
		return err
	}
	err := l.Update(func(tx *bbolt.Tx) error {
		b := tx.Bucket(bucketLog)
		b.FillPercent = 1 // keys only grow: no page is ever split in the middle
		for _, it := range items {
			if err := failpoint.Here(failpoint.CommitPut); err != nil {
				return err
			}
			if err := b.Put(boltfile.Key(it.Seq), it.data); err != nil {
				return err
			}
			if it.also == nil {
				continue
			}
			if err := failpoint.Here(failpoint.CommitBelongings); err != nil {
				return err
			}
			if err := it.also(tx, it.Seq); err != nil {
				return err
			}
		}
		return failpoint.Here(failpoint.CommitWrite)
	})
	return cmp.Or(err, failpoint.Here(failpoint.CommitSynced))
}

// Get returns a copy of one record, nil where there is none.
func (l *File) Get(seq uint64) (data []byte, err error) {
	err = l.View(func(tx *bbolt.Tx) error {
		if v := tx.Bucket(bucketLog).Get(boltfile.Key(seq)); v != nil {
			data = append([]byte{}, v...)
		}
		return nil
	})
	return data, err
}

// Stored is one record as it lies in the log.
type Stored struct {
	Seq  uint64
	Data []byte
}

// Up shows records from a sequence number on, oldest first, until visit does not
// want another. It is one transaction: be short. data is good for the call.
func (l *File) Up(from uint64, visit func(seq uint64, data []byte) bool) error {
	return l.View(func(tx *bbolt.Tx) error {
		c := tx.Bucket(bucketLog).Cursor()
		for k, v := c.Seek(boltfile.Key(from)); k != nil && visit(boltfile.Number(k), v); {
			k, v = c.Next()
		}
		return nil
	})
}

// Down is Up from a sequence number down, newest first.
func (l *File) Down(from uint64, visit func(seq uint64, data []byte) bool) error {
	return l.View(func(tx *bbolt.Tx) error {
		c := tx.Bucket(bucketLog).Cursor()
		for k, v := boltfile.Before(c, from+1); k != nil && visit(boltfile.Number(k), v); {
			k, v = c.Prev()
		}
		return nil
	})
}

// chunk is how many records one read transaction copies out at most, so that
// none stays open for long.
const chunk = 256

// ErrStop ends Ascend and Descend early, without error.
var ErrStop = errors.New("stop")

// Ascend calls f with the records from sequence number from on, oldest first,
// up to and with to. No transaction is open meanwhile. The error is ctx's, f's, or
// the disk's.
func (l *File) Ascend(ctx context.Context, from, to uint64, f func(Stored) error) error {
	return walk(ctx, from, l.Up, func(seq uint64) bool { return seq <= to }, +1, f)
}

// Descend is Ascend from sequence number from down to the oldest, newest first.
func (l *File) Descend(ctx context.Context, from uint64, f func(Stored) error) error {
	return walk(ctx, from, l.Down, func(uint64) bool { return true }, -1, f)
}

func walk(ctx context.Context, at uint64, look func(uint64, func(uint64, []byte) bool) error,
	wanted func(uint64) bool, step int, f func(Stored) error) error {
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		got := make([]Stored, 0, chunk)
		err := look(at, func(seq uint64, data []byte) bool {
			if len(got) == chunk || !wanted(seq) {
				return false
			}
			got = append(got, Stored{seq, append([]byte{}, data...)})
			return true
		})
		if err != nil {
			return err
		}
		for _, r := range got {
			if err := f(r); errors.Is(err, ErrStop) {
				return nil
			} else if err != nil {
				return err
			}
		}
		if len(got) < chunk {
			return nil
		}
		if at = got[len(got)-1].Seq + uint64(step); at == 0 {
			return nil
		}
	}
}

// Replace puts records in the place of those with their sequence numbers, except
// where these were deleted. It belongs into the transaction of a record that tells
// of it.
func Replace(tx *bbolt.Tx, news []Stored) error {
	b := tx.Bucket(bucketLog)
	for _, st := range news {
		if b.Get(boltfile.Key(st.Seq)) == nil {
			continue
		}
		if err := failpoint.Here(failpoint.ForgetReplace); err != nil {
			return err
		}
		if err := b.Put(boltfile.Key(st.Seq), st.Data); err != nil {
			return err
		}
	}
	return nil
}

// Trim notes that the records up to a sequence number were deleted; who deletes
// them (see Delete) may keep some longer.
func Trim(tx *bbolt.Tx, through uint64) error {
	return tx.Bucket(bucketMeta).Put(metaTrimmed, boltfile.Key(through))
}

// Delete takes a record out of the log.
func Delete(tx *bbolt.Tx, seq uint64) error { return tx.Bucket(bucketLog).Delete(boltfile.Key(seq)) }

// End is the last sequence number that lies in the log, or was deleted.
func End(tx *bbolt.Tx) uint64 {
	last, _ := tx.Bucket(bucketLog).Cursor().Last()
	return max(boltfile.Number(last), boltfile.Number(tx.Bucket(bucketMeta).Get(metaTrimmed)))
}

// Look returns a record for as long as its transaction lasts, nil where there is
// none.
func Look(tx *bbolt.Tx, seq uint64) []byte { return tx.Bucket(bucketLog).Get(boltfile.Key(seq)) }

// Others calls f with all buckets of the file except the one of the records.
func Others(tx *bbolt.Tx, f func(name []byte, b *bbolt.Bucket) error) error {
	return tx.ForEach(func(name []byte, b *bbolt.Bucket) error {
		if bytes.Equal(name, bucketLog) {
			return nil
		}
		return f(name, b)
	})
}
