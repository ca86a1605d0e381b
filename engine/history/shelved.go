package history

import (
	"context"
	"errors"
	"slices"

	"switchboard/engine"
	"switchboard/engine/history/journal"
)

// Shelved is the log of a database that no process has open, for reading alone.
// No byte of the file is changed, no index is needed, and a server that wants
// the file is refused as long as it is open.
type Shelved struct {
	o       Options
	log     *journal.File
	archive archive
}

// OpenShelved opens such a log. The errors are those of [Open], but that a
// corrupt file stays where it is.
func OpenShelved(o Options) (*Shelved, error) {
	if err := o.validate(); err != nil {
		return nil, err
	}
	l, err := readOnly(o.Path)
	if err != nil {
		return nil, err
	}
	s := &Shelved{o: o.withDefaults(), log: l}
	if err := s.archive.open(l); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return s, nil
}

// Timeline tells the log from its oldest record to its newest. Close it before
// the log.
func (s *Shelved) Timeline(ctx context.Context) (*Timeline, error) {
	return newTimeline(ctx, s.log, s.o, defaults())
}

// Revision returns an archived policy set with its files, nil where there is none
// of that id.
func (s *Shelved) Revision(_ context.Context, id string) (*engine.Revision, error) {
	ref, ok := s.archive.revisions[id]
	if !ok {
		return nil, nil
	}
	r, err := recordAt(s.log, ref.Seq)
	if err != nil {
		return nil, err
	}
	if r == nil {
		return nil, errMissing(id)
	}
	rev := ref.revision(id)
	rev.Files, err = filesOf(s.log, id, r)
	return &rev, err
}

// Revisions are the ids of the archived policy sets, the one that went live last
// first.
func (s *Shelved) Revisions() (ids []string) {
	for id := range s.archive.revisions {
		ids = append(ids, id)
	}
	slices.SortFunc(ids, func(a, b string) int {
		return int(int64(s.archive.revisions[b].Order) - int64(s.archive.revisions[a].Order))
	})
	return ids
}

// Close lets go of the file.
func (s *Shelved) Close() error { return s.log.Close() }
