package history

import (
	"context"
	"errors"
	"os"
	"time"
)

// Rebuild makes the index of a database that no process has open anew. Open
// does so by itself where it must; this is for those who want to be sure.
func Rebuild(ctx context.Context, o Options, progress Progress) error {
	if err := o.validate(); err != nil {
		return err
	}
	l, err := readOnly(o.Path) // so that a file in use keeps its index
	if err != nil {
		return err
	}
	err = os.Remove(IndexPath(o.Path))
	if errors.Is(err, os.ErrNotExist) {
		err = nil
	}
	if err := errors.Join(err, l.Close()); err != nil {
		return err
	}
	s, err := Open(o)
	if err != nil {
		return err
	}
	return errors.Join(s.rebuilt(ctx, progress), s.Close())
}

// rebuilt returns when the index is complete.
func (s *Store) rebuilt(ctx context.Context, progress Progress) error {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for s.Status().Rebuilding {
		select {
		case <-tick.C:
			progress.at(int64(s.refolded.Load()), int64(s.file.Last()-s.file.First()+1))
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}
