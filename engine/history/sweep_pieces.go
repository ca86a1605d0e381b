package history

import (
	"bytes"
	"context"
	"errors"
	"slices"

	"go.etcd.io/bbolt"

	"switchboard/engine/failpoint"
	"switchboard/engine/giveway"
	"switchboard/engine/history/journal"
	"switchboard/engine/history/pieces"
)

// sweptAtOnce is how many pieces one transaction takes away.
const sweptAtOnce = 128

// sweepPieces takes away the pieces that no revision lists: of those that
// retention or an erasure took, and of sets that a crash kept from being archived.
// Whoever calls it holds the care of the log.
//
// What lies on the disk decides, not what this process remembers: before each
// step, in its transaction, the revisions that came meanwhile are looked at. A
// revision that comes later brings what it lacks (see [pieces.Set.Put]).
func (s *Store) sweepPieces(ctx context.Context) error {
	m := marking{s: s, marks: make(pieces.Marks), seen: make(map[string]string)}
	for more := true; more; {
		if err := ctx.Err(); err != nil {
			return err
		}
		more = false // also where there is no file
		if err := s.file.View(func(tx *bbolt.Tx) error { more = m.revisions(tx, 64); return nil }); err != nil {
			return err
		}
	}
	needless, err := m.marks.Unmarked(ctx, s.file.View)
	if err != nil {
		return err
	}
	for some := range slices.Chunk(needless, sweptAtOnce) {
		err := failpoint.Before(failpoint.PiecesSweep, func() error {
			return s.journal.Beside(ctx, func(tx *bbolt.Tx) error {
				m.revisions(tx, -1)
				return m.marks.Delete(tx, some)
			})
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// sweepAtStart is sweepPieces for what a crash left, or an older program, which
// takes revisions and knows nothing of pieces.
func (s *Store) sweepAtStart(ctx context.Context) {
	err := s.takeCare(ctx)
	if err == nil {
		defer s.endCare()
		giveway.Aside(func() { err = s.sweepPieces(ctx) })
	}
	if err != nil && ctx.Err() == nil {
		s.log.Warn("files that no archived policy set has any more could not be taken away; the next start tries again", "error", err)
	}
}

// marking marks the pieces that the listed revisions need.
type marking struct {
	s     *Store
	marks pieces.Marks
	seen  map[string]string // revision -> its entry, as it was when it was looked at
}

// revisions looks at the listed revisions that were not looked at, at most so
// many (fewer than none: all), and reports whether there are more.
func (m *marking) revisions(tx *bbolt.Tx, most int) (more bool) {
	c := tx.Bucket(bucketRevisions).Cursor()
	for id, entry := c.First(); id != nil; id, entry = c.Next() {
		if seen, ok := m.seen[string(id)]; ok && seen == string(entry) {
			continue
		}
		if most == 0 {
			return true
		}
		most--
		m.seen[string(id)] = string(entry)
		ref, err := getRef[revisionRef](tx.Bucket(bucketRevisions), string(id))
		if err == nil {
			err = m.record(tx, journal.Look(tx, ref.Seq))
		}
		if err != nil {
			m.s.log.Warn("the files of an archived policy set can't be told from others; verify the database", "revision", string(id), "error", err)
		}
	}
	return false
}

// record marks what a revision's record lists.
func (m *marking) record(tx *bbolt.Tx, data []byte) error {
	if data == nil {
		return errors.New("its record is missing")
	}
	if !listsFiles(data) {
		return nil
	}
	r, err := decodeRecord(data)
	if err != nil {
		return err
	}
	return m.marks.Add(tx, r.Files)
}

// listsFiles tells by how a record begins whether it is of a revision and lists
// its files. One of an early program has the files in it, which may be megabytes,
// and should not be decoded in vain.
func listsFiles(data []byte) bool {
	rest, ok := bytes.CutPrefix(data, []byte(`{"kind":"`+string(kindRevision)+`","at":`))
	return ok && bytes.HasPrefix(bytes.TrimLeft(rest, "-0123456789"), []byte(`,"files":`))
}
