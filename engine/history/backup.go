package history

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"go.etcd.io/bbolt"
)

// Backup writes a consistent copy of the database to a new file at path, mode
// 0600, while the store serves. It holds every record that was on disk when it
// began; the index is not part of it, for it can be made from the log. It fails
// where path exists, and leaves nothing behind when it fails.
func (s *Store) Backup(ctx context.Context, path string) error { return copyTo(ctx, s.file.db, path) }

// BackupFile is Backup for a database that no process has open; ErrInUse
// otherwise. It changes no byte of src.
func BackupFile(ctx context.Context, src, dst string) error {
	l, err := readOnly(src)
	if err != nil {
		return err
	}
	return errors.Join(copyTo(ctx, l.db, dst), l.db.Close())
}

// CompactFile writes the database at src, which no process may have open, to a
// new file at dst without the room that deleted records left.
func CompactFile(src, dst string) error {
	l, err := readOnly(src)
	if err != nil {
		return err
	}
	defer l.db.Close()
	if exists(dst) {
		return fmt.Errorf("%s exists already; remove it or name another file: %w", dst, os.ErrExist)
	}
	tmp, err := tempBeside(dst)
	if err != nil {
		return err
	}
	defer os.Remove(tmp)
	out, err := openBolt(tmp, false, defaults())
	if err != nil {
		return err
	}
	const perTransaction = 4 << 20
	err = guard(func() error { return bbolt.Compact(out, l.db, perTransaction) })
	if err := errors.Join(err, out.Close()); err != nil {
		return fmt.Errorf("the database %s can't be compacted: %w", src, err)
	}
	return moveNew(tmp, dst)
}

// readOnly opens a log without changing it.
func readOnly(path string) (*logFile, error) {
	if _, err := os.Stat(path); err != nil {
		return nil, fmt.Errorf("the database can't be read: %w", err)
	}
	db, err := openBolt(path, true, defaults())
	if err != nil {
		return nil, err
	}
	l, err := readLog(db)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", path, err), db.Close())
	}
	return l, nil
}

// Rebuild makes the index of a database that no process has open anew. Open
// does so by itself where it must; this is for those who want to be sure.
func Rebuild(ctx context.Context, o Options) error {
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
	if err := errors.Join(err, l.db.Close()); err != nil {
		return err
	}
	s, err := Open(o)
	if err != nil {
		return err
	}
	return errors.Join(s.rebuilt(ctx), s.Close())
}

// rebuilt returns when the index is complete.
func (s *Store) rebuilt(ctx context.Context) error {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for s.Status().Rebuilding {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}
