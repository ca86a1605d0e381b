package history

import (
	"context"
	"fmt"

	"go.etcd.io/bbolt"

	"switchboard/engine"
	"switchboard/engine/failpoint"
	"switchboard/engine/history/journal"
	"switchboard/engine/history/pieces"
)

// parcel is the files of a revision on their way to the disk. The zero value is
// of one that is there.
type parcel struct {
	set       *pieces.Set
	unwritten int // bytes that are left for the record's commit
}

// parcel brings the files of a revision to the disk, as far as they are not there,
// before its record is queued: in many small transactions, between the commits of
// calls. All files of a large set in one record were 11 MB in one commit, which
// calls waited for.
//
// Where the disk does not take them, or not in time, what is left goes with the
// record, which is tried until it is there. A crash in between leaves pieces that
// no revision lists: the same set finds them there, and the next start takes them
// away otherwise (see [Store.sweepPieces]).
func (s *Store) parcel(ctx context.Context, files map[string][]byte) (*parcel, error) {
	if len(files) == 0 {
		return &parcel{}, nil
	}
	set, err := pieces.Of(files)
	if err != nil {
		return nil, err
	}
	p := &parcel{set: set}
	if p.unwritten, err = set.Pack(s.file.View); err != nil {
		return nil, err
	}
	for _, part := range set.Parts() {
		err := failpoint.Before(failpoint.ReloadPieces, func() error { return s.journal.Beside(ctx, part.Put) })
		if err != nil {
			s.log.Warn("the disk does not take the files of a policy set; they wait with its record", "error", err)
			return p, nil
		}
	}
	p.unwritten = 0
	return p, nil
}

func (p *parcel) list() []pieces.Name {
	if p.set == nil {
		return nil
	}
	return p.set.List
}

func (p *parcel) put(tx *bbolt.Tx) error {
	if p.set == nil {
		return nil
	}
	return p.set.Put(tx)
}

// filesOf returns the files of an archived revision by its record.
func filesOf(l *journal.File, id string, r *record) (map[string][]byte, error) {
	switch {
	case r.Revision == nil:
		return nil, errMissing(id)
	case len(r.Files) == 0:
		return r.Revision.Files, nil
	}
	files, err := pieces.Files(l.View, r.Files)
	if err != nil {
		return nil, fmt.Errorf("the archived policy set %s can't be read; verify the database: %w", id, err)
	}
	return files, nil
}

// unsaved is a revision that waits for the disk, with its files; nil where it is
// there or unknown.
func (a *archive) unsaved(id string) *engine.Revision {
	a.settle()
	a.mu.Lock()
	defer a.mu.Unlock()
	w, waits := a.waiting[id]
	ref, known := a.revisions[id]
	if !waits || !known {
		return nil
	}
	rev := ref.revision(id)
	rev.Files = w.files
	return &rev
}

// settle forgets the files of those that are on disk.
func (a *archive) settle() {
	a.mu.Lock()
	defer a.mu.Unlock()
	for id, w := range a.waiting {
		select {
		case <-w.saved.Done():
			delete(a.waiting, id)
		default:
		}
	}
}
