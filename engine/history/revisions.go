package history

import (
	"cmp"
	"context"
	"errors"
	"slices"

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
// are not written twice.
func (s *Store) SaveRevision(ctx context.Context, rev *engine.Revision) error {
	if rev == nil || rev.ID == "" {
		return errors.New("history: a revision without an ID can't be archived")
	}
	ctx, cancel := s.bounded(ctx)
	defer cancel()
	it, err := s.saveRevision(rev)
	if err != nil {
		return err
	}
	if err := it.Wait(ctx); err != nil {
		return unavailable(ctx, err)
	}
	return nil
}

func (s *Store) saveRevision(rev *engine.Revision) (*journal.Item, error) {
	a := &s.archive
	a.mu.Lock()
	defer a.mu.Unlock()
	old, known := a.revisions[rev.ID]
	written := *rev
	if known {
		written.Files = nil
	}
	data, err := (&record{Kind: kindRevision, At: s.Now().UnixNano(), Revision: &written, Was: a.latest()}).encode()
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
	it, err := s.appendAudited(data, putRef(bucketRevisions, rev.ID, ref))
	if err != nil {
		return nil, err
	}
	a.revisions[rev.ID] = ref(it.Seq)
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
	ref, r, err := archived(ctx, s, s.archive.revisions, id)
	if err != nil || r == nil {
		return nil, err
	}
	if r.Revision == nil {
		return nil, errMissing(id)
	}
	rev := ref.revision(id)
	rev.Files = r.Revision.Files
	return &rev, nil
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
