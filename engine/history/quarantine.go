package history

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"math/bits"
	"slices"

	"go.etcd.io/bbolt"

	"switchboard/engine"
	"switchboard/engine/history/journal"
)

// quarantineRef says what lies in quarantine, and where.
type quarantineRef struct {
	Seq   uint64 `json:"seq"`
	At    int64  `json:"at"`
	Kind  string `json:"kind"`
	Cause string `json:"cause"`
	Count int    `json:"count"`
	Size  int64  `json:"size"` // of the body, in bytes
	saved int    // Count as last written down
}

func (r quarantineRef) record() uint64 { return r.Seq }

func (r quarantineRef) item(id string) engine.QuarantineItem {
	return engine.QuarantineItem{ID: id, At: r.At, Kind: r.Kind, Cause: r.Cause, Count: r.Count}
}

// quarantineID names a payload by its content, so that repeats meet.
func quarantineID(q engine.QuarantineItem) string {
	h := sha256.New()
	io.WriteString(h, q.Kind+"\x00"+q.Raw.Type+"\x00") //nolint:errcheck // never fails
	h.Write(q.Raw.Body)
	return hex.EncodeToString(h.Sum(nil)[:12])
}

// Quarantine keeps a payload that could not be understood and returns its id
// once it is on disk. The same payload again only counts. Beyond 10,000 items or
// 64 MiB the oldest make room, which Status warns of: they are listed no more,
// and their records stay in the log as long as any. So the newest, from which
// somebody can see what goes wrong now, is always there, and nothing is dropped.
func (s *Store) Quarantine(ctx context.Context, q engine.QuarantineItem) (id string, err error) {
	ctx, cancel := s.bounded(ctx)
	defer cancel()
	if q.At == 0 {
		q.At = s.Now().UnixNano()
	}
	q.ID = quarantineID(q)
	seq, err := s.quarantine(q)
	if err != nil {
		return "", err
	}
	if err := s.journal.Wait(ctx, seq); err != nil {
		return "", unavailable(ctx, err)
	}
	return q.ID, nil
}

// quarantine notes an item and returns the sequence number to wait for.
func (s *Store) quarantine(q engine.QuarantineItem) (uint64, error) {
	a := &s.archive
	a.mu.Lock()
	defer a.mu.Unlock()
	if ref, known := a.items[q.ID]; known {
		ref.Count++
		a.items[q.ID] = ref
		if bits.OnesCount(uint(ref.Count)) != 1 {
			return ref.Seq, nil // counts are written ever more rarely, and at Close
		}
		return ref.Seq, s.saveCount(q.ID, ref)
	}
	size := int64(len(q.Raw.Body))
	out := a.oldest(s.quarantined-1, s.quarantineB-size)
	data, err := (&record{Kind: kindQuarantine, At: q.At, Quarantine: &quarantined{
		ID: q.ID, At: q.At, Kind: q.Kind, Cause: q.Cause, Raw: q.Raw, Out: out,
	}}).encode()
	if err != nil {
		return 0, err
	}
	ref := func(seq uint64) quarantineRef {
		return quarantineRef{Seq: seq, At: q.At, Kind: q.Kind, Cause: q.Cause, Count: 1, Size: size, saved: 1}
	}
	put := putRef(bucketQuarantine, q.ID, ref)
	it, err := s.append(data, func(tx *bbolt.Tx, seq uint64) error {
		for _, id := range out {
			if err := tx.Bucket(bucketQuarantine).Delete([]byte(id)); err != nil {
				return err
			}
		}
		return put(tx, seq)
	})
	if err != nil {
		return 0, err
	}
	for _, id := range out {
		a.bytes -= a.items[id].Size
		delete(a.items, id)
	}
	a.rotated += uint64(len(out))
	a.items[q.ID] = ref(it.Seq)
	a.order = append(a.order, arrival{it.Seq, q.ID})
	a.bytes += size
	return it.Seq, nil
}

// arrival is a place in the order in which items came to quarantine.
type arrival struct {
	seq uint64
	id  string
}

