package history

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"go.etcd.io/bbolt"

	"switchboard/engine/history/boltfile"
)

// Progress is told how far long work is, and of how much; a total of zero is
// unknown. It may be nil.
type Progress func(done, total int64)

func (p Progress) at(done, total int64) {
	if p != nil {
		p(done, total)
	}
}

// CompactFile writes the database at src, which no process may have open, to a
// new file at dst without the room that deleted records left.
func CompactFile(src, dst string) error {
	l, err := readOnly(src)
	if err != nil {
		return err
	}
	defer l.db.Close()
	if boltfile.Exists(dst) {
		return fmt.Errorf("%s exists already; remove it or name another file: %w", dst, os.ErrExist)
	}
	tmp, err := compacted(l.db, dst, nil)
	if err != nil {
		return err
	}
	defer os.Remove(tmp)
	return boltfile.Publish(tmp, dst)
}

// Compact makes a database that no process has open, and its index, as small as
// what is in them: the bytes of what was deleted, erased or rewritten are gone
// then. Each is written anew and takes the old one's place at once; a crash
// leaves the one or the other. It needs room for both copies.
//
// An index that is damaged is removed; the next start makes it anew. The error is
// ErrInUse, ErrNewerFormat, ErrNotOurs, ctx's, or the operating system's.
func Compact(ctx context.Context, path string, progress Progress) error {
	l, err := exclusive(path)
	if err != nil {
		return err
	}
	// Open until the new files have their names: no server starts in between.
	defer l.db.Close()
	if err := compactIndex(IndexPath(path), l.id); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	tmp, err := compacted(l.db, path, progress)
	if err != nil {
		return err
	}
	defer os.Remove(tmp)
	if err := sameLog(tmp, l); err != nil {
		return fmt.Errorf("the compacted copy is not what the database is, which stays as it was: %w", err)
	}
	if err := os.Rename(tmp, path); err != nil {
		return err
	}
	return boltfile.SyncFolder(path)
}

// exclusive opens a log that is there for nobody else.
func exclusive(path string) (*logFile, error) {
	if _, err := os.Stat(path); err != nil {
		return nil, fmt.Errorf("the database can't be read: %w", err)
	}
	db, err := boltfile.Open(path, defaults().bolt(false))
	if err != nil {
		return nil, err
	}
	l, err := readLog(db)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", path, err), db.Close())
	}
	return l, nil
}

func compactIndex(path, log string) error {
	if !boltfile.Exists(path) {
		return nil
	}
	db, err := boltfile.Open(path, defaults().bolt(false))
	if errors.Is(err, boltfile.ErrCorrupt) {
		return os.Remove(path)
	}
	if err != nil {
		return err
	}
	tmp, err := compacted(db, path, nil)
	if errors.Is(err, boltfile.ErrPanic) {
		return errors.Join(db.Close(), os.Remove(path))
	}
	if err != nil {
		return errors.Join(err, db.Close())
	}
	defer os.Remove(tmp)
	return errors.Join(os.Rename(tmp, path), db.Close(), boltfile.SyncFolder(path))
}

// compacted writes a copy of a database without its free pages to a new file
// beside path.
func compacted(db *bbolt.DB, path string, progress Progress) (tmp string, err error) {
	tmp, err = boltfile.Beside(path)
	if err != nil {
		return "", err
	}
	defer func() {
		if err != nil {
			err = fmt.Errorf("the database %s can't be compacted: %w", db.Path(), errors.Join(err, os.Remove(tmp)))
		}
	}()
	t := defaults()
	t.mmap = 0
	out, err := boltfile.Open(tmp, t.bolt(false))
	if err != nil {
		return "", err
	}
	defer watchSize(tmp, boltfile.Size(db.Path()), progress)()
	const perTransaction = 4 << 20
	err = boltfile.Guard(func() error { return bbolt.Compact(out, db, perTransaction) })
	return tmp, errors.Join(err, out.Close())
}

// watchSize tells how a file grows towards a size, until it is stopped.
func watchSize(path string, total int64, progress Progress) (stop func()) {
	if progress == nil {
		return func() {}
	}
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		tick := time.NewTicker(100 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				progress(min(boltfile.Size(path), total), total)
			case <-done:
				return
			}
		}
	}()
	return func() { close(done); <-ended }
}

// sameLog compares what a copy of a log and the log say of themselves.
func sameLog(path string, l *logFile) error {
	c, err := readOnly(path)
	if err != nil {
		return err
	}
	if c.id != l.id || c.first != l.first || c.last != l.last || c.trimmed != l.trimmed {
		err = fmt.Errorf("records %d to %d became %d to %d", l.first, l.last, c.first, c.last)
	}
	return errors.Join(err, c.db.Close())
}
