package history

import (
	"bytes"
	"encoding/binary"
	"errors"
	"sync/atomic"

	"go.etcd.io/bbolt"

	"switchboard/engine"
	"switchboard/engine/history/boltfile"
	"switchboard/engine/history/fold"
)

// The buckets of the index that hold live data.
var (
	bucketPairs    = []byte(kindPair) // DID and number -> pair
	bucketRefs     = []byte(kindRef)  // ref -> key of bucket sessions
	bucketSessions = []byte("sessions")
	bucketFacts    = []byte(kindFact) // collection and key -> fact
	bucketListed   = []byte("listed") // DID or party, key of bucket sessions -> nothing
	bucketDue      = []byte(kindDue)  // moment, kind and key -> nothing

	liveBuckets = [][]byte{bucketPairs, bucketRefs, bucketSessions, bucketListed, bucketFacts, bucketDue}
)

// anyLive says of which kinds of live data the index may hold any: one without
// sessions is not looked through for them with each call. It is told before
// something is written, and never taken back.
type anyLive struct{ pairs, refs, facts atomic.Bool }

// of is the note of a kind; nil for one that has none.
func (h *anyLive) of(kind engine.ProfileKind) *atomic.Bool {
	switch kind {
	case kindPair:
		return &h.pairs
	case kindRef:
		return &h.refs
	case kindFact:
		return &h.facts
	}
	return nil
}

// read notes what a file holds.
func (h *anyLive) read(tx *bbolt.Tx) {
	for _, kind := range []engine.ProfileKind{kindPair, kindRef, kindFact} {
		k, _ := tx.Bucket([]byte(kind)).Cursor().First()
		h.of(kind).Store(k != nil)
	}
}

// sessionPlace is where a session stands in bucket sessions: in the order of
// creation.
func sessionPlace(created uint64, ref string) []byte { return append(boltfile.Key(created), ref...) }

// findLive finds a value, nil where there is none. It is valid as long as the
// transaction.
func findLive(tx *bbolt.Tx, k fold.Key) []byte {
	v := tx.Bucket([]byte(k.Kind)).Get([]byte(k.Number))
	if v == nil || k.Kind != kindRef {
		return v
	}
	return tx.Bucket(bucketSessions).Get(v)
}

// dueLetters are the kinds in the keys of bucket due.
var dueLetters = map[engine.ProfileKind]byte{kindPair: 'p', kindRef: 'r', kindFact: 'f'}

func dueKey(at int64, k fold.Key) []byte {
	b := binary.BigEndian.AppendUint64(make([]byte, 0, 9+len(k.Number)), uint64(at))
	return append(append(b, dueLetters[k.Kind]), k.Number...)
}

func parseDue(b []byte) (at int64, k fold.Key, ok bool) {
	if len(b) < 9 {
		return 0, fold.Key{}, false
	}
	for kind, letter := range dueLetters {
		if b[8] == letter {
			return int64(binary.BigEndian.Uint64(b)), fold.Key{Kind: kind, Number: string(b[9:])}, true
		}
	}
	return 0, fold.Key{}, false
}

func (x *index) putLive(tx *bbolt.Tx, w written) error {
	b := tx.Bucket([]byte(w.key.Kind))
	key := []byte(w.key.Number)
	if w.key.Kind == kindRef {
		return putSession(tx, w)
	}
	if w.value == nil { // also the entries of due that are done with
		return b.Delete(key)
	}
	return errors.Join(b.Put(key, w.value.append(nil)), putDue(tx, w))
}

// putDue notes when a value is to be looked at again. What was noted for its
// earlier versions stays until that moment.
func putDue(tx *bbolt.Tx, w written) error {
	at := w.value.due()
	if at == 0 {
		return nil
	}
	return tx.Bucket(bucketDue).Put(dueKey(at, w.key), nil)
}

// due returns the entries of bucket due up to a moment and behind another
// entry, at most limit.
func (x *index) due(after []byte, until int64, limit int) (out [][]byte, err error) {
	err = boltfile.Guard(func() error {
		return x.view(func(tx *bbolt.Tx) error {
			c := tx.Bucket(bucketDue).Cursor()
			k, _ := c.Seek(after)
			if k != nil && bytes.Equal(k, after) {
				k, _ = c.Next()
			}
			for ; k != nil && len(out) < limit; k, _ = c.Next() {
				if len(k) >= 8 && int64(binary.BigEndian.Uint64(k)) > until {
					break
				}
				out = append(out, bytes.Clone(k))
			}
			return nil
		})
	})
	return out, err
}
