package outbox

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"go.etcd.io/bbolt"

	"switchboard/engine"
)

// Keep is how long a target that is not configured any more keeps its place.
const Keep = 7 * 24 * time.Hour

// The buckets: one for each target below the root, and in it the letters by
// sequence number, and the place.
var (
	bucketRoot    = []byte("relay")
	bucketWaiting = []byte("waiting")
	bucketDead    = []byte("dead")
	keyPlace      = []byte("place")
)

// place is a target's own entry.
type place struct {
	Cursor  uint64 `json:"cursor"`
	Removed int64  `json:"removed,omitempty"` // the first start without it, Unix nanoseconds
	Dead    int    `json:"dead,omitempty"`    // letters that were given up
}

// ErrUnknown: there is no such target.
var ErrUnknown = errors.New("there is no such relay target")

// Register makes exactly these targets the configured ones, as of now, and
// tells how far each is. last is the log's newest sequence number as of tx.
// Targets that were removed long ago lose their place; dropped tells how many
// dead letters went with each.
func Register(tx *bbolt.Tx, ids []string, last uint64, now int64) (states map[string]engine.RelayState, dropped map[string]int, err error) {
	if len(ids) == 0 && tx.Bucket(bucketRoot) == nil {
		return nil, nil, nil // who has no relay need not notice
	}
	root, err := tx.CreateBucketIfNotExists(bucketRoot)
	if err != nil {
		return nil, nil, err
	}
	states, dropped = make(map[string]engine.RelayState), make(map[string]int)
	for _, id := range names(root) {
		if slices.Contains(ids, id) {
			continue
		}
		dead, gone, err := remove(root, id, now)
		if err != nil {
			return nil, nil, err
		}
		if gone {
			dropped[id] = dead
		}
	}
	for _, id := range ids {
		if states[id], err = register(root, id, last, now); err != nil {
			return nil, nil, err
		}
	}
	return states, dropped, nil
}

// remove notes that a target is not configured; gone is true once that is so
// for long, and its place is lost.
func remove(root *bbolt.Bucket, id string, now int64) (dead int, gone bool, err error) {
	b := root.Bucket([]byte(id))
	p, err := getPlace(b)
	if err != nil {
		return 0, false, err
	}
	if p.Removed == 0 {
		p.Removed = now
	}
	if now-p.Removed < int64(Keep) {
		return 0, false, putPlace(b, p)
	}
	return p.Dead, true, root.DeleteBucket([]byte(id))
}

func register(root *bbolt.Bucket, id string, last uint64, now int64) (s engine.RelayState, err error) {
	b := root.Bucket([]byte(id))
	if b != nil {
		p, err := getPlace(b)
		if err != nil {
			return s, err
		}
		if p.Removed != 0 && now-p.Removed >= int64(Keep) {
			s.Skipped = last - min(last, p.Cursor)
			if err := root.DeleteBucket([]byte(id)); err != nil {
				return s, err
			}
			b = nil
		} else if p.Removed != 0 || p.Cursor > last {
			// A cursor beyond the log's end would pass over what comes next.
			p.Cursor, p.Removed = min(p.Cursor, last), 0
			if err := putPlace(b, p); err != nil {
				return s, err
			}
		}
	}
	if b == nil {
		s.New = true
		if b, err = root.CreateBucket([]byte(id)); err != nil {
			return s, err
		}
		_, werr := b.CreateBucket(bucketWaiting)
		_, derr := b.CreateBucket(bucketDead)
		if err := errors.Join(werr, derr, putPlace(b, place{Cursor: last})); err != nil {
			return s, err
		}
	}
	p, err := getPlace(b)
	if err != nil {
		return s, err
	}
	s.Cursor, s.Dead = p.Cursor, p.Dead
	s.Waiting, err = letters(b.Bucket(bucketWaiting), 0, -1)
	return s, err
}

// Save writes down what happened to a target's letters and tells how many are
// given up now.
func Save(tx *bbolt.Tx, id string, c engine.RelayChanges) (dead int, err error) {
	b, err := target(tx, id)
	if err != nil {
		return 0, err
	}
	p, err := getPlace(b)
	if err != nil {
		return 0, err
	}
	p.Cursor = c.Cursor
	waiting := b.Bucket(bucketWaiting)
	var errs []error
	for _, l := range c.Waiting {
		errs = append(errs, putLetter(waiting, l))
	}
	for _, seq := range c.Delivered {
		errs = append(errs, waiting.Delete(seqKey(seq)))
	}
	for _, l := range c.Dead {
		errs = append(errs, waiting.Delete(seqKey(l.Seq)), p.bury(b, l))
	}
	return p.Dead, errors.Join(append(errs, putPlace(b, p))...)
}

// bury keeps a letter that is given up.
func (p *place) bury(b *bbolt.Bucket, l engine.RelayLetter) error {
	dead := b.Bucket(bucketDead)
	if dead.Get(seqKey(l.Seq)) == nil {
		p.Dead++
	}
	return putLetter(dead, l)
}

// unbury takes a letter out of those that were given up.
func (p *place) unbury(b *bbolt.Bucket, seq uint64) error {
	dead, k := b.Bucket(bucketDead), seqKey(seq)
	if dead.Get(k) != nil {
		p.Dead--
	}
	return dead.Delete(k)
}

func target(tx *bbolt.Tx, id string) (*bbolt.Bucket, error) {
	if root := tx.Bucket(bucketRoot); root != nil {
		if b := root.Bucket([]byte(id)); b != nil {
			return b, nil
		}
	}
	return nil, ErrUnknown
}

// names are the targets that have a place.
func names(root *bbolt.Bucket) (out []string) {
	_ = root.ForEachBucket(func(k []byte) error {
		out = append(out, string(k))
		return nil
	})
	return out
}

func getPlace(b *bbolt.Bucket) (p place, err error) {
	if err := json.Unmarshal(b.Get(keyPlace), &p); err != nil {
		return p, fmt.Errorf("history: the place of a relay target can't be read: %w", err)
	}
	return p, nil
}

func putPlace(b *bbolt.Bucket, p place) error {
	text, err := json.Marshal(p)
	return errors.Join(err, b.Put(keyPlace, text))
}

func seqKey(seq uint64) []byte { return binary.BigEndian.AppendUint64(nil, seq) }
