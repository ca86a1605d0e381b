package outbox

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"

	"go.etcd.io/bbolt"

	"switchboard/engine"
)

// putLetter writes a letter down, without its call_id as long as the record
// says it: an id may hold a person's number, and an erasure changes the record.
func putLetter(b *bbolt.Bucket, l engine.RelayLetter) error {
	if !l.Gone {
		l.CallID = ""
	}
	text, err := json.Marshal(l)
	return errors.Join(err, b.Put(seqKey(l.Seq), text))
}

func readLetter(k, v []byte) (l engine.RelayLetter, err error) {
	if err := json.Unmarshal(v, &l); err != nil {
		return l, fmt.Errorf("history: a letter of the relay can't be read: %w", err)
	}
	l.Seq = binary.BigEndian.Uint64(k)
	return l, nil
}

// letters are those after a sequence number, at most limit; all where limit is
// negative.
func letters(b *bbolt.Bucket, after uint64, limit int) (out []engine.RelayLetter, err error) {
	c := b.Cursor()
	for k, v := c.Seek(seqKey(after + 1)); k != nil && (limit < 0 || len(out) < limit); k, v = c.Next() {
		l, err := readLetter(k, v)
		if err != nil {
			return nil, err
		}
		out = append(out, l)
	}
	return out, nil
}

// Dead lists letters that were given up, in order of target and sequence
// number, at most limit of those after (target, seq). An only that is not empty
// names the one target that counts.
func Dead(tx *bbolt.Tx, only, target string, seq uint64, limit int) (out []engine.DeadLetter, err error) {
	root := tx.Bucket(bucketRoot)
	if root == nil {
		return nil, nil
	}
	for _, id := range names(root) {
		if id < target || only != "" && id != only {
			continue
		}
		after := uint64(0)
		if id == target {
			after = seq
		}
		found, err := letters(root.Bucket([]byte(id)).Bucket(bucketDead), after, limit-len(out))
		if err != nil {
			return nil, err
		}
		for _, l := range found {
			out = append(out, engine.DeadLetter{Target: id, Letter: l})
		}
		if len(out) >= limit {
			break
		}
	}
	return out, nil
}

// DeleteDead takes a letter out of those that were given up and tells how many
// are left; found is false where there is none.
func DeleteDead(tx *bbolt.Tx, id string, seq uint64) (found bool, dead int, err error) {
	l, p, b, err := deadLetter(tx, id, seq)
	if err != nil || l == nil {
		return false, p.Dead, err
	}
	err = errors.Join(p.unbury(b, seq), putPlace(b, p))
	return true, p.Dead, err
}

// Revive moves a letter from those that were given up to those that wait, as if
// it had never been tried, and tells how many of the former are left. It returns
// nil where there is none, and one that is Gone as it is.
func Revive(tx *bbolt.Tx, id string, seq uint64) (l *engine.RelayLetter, dead int, err error) {
	l, p, b, err := deadLetter(tx, id, seq)
	if err != nil || l == nil || l.Gone {
		return l, p.Dead, err
	}
	*l = engine.RelayLetter{RelayEntry: l.RelayEntry}
	err = errors.Join(p.unbury(b, seq), putLetter(b.Bucket(bucketWaiting), *l), putPlace(b, p))
	return l, p.Dead, err
}

// deadLetter finds a letter that was given up, nil where there is none.
func deadLetter(tx *bbolt.Tx, id string, seq uint64) (_ *engine.RelayLetter, p place, b *bbolt.Bucket, err error) {
	b, err = target(tx, id)
	if errors.Is(err, ErrUnknown) {
		return nil, p, nil, nil
	}
	if p, err = getPlace(b); err != nil {
		return nil, p, nil, err
	}
	k := seqKey(seq)
	v := b.Bucket(bucketDead).Get(k)
	if v == nil {
		return nil, p, b, nil
	}
	l, err := readLetter(k, v)
	return &l, p, b, err
}

// Removed are the targets that are not configured any more, with their number of
// dead letters.
func Removed(tx *bbolt.Tx) (map[string]int, error) {
	out := make(map[string]int)
	root := tx.Bucket(bucketRoot)
	if root == nil {
		return out, nil
	}
	for _, id := range names(root) {
		b := root.Bucket([]byte(id))
		p, err := getPlace(b)
		if err != nil {
			return nil, err
		}
		if p.Removed != 0 {
			out[id] = p.Dead
		}
	}
	return out, nil
}
