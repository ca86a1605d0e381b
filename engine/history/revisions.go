package history

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"go.etcd.io/bbolt"

	"switchboard/engine"
	"switchboard/engine/history/journal"
)

// revisionRef says where a revision lies.
type revisionRef struct {
	Seq   uint64             `json:"seq"`   // of the record with the files
	Order uint64             `json:"order"` // of the record of its latest activation
	At    int64              `json:"at"`    // of the latest activation, as all below
	From  string             `json:"origin"`
	Tests engine.TestSummary `json:"tests"`
	Back  *engine.Rollback   `json:"rollback,omitempty"`
}

func (r revisionRef) record() uint64 { return r.Seq }

func (r revisionRef) revision(id string) engine.Revision {
	return engine.Revision{ID: id, At: r.At, Origin: r.From, Tests: r.Tests, Rollback: r.Back}
}

// SaveRevision archives a policy set that went live and returns when it is on
// disk. A revision that is there already becomes the last one again; its files
// are not written twice, and neither is what other revisions have of them.
//
// Where the error is engine.ErrUnavailable (wrapped) or ctx's, the set may be
// archived all the same, when the disk takes it. The same activation (ID and At)
// again waits for a record of it that is on its way.
func (s *Store) SaveRevision(ctx context.Context, rev *engine.Revision) error {
	if rev == nil || rev.ID == "" {
		return errors.New("history: a revision without an ID can't be archived")
	}
	ctx, cancel := s.bounded(ctx)
	defer cancel()
	if seq := s.archive.activation(rev); seq > 0 {
		if err := s.journal.Wait(ctx, seq); err != nil {
			return unavailable(ctx, err)
		}
		s.archive.settle()
		return nil
	}
	var files *parcel
	var it *journal.Item
	for it == nil {
		var err error
		if files == nil && !s.archive.knows(rev.ID) {
			if files, err = s.parcel(ctx, rev.Files); err != nil {
				return err
			}
		}
		if it, err = s.saveRevision(rev, files); err != nil {
			return err
		}
	}
	if err := it.Wait(ctx); err != nil {
		return unavailable(ctx, err)
	}
	s.archive.settle()
	return nil
}

// activation is the record of an activation, where it is the latest; zero where
// there is none.
func (a *archive) activation(rev *engine.Revision) uint64 {
	a.mu.Lock()
	defer a.mu.Unlock()
	if ref, known := a.revisions[rev.ID]; known && ref.At == rev.At && a.latest() == rev.ID {
		return ref.Order
	}
	return 0
}

func (a *archive) knows(id string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	_, known := a.revisions[id]
	return known
}

// saveRevision queues the record of a revision, with the files of one that is not
// known; the item is nil where it was known when they were left out, and is no
// more.
func (s *Store) saveRevision(rev *engine.Revision, files *parcel) (*journal.Item, error) {
	a := &s.archive
	a.mu.Lock()
	defer a.mu.Unlock()
	old, known := a.revisions[rev.ID]
	if known {
		files = &parcel{}
	} else if files == nil {
		return nil, nil
	}
	written := *rev
	written.Files = nil
	data, err := (&record{Kind: kindRevision, At: s.Now().UnixNano(), Files: files.list(), Revision: &written, Was: a.latest()}).encode()
	if err != nil {
		return nil, err
	}
	ref := func(seq uint64) revisionRef {
		r := revisionRef{Seq: seq, Order: seq, At: rev.At, From: rev.Origin, Tests: rev.Tests, Back: rev.Rollback}
		if known {
			r.Seq = old.Seq
		}
		return r
	}
	put := putRef(bucketRevisions, rev.ID, ref)
	it, err := s.appendAuditedHolding(data, files.unwritten, func(tx *bbolt.Tx, seq uint64) error {
		return errors.Join(files.put(tx), put(tx, seq))
	})
	if err != nil {
		return nil, err
	}
	a.revisions[rev.ID] = ref(it.Seq)
	if !known {
		a.waiting[rev.ID] = waitingRevision{rev.Files, it}
	}
	return it, nil
}

// latest is the revision that went live last, empty where none ever did; the
// mutex is held.
func (a *archive) latest() (id string) {
	var order uint64
	for known, ref := range a.revisions {
		if ref.Order >= order {
			id, order = known, ref.Order
		}
	}
	return id
}

// LastRevision is the revision that went live last, nil where none ever did.
func (s *Store) LastRevision(ctx context.Context) (*engine.Revision, error) {
	all, err := s.Revisions(ctx)
	if err != nil || len(all) == 0 {
		return nil, err
	}
	return s.Revision(ctx, all[0].ID)
}

// Revision returns an archived revision with its files, nil where there is none
// of that id.
func (s *Store) Revision(ctx context.Context, id string) (*engine.Revision, error) {
	if rev := s.archive.unsaved(id); rev != nil {
		return rev, nil
	}
	ref, r, err := archived(ctx, s, s.archive.revisions, id)
	if err != nil || r == nil {
		return nil, err
	}
	rev := ref.revision(id)
	rev.Files, err = filesOf(s.file, id, r)
	if err != nil && !s.archive.knows(id) {
		return nil, nil // retention took it meanwhile
	}
	return &rev, err
}

// Revisions lists the archived revisions without their files, the one that went
// live last first.
func (s *Store) Revisions(ctx context.Context) ([]engine.Revision, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.archive.mu.Lock()
	defer s.archive.mu.Unlock()
	type ordered struct {
		rev   engine.Revision
		order uint64
	}
	all := make([]ordered, 0, len(s.archive.revisions))
	for id, ref := range s.archive.revisions {
		all = append(all, ordered{ref.revision(id), ref.Order})
	}
	slices.SortFunc(all, func(a, b ordered) int { return cmp.Compare(b.order, a.order) })
	out := make([]engine.Revision, len(all))
	for i, o := range all {
		out[i] = o.rev
	}
	return out, nil
}
