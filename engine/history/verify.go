package history

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"go.etcd.io/bbolt"

	"switchboard/engine/history/boltfile"
	"switchboard/engine/history/journal"
	"switchboard/engine/history/pieces"
)

// The outcomes of comparing an index with its log.
const (
	IndexEqual      = "equal"      // with what the log's tail adds, exactly the fold of the log
	IndexAbsent     = "absent"     // the next start makes it
	IndexUnfinished = "unfinished" // its rebuild was cut short; the next start makes it anew
	IndexForeign    = "foreign"    // of another log or format; the next start makes it anew
	IndexDifferent  = "different"  // Problems tell; removing the file heals it
)

// maxProblems bounds how much a report says.
const maxProblems = 100

// VerifyReport is what Verify found.
type VerifyReport struct {
	Path        string            `json:"path"`
	Bytes       int64             `json:"bytes"`
	Records     uint64            `json:"records"`
	First       uint64            `json:"first"`   // sequence number of the oldest record
	Last        uint64            `json:"last"`    // and of the newest
	Trimmed     uint64            `json:"trimmed"` // retention deleted up to this one
	Kinds       map[string]uint64 `json:"kinds"`   // records by kind
	Revisions   int               `json:"revisions"`
	Quarantined int               `json:"quarantined"`
	Index       string            `json:"index"`
	Applied     uint64            `json:"applied"` // the index is the fold up to this record
	Calls       uint64            `json:"calls"`   // in the fold of the log
	Profiles    uint64            `json:"profiles"`
	Problems    []string          `json:"problems"` // in sentences; the first hundred

	progress    Progress
	done, total int64
}

// OK reports whether nothing is wrong.
func (r *VerifyReport) OK() bool { return len(r.Problems) == 0 }

// step counts a record that was read.
func (r *VerifyReport) step() {
	r.done++
	if r.done%256 == 0 {
		r.progress.at(min(r.done, r.total), r.total)
	}
}

func (r *VerifyReport) problem(format string, args ...any) {
	if len(r.Problems) < maxProblems {
		r.Problems = append(r.Problems, fmt.Sprintf(format, args...))
	}
}

// Verify checks a database that no process has open: the pages of log and
// index, that every record can be read, that none is missing, and that the index
// is what a fresh fold of the log gives. It changes no byte of either; it needs
// room for two more indexes in the folder for temporary files.
//
// Damage is told in the report. The error is ErrInUse, ErrNewerFormat,
// ErrNotOurs, ctx's, or the operating system's.
func Verify(ctx context.Context, path string) (VerifyReport, error) {
	return VerifyShowing(ctx, path, nil)
}

// VerifyShowing is Verify that tells how many records it has read, of
// those that it reads and folds.
func VerifyShowing(ctx context.Context, path string, progress Progress) (VerifyReport, error) {
	r := VerifyReport{progress: progress, Path: path, Bytes: boltfile.Size(path), Kinds: make(map[string]uint64), Problems: []string{}, Index: IndexAbsent}
	l, err := readOnly(path)
	if errors.Is(err, boltfile.ErrCorrupt) {
		r.problem("the database can't be opened, so that the next start sets it aside: %v", err)
		return r, nil
	}
	if err != nil {
		return r, err
	}
	r.First, r.Last, r.Trimmed = l.First(), l.Last(), l.Trimmed()
	if r.total = int64(l.Last() - l.Trimmed()); boltfile.Exists(IndexPath(path)) {
		r.total *= 2
	}
	r.pages("log", l.View)
	if err := r.records(ctx, l); err != nil {
		return r, errors.Join(err, l.Close())
	}
	if err := r.pointers(ctx, l); err != nil {
		if ctx.Err() != nil {
			return r, errors.Join(err, l.Close())
		}
		r.problem("the archive can't be read: %v", err)
	}
	// A log that does not hold together gives no fold to compare with.
	if r.OK() {
		err = r.compareIndex(ctx, l)
	}
	return r, errors.Join(err, l.Close())
}

