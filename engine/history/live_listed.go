package history

import (
	"bytes"
	"errors"
	"slices"

	"go.etcd.io/bbolt"

	"switchboard/engine"
)

// The beginnings of the keys of bucket listed.
const (
	listedByDID   = 'd'
	listedByParty = 'p'
)

// listedPrefix is what the keys of a number's sessions begin with.
func listedPrefix(by byte, number string) []byte {
	return append(append([]byte{by}, number...), separator...)
}

// listedKeys are where a session is listed.
func listedKeys(s *engine.Session) [][]byte {
	place := sessionPlace(uint64(s.Created), s.Ref)
	return [][]byte{
		append(listedPrefix(listedByDID, s.DID), place...),
		append(listedPrefix(listedByParty, s.Parties[0]), place...),
		append(listedPrefix(listedByParty, s.Parties[1]), place...),
	}
}

// putSession writes a session, where its ref finds it, and where its numbers do.
func putSession(tx *bbolt.Tx, w written) error {
	refs, sessions := tx.Bucket(bucketRefs), tx.Bucket(bucketSessions)
	var before, after *engine.Session
	if w.place != 0 {
		var err error
		if before, err = readSession(sessions, sessionPlace(w.place, w.key.Number)); err != nil {
			return err
		}
	}
	if k, ok := w.value.(*kept); ok {
		after = k.session
	}
	if err := relist(tx.Bucket(bucketListed), before, after); err != nil {
		return err
	}
	if before != nil && (after == nil || after.Created != before.Created) {
		if err := sessions.Delete(sessionPlace(w.place, w.key.Number)); err != nil {
			return err
		}
	}
	if after == nil {
		return refs.Delete([]byte(w.key.Number))
	}
	at := sessionPlace(w.at(), w.key.Number)
	if err := errors.Join(sessions.Put(at, w.value.append(nil)), putDue(tx, w)); err != nil {
		return err
	}
	if before != nil && after.Created == before.Created {
		return nil // the ref leads there already
	}
	return refs.Put([]byte(w.key.Number), at)
}

func readSession(sessions *bbolt.Bucket, place []byte) (*engine.Session, error) {
	v := sessions.Get(place)
	if v == nil {
		return nil, nil
	}
	got, err := decodeValue(refKeyOf(place), v)
	if err != nil {
		return nil, err
	}
	return got.(*kept).session, nil
}

// relist lists a session under its numbers instead of under those of its
// earlier version; either may be nil.
func relist(b *bbolt.Bucket, before, after *engine.Session) error {
	var old, now [][]byte
	if before != nil {
		old = listedKeys(before)
	}
	if after != nil {
		now = listedKeys(after)
	}
	for _, k := range old {
		if !slices.ContainsFunc(now, func(n []byte) bool { return bytes.Equal(n, k) }) {
			if err := b.Delete(k); err != nil {
				return err
			}
		}
	}
	for _, k := range now {
		if !slices.ContainsFunc(old, func(o []byte) bool { return bytes.Equal(o, k) }) {
			if err := b.Put(k, nil); err != nil {
				return err
			}
		}
	}
	return nil
}
