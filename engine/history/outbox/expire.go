package outbox

import (
	"errors"

	"go.etcd.io/bbolt"

	"switchboard/engine"
)

// Expired is what retention took from the targets, all together.
type Expired struct {
	Undelivered int // letters that a target had not got
	Unlisted    int // those of them that are not among the dead ones, for these are too many
	Dead        int // letters given up before that can't be sent any more
}

// Expire is told of entries that are taken out of the log with tx. What a
// configured target has not got of them is given up without a record to send, so
// that the operator sees which calls it were.
func Expire(tx *bbolt.Tx, entries []engine.RelayEntry, now int64) (x Expired, err error) {
	root := tx.Bucket(bucketRoot)
	if root == nil || len(entries) == 0 {
		return x, nil
	}
	for _, id := range names(root) {
		b := root.Bucket([]byte(id))
		p, err := getPlace(b)
		if err != nil {
			return x, err
		}
		for _, e := range entries {
			if err := x.expire(b, &p, e, now); err != nil {
				return x, err
			}
		}
		if err := putPlace(b, p); err != nil {
			return x, err
		}
	}
	return x, nil
}

const tooOld = "its record reached the age of retention before the target took it"

func (x *Expired) expire(b *bbolt.Bucket, p *place, e engine.RelayEntry, now int64) (err error) {
	k, waiting, dead := seqKey(e.Seq), b.Bucket(bucketWaiting), b.Bucket(bucketDead)
	if v := dead.Get(k); v != nil {
		l, err := readLetter(k, v)
		if err != nil {
			return err
		}
		x.Dead++
		l.Gone, l.CallID = true, e.CallID
		return putLetter(dead, l)
	}
	l := engine.RelayLetter{RelayEntry: e}
	v := waiting.Get(k)
	switch {
	case v == nil && (e.Seq <= p.Cursor || p.Removed != 0):
		return nil // it has it, or does not want it
	case v != nil:
		if l, err = readLetter(k, v); err != nil {
			return err
		}
	}
	x.Undelivered++
	if p.Dead >= engine.MaxDeadLetters {
		x.Unlisted++
		return waiting.Delete(k)
	}
	l.Gone, l.Died, l.Error, l.CallID = true, now, tooOld, e.CallID
	return errors.Join(waiting.Delete(k), p.bury(b, l))
}
