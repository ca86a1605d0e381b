package history

import (
	"bytes"
	"encoding/binary"

	"go.etcd.io/bbolt"

	"switchboard/engine/history/fold"
)

// lost says what of live data an index need not know.
type lost struct {
	now     int64 // when it was last swept: what has expired by then
	gone    int64 // sessions that ended up to then
	trimmed bool  // what records told that were deleted by age
}

// compareLive tells where live data differ. How much of what is lost is still
// there depends on when which of the two was swept, so it is left out.
func (r *VerifyReport) compareLive(live, fresh *bbolt.Tx, lost lost) {
	for _, name := range [][]byte{bucketPairs, bucketSessions, bucketFacts} {
		normal := func(k, v []byte) []byte { return normalLive(name, k, v, lost) }
		missing, other := differences(fresh.Bucket(name), live.Bucket(name), normal)
		extra, _ := differences(live.Bucket(name), fresh.Bucket(name), normal)
		if missing+extra+other > 0 {
			r.problem("in the index's %s %d entries are missing, %d are too many and %d differ from the log", name, missing, extra, other)
		}
	}
	r.sessionsFound(live)
}

// sessionsFound tells of sessions that their ref or their numbers don't lead to,
// and of numbers that lead nowhere.
func (r *VerifyReport) sessionsFound(tx *bbolt.Tx) {
	sessions, refs, listed := tx.Bucket(bucketSessions), tx.Bucket(bucketRefs), tx.Bucket(bucketListed)
	lost, unlisted, entries := 0, 0, 0
	_ = sessions.ForEach(func(k, _ []byte) error { // f never fails
		if len(k) < 8 || !bytes.Equal(refs.Get(k[8:]), k) {
			lost++
			return nil
		}
		s, err := readSession(sessions, k)
		if err != nil {
			return nil // told already
		}
		for _, key := range listedKeys(s) {
			if found, _ := listed.Cursor().Seek(key); bytes.Equal(found, key) {
				entries++
			} else {
				unlisted++
			}
		}
		return nil
	})
	if lost > 0 {
		r.problem("in the index %d sessions are not found by their ref", lost)
	}
	if extra := listed.Stats().KeyN - entries; unlisted > 0 || extra > 0 {
		r.problem("in the index sessions are not listed under %d of their numbers, and %d numbers lead to no session", unlisted, extra)
	}
}

// differences counts what of a bucket another lacks or has differently.
func differences(a, b *bbolt.Bucket, normal func(k, v []byte) []byte) (lacking, other int) {
	_ = a.ForEach(func(k, v []byte) error { // f never fails
		mine := normal(k, v)
		if mine == nil {
			return nil
		}
		theirs := b.Get(k)
		if theirs != nil {
			theirs = normal(k, theirs)
		}
		switch {
		case theirs == nil:
			lacking++
		case !bytes.Equal(mine, theirs):
			other++
		}
		return nil
	})
	return lacking, other
}

// normalLive is what counts of an entry; nil for nothing.
func normalLive(bucket, k, v []byte, lost lost) []byte {
	key := fold.Key{Kind: kindFact, Number: string(k)}
	switch {
	case bytes.Equal(bucket, bucketPairs):
		key.Kind = kindPair
	case bytes.Equal(bucket, bucketSessions):
		key.Kind = kindRef
	}
	got, err := decodeValue(key, v)
	if err != nil {
		return []byte{0} // differs from all that can be read
	}
	switch got := got.(type) {
	case *kept:
		if got.live(lost.now) != nil {
			return v
		}
	case *keptFact:
		if got.live(lost.now) != nil {
			return v
		}
	case *pair:
		out := got.without("", lost.now)
		if lost.trimmed || out.ended <= lost.gone || out.ended+keepEnded <= lost.now {
			out.ended = 0
		}
		if out.orNothing() != nil {
			return out.append(binary.AppendUvarint(nil, 1))
		}
	}
	return nil
}