// pages lets bbolt look at every page.
func (r *VerifyReport) pages(name string, view func(func(*bbolt.Tx) error) error) {
	err := view(func(tx *bbolt.Tx) error {
		for err := range tx.Check() {
			r.problem("the pages of the %s don't hold together: %v", name, err)
		}
		return nil
	})
	if err != nil {
		r.problem("the pages of the %s can't be read: %v", name, err)
	}
}

// records reads every record. The error is ctx's.
func (r *VerifyReport) records(ctx context.Context, l *journal.File) error {
	next, trimmed := uint64(1), l.Trimmed()
	err := l.Ascend(ctx, 0, l.Last(), func(st journal.Stored) error {
		if st.Seq > next && st.Seq-1 > trimmed {
			r.problem("the records %d to %d are missing", max(next, trimmed+1), st.Seq-1)
		}
		next = st.Seq + 1
		r.Records++
		r.step()
		rec, err := decodeRecord(st.Data)
		if err != nil {
			r.problem("record %d is damaged: %v", st.Seq, err)
			return nil
		}
		r.Kinds[string(rec.Kind)]++
		return nil
	})
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		r.problem("the log can't be read beyond record %d: %v", next-1, err)
	}
	return nil
}

// pointers checks that the archive points to what it says.
func (r *VerifyReport) pointers(ctx context.Context, l *journal.File) error {
	var a archive
	if err := a.open(l); err != nil {
		return err
	}
	whole, err := pieces.Whole(ctx, l.View)
	if err != nil {
		return err
	}
	r.Revisions, r.Quarantined = len(a.revisions), len(a.items)
	for id, ref := range a.revisions {
		rec, err := recordAt(l, ref.Seq)
		if err != nil || rec == nil || rec.Revision == nil || rec.Revision.ID != id {
			r.problem("the archived policy set %s is not at record %d", id, ref.Seq)
		} else if len(rec.Files) > 0 && whole.Lacks(l.View, rec.Files) {
			r.problem("of the archived policy set %s files are missing or damaged", id)
		}
	}
	for id, ref := range a.items {
		rec, err := recordAt(l, ref.Seq)
		if err != nil || rec == nil || rec.Quarantine == nil || rec.Quarantine.ID != id {
			r.problem("the quarantined payload %s is not at record %d", id, ref.Seq)
		}
	}
	return nil
}

func recordAt(l *journal.File, seq uint64) (*record, error) {
	data, err := l.Get(seq)
	if err != nil || data == nil {
		return nil, err
	}
	return decodeRecord(data)
}

// compareIndex folds the log anew and compares. Both sides are copies in a
// temporary folder: the index itself is not to change.
func (r *VerifyReport) compareIndex(ctx context.Context, l *journal.File) error {
	path := IndexPath(r.Path)
	if !boltfile.Exists(path) {
		return nil
	}
	db, err := boltfile.Open(path, defaults().bolt(true))
	if errors.Is(err, boltfile.ErrCorrupt) {
		r.Index = IndexDifferent
		r.problem("the index can't be opened, so that the next start makes it anew: %v", err)
		return nil
	}
	if err != nil {
		return err
	}
	defer db.Close()
	r.pages("index", func(f func(*bbolt.Tx) error) error { return boltfile.Guard(func() error { return db.View(f) }) })
	if !r.OK() {
		r.Index = IndexDifferent
		return nil
	}
	folder, err := os.MkdirTemp("", "switchboard-verify-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	live := filepath.Join(folder, "live")
	if err := boltfile.Copy(ctx, db, live); err != nil {
		return err
	}
	o, t, err := settingsOf(db)
	if err != nil {
		r.Index = IndexForeign
		return nil
	}
	return r.compareCopies(ctx, l, live, filepath.Join(folder, "fresh"), o, t)
}
