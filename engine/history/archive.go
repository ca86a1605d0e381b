package history

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"

	"go.etcd.io/bbolt"

	"switchboard/engine/failpoint"
	"switchboard/engine/history/journal"
)

// The archive's buckets in the log's file.
var (
	bucketRevisions  = []byte("revisions")  // revision -> revisionRef
	bucketQuarantine = []byte("quarantine") // id -> quarantineRef
)

// archive knows where the rare records lie: revisions and quarantine. What it
// knows lies in two small buckets of the log's file, changed in the transaction
// of the record itself, so that both are there as soon as the log is open.
type archive struct {
	mu        sync.Mutex
	revisions map[string]revisionRef
	items     map[string]quarantineRef
	order     []arrival // of items, oldest first, and of some that are gone
	bytes     int64     // of the bodies in quarantine
	rotated   uint64    // since start, out of a quarantine that was full
	waiting   map[string]waitingRevision
}

// waitingRevision is one whose record is not on disk, so that its pieces need not
// be there either.
type waitingRevision struct {
	files map[string][]byte
	saved *journal.Item
}

func (a *archive) open(l *journal.File) error {
	a.revisions, a.items = make(map[string]revisionRef), make(map[string]quarantineRef)
	a.waiting = make(map[string]waitingRevision)
	if err := failpoint.Here(failpoint.OpenArchive); err != nil {
		return err
	}
	err := l.View(func(tx *bbolt.Tx) error {
		if err := readRefs(tx.Bucket(bucketRevisions), a.revisions); err != nil {
			return err
		}
		return readRefs(tx.Bucket(bucketQuarantine), a.items)
	})
	for id, ref := range a.items {
		a.bytes += ref.Size
		ref.saved = ref.Count
		a.items[id] = ref
		a.order = append(a.order, arrival{ref.Seq, id})
	}
	slices.SortFunc(a.order, func(x, y arrival) int { return cmp.Compare(x.seq, y.seq) })
	return err
}

func readRefs[T any](b *bbolt.Bucket, into map[string]T) error {
	return b.ForEach(func(k, v []byte) error {
		var ref T
		if err := json.Unmarshal(v, &ref); err != nil {
			return fmt.Errorf("history: the entry %q of the database's archive can't be read: %w", k, err)
		}
		into[string(k)] = ref
		return nil
	})
}

// archived finds the entry of an id and reads the record that it points to; the
// record is nil where there is no such entry.
func archived[T interface{ record() uint64 }](ctx context.Context, s *Store, refs map[string]T, id string) (ref T, r *record, err error) {
	if err := ctx.Err(); err != nil {
		return ref, nil, err
	}
	s.archive.mu.Lock()
	ref, ok := refs[id]
	s.archive.mu.Unlock()
	if !ok {
		return ref, nil, nil
	}
	if r, err = s.read(ref.record()); err == nil && r == nil {
		err = errMissing(id)
	}
	return ref, r, err
}

func errMissing(id string) error {
	return errors.New("what is archived as " + id + " is missing from the log; verify the database")
}

// putRef changes the entry of an id in the transaction of its record; seq is
// known only there.
func putRef[T any](bucket []byte, id string, ref func(seq uint64) T) func(*bbolt.Tx, uint64) error {
	return func(tx *bbolt.Tx, seq uint64) error {
		b, err := json.Marshal(ref(seq))
		if err != nil {
			return err
		}
		return tx.Bucket(bucket).Put([]byte(id), b)
	}
}

// getRef reads the entry of an id, the zero value where there is none.
func getRef[T any](b *bbolt.Bucket, id string) (ref T, err error) {
	if v := b.Get([]byte(id)); v != nil {
		err = json.Unmarshal(v, &ref)
	}
	return ref, err
}

func deleteRef(bucket []byte, id string) func(*bbolt.Tx, uint64) error {
	return func(tx *bbolt.Tx, _ uint64) error { return tx.Bucket(bucket).Delete([]byte(id)) }
}

// append queues a record that concerns no call.
func (s *Store) append(data []byte, also func(*bbolt.Tx, uint64) error) (*journal.Item, error) {
	return s.journal.Append(data, false, also)
}