// oldest are the items that must go until there are at most so many, and so many
// bytes of them. The archive's mutex is held.
func (a *archive) oldest(items int, bytes int64) (out []string) {
	n, held := len(a.items), a.bytes
	if n <= items && held <= bytes {
		return nil
	}
	// What was deleted otherwise still has its place in the order.
	a.order = slices.DeleteFunc(a.order, func(o arrival) bool { return a.items[o.id].Seq != o.seq })
	for i := 0; i < len(a.order) && (n > items || held > bytes); i++ {
		out = append(out, a.order[i].id)
		n, held = n-1, held-a.items[a.order[i].id].Size
	}
	return out
}

// saveCount writes down how often an item came. The archive's mutex is held.
func (s *Store) saveCount(id string, ref quarantineRef) error {
	data, err := (&record{Kind: kindQuarantineAgain, At: s.Now().UnixNano(), ID: id, Count: ref.Count}).encode()
	if err != nil {
		return err
	}
	// The commit reads its own copy: it may still run when the next count comes.
	written := ref
	if _, err = s.append(data, putRef(bucketQuarantine, id, func(uint64) quarantineRef { return written })); err == nil {
		ref.saved = ref.Count
		s.archive.items[id] = ref
	}
	return err
}

// saveCounts writes down, at Close, the counts that were not yet.
func (s *Store) saveCounts() error {
	a := &s.archive
	a.mu.Lock()
	defer a.mu.Unlock()
	var errs []error
	for id, ref := range a.items {
		if ref.Count != ref.saved {
			errs = append(errs, s.saveCount(id, ref))
		}
	}
	return errors.Join(errs...)
}

// QuarantineList lists what is in quarantine with its payloads, newest first.
func (s *Store) QuarantineList(ctx context.Context) ([]engine.QuarantineItem, error) {
	s.archive.mu.Lock()
	ids := make([]string, 0, len(s.archive.items))
	for id := range s.archive.items {
		ids = append(ids, id)
	}
	s.archive.mu.Unlock()
	out := make([]engine.QuarantineItem, 0, len(ids))
	for _, id := range ids {
		q, err := s.QuarantineItem(ctx, id)
		if err != nil {
			return nil, err
		}
		if q != nil { // else deleted meanwhile
			out = append(out, *q)
		}
	}
	slices.SortFunc(out, func(a, b engine.QuarantineItem) int {
		return cmp.Or(cmp.Compare(b.At, a.At), cmp.Compare(a.ID, b.ID))
	})
	return out, nil
}

// QuarantineItem returns one item with its payload, nil where there is none of
// that id.
func (s *Store) QuarantineItem(ctx context.Context, id string) (*engine.QuarantineItem, error) {
	ref, r, err := archived(ctx, s, s.archive.items, id)
	if err != nil || r == nil {
		return nil, err
	}
	if r.Quarantine == nil {
		return nil, errMissing(id)
	}
	q := ref.item(id)
	q.Raw = r.Quarantine.Raw
	return &q, nil
}

// QuarantineDelete takes an item out of quarantine, for good once it returns;
// it reports whether there was one of that id.
func (s *Store) QuarantineDelete(ctx context.Context, id string) (bool, error) {
	ctx, cancel := s.bounded(ctx)
	defer cancel()
	it, err := s.quarantineDelete(id)
	if err != nil || it == nil {
		return false, err
	}
	if err := it.Wait(ctx); err != nil {
		return true, unavailable(ctx, err)
	}
	return true, nil
}

func (s *Store) quarantineDelete(id string) (*journal.Item, error) {
	a := &s.archive
	a.mu.Lock()
	defer a.mu.Unlock()
	ref, ok := a.items[id]
	if !ok {
		return nil, nil
	}
	data, err := (&record{Kind: kindQuarantineDelete, At: s.Now().UnixNano(), ID: id}).encode()
	if err != nil {
		return nil, err
	}
	it, err := s.append(data, deleteRef(bucketQuarantine, id))
	if err != nil {
		return nil, err
	}
	delete(a.items, id)
	a.bytes -= ref.Size
	return it, nil
}
