package history

import (
	"context"
	"errors"
	"fmt"
	"os"

	"switchboard/engine/history/boltfile"
	"switchboard/engine/history/journal"
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
	defer l.Close()
	if boltfile.Exists(dst) {
		return fmt.Errorf("%s exists already; remove it or name another file: %w", dst, os.ErrExist)
	}
	tmp, err := l.Compacted(dst, defaults().bolt(false), nil)
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
// An index that is damaged, or another version's, is removed; the next start makes
// it anew. The error is
// ErrInUse, ErrNewerFormat, ErrNotOurs, ctx's, or the operating system's.
func Compact(ctx context.Context, path string, progress Progress) error {
	l, err := journal.OpenExisting(path, defaults().logOptions(false))
	if err != nil {
		return err
	}
	// Open until the new files have their names: no server starts in between.
	defer l.Close()
	if err := compactIndex(IndexPath(path), l.ID()); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	tmp, err := l.Compacted(path, defaults().bolt(false), progress)
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

func compactIndex(path, log string) error {
	if !boltfile.Exists(path) {
		return nil
	}
	x, err := settledIndex(path, log)
	if errors.Is(err, errOther) || errors.Is(err, boltfile.ErrCorrupt) || errors.Is(err, boltfile.ErrPanic) {
		return os.Remove(path)
	}
	if err != nil {
		return err
	}
	tmp, err := boltfile.Compacted(x.db.DB(), path, defaults().bolt(false), nil)
	if errors.Is(err, boltfile.ErrPanic) {
		return errors.Join(x.close(), os.Remove(path))
	}
	if err != nil {
		return errors.Join(err, x.close())
	}
	defer os.Remove(tmp)
	return errors.Join(os.Rename(tmp, path), x.close(), boltfile.SyncFolder(path))
}

// settledIndex opens an index and settles what is in piles: there deleted values
// lie beside those that count.
func settledIndex(path, log string) (*index, error) {
	db, err := boltfile.Open(path, defaults().bolt(false))
	if err != nil {
		return nil, err
	}
	o, t, err := settingsOf(db)
	if err := errors.Join(err, db.Close()); err != nil {
		return nil, fmt.Errorf("%w: %w", errOther, err)
	}
	x, err := openIndex(path, log, o.rules(), t)
	if err != nil {
		return nil, err
	}
	if err := x.settleAll(); err != nil {
		return nil, errors.Join(err, x.close())
	}
	return x, nil
}

// sameLog compares what a copy of a log and the log say of themselves.
func sameLog(path string, l *journal.File) error {
	c, err := readOnly(path)
	if err != nil {
		return err
	}
	if c.ID() != l.ID() || c.First() != l.First() || c.Last() != l.Last() || c.Trimmed() != l.Trimmed() {
		err = fmt.Errorf("records %d to %d became %d to %d", l.First(), l.Last(), c.First(), c.Last())
	}
	return errors.Join(err, c.Close())
}
