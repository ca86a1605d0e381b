package history

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/debug"
	"syscall"
	"time"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"
)

// errCorrupt: the file's content can't be a database's.
var errCorrupt = errors.New("the file is corrupt")

// errPanic: bbolt stumbled over what it read.
var errPanic = errors.New("reading the database failed badly")

// guard runs f and turns its panic into an error. bbolt panics over pages it
// can't make sense of, and a page behind the end of a truncated file faults.
func guard(f func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%w: %v", errPanic, p)
		}
	}()
	return f()
}

// openBolt opens a bbolt file and puts failures into kinds: ErrInUse,
// errCorrupt, or as the operating system said it.
//
// The freelist is synced although that costs a page a commit: without it bbolt
// looks at every page of the file when it opens, which takes seconds at a
// million calls, and does so in a goroutine whose panic over a corrupt file
// can't be caught.
//
// A file that was given another name while it waited for the lock (a compaction
// replaces it) is opened again under its own.
func openBolt(path string, readOnly bool, t tuning) (db *bbolt.DB, err error) {
	for {
		var opened os.FileInfo
		db, err = openOnce(path, readOnly, t, &opened)
		if now, serr := os.Stat(path); err != nil || serr != nil || opened == nil || os.SameFile(opened, now) {
			return db, err
		}
		if err := db.Close(); err != nil {
			return nil, err
		}
	}
}

func openOnce(path string, readOnly bool, t tuning, opened *os.FileInfo) (db *bbolt.DB, err error) {
	private := func(name string, flag int, mode os.FileMode) (*os.File, error) {
		f, err := openPrivate(name, flag, mode)
		if err == nil {
			*opened, err = f.Stat()
		}
		if err == nil && t.opened != nil {
			t.opened(f)
		}
		return f, err
	}
	err = guard(func() (err error) {
		db, err = bbolt.Open(path, 0o600, &bbolt.Options{
			Timeout: t.lockWait, ReadOnly: readOnly, InitialMmapSize: t.mmap,
			FreelistType: bbolt.FreelistMapType, NoStatistics: true, OpenFile: private,
		})
		return err
	})
	switch {
	case err == nil:
		return db, nil
	case errors.Is(err, bolterrors.ErrTimeout):
		return nil, fmt.Errorf("%s: %w", path, ErrInUse)
	case errors.Is(err, bolterrors.ErrInvalid), errors.Is(err, bolterrors.ErrChecksum),
		errors.Is(err, bolterrors.ErrVersionMismatch), errors.Is(err, errPanic), torn(path, err):
		return nil, fmt.Errorf("%s: %w: %w", path, errCorrupt, err)
	}
	return nil, fmt.Errorf("the database %s can't be opened: %w", path, err)
}

// torn reports whether a file is shorter than bbolt makes any: a page for each
// of its two heads. bbolt has no error of its own for that. Where the operating
// system refused the file (err) its content is not to blame.
func torn(path string, err error) bool {
	if refused := (*fs.PathError)(nil); errors.As(err, &refused) {
		return false
	}
	st, err := os.Stat(path)
	return err == nil && st.Mode().IsRegular() && st.Size() > 0 && st.Size() < 2*int64(os.Getpagesize())
}

// openPrivate also takes rights away from a file that others may read: it holds
// people's numbers.
func openPrivate(name string, flag int, mode os.FileMode) (*os.File, error) {
	f, err := os.OpenFile(name, flag, mode)
	if err != nil {
		return nil, err
	}
	st, err := f.Stat()
	if err == nil && st.IsDir() {
		err = &fs.PathError{Op: "open", Path: name, Err: errors.New("is a directory")}
	}
	if err == nil && flag&os.O_RDWR != 0 && st.Mode().Perm()&0o077 != 0 {
		err = f.Chmod(0o600)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// createBolt makes a new file at path that either has all that fill puts into
// it or does not exist: a half-made file would be corrupt at the next start.
func createBolt(path string, t tuning, fill func(*bbolt.Tx) error) error {
	return t.create(func() error { return createFile(path, t, fill) })
}

func createFile(path string, t tuning, fill func(*bbolt.Tx) error) error {
	tmp, err := tempBeside(path)
	if err != nil {
		return err
	}
	defer os.Remove(tmp)
	t.mmap = 0
	db, err := openBolt(tmp, false, t)
	if err != nil {
		return err
	}
	if err := errors.Join(db.Update(fill), db.Close()); err != nil {
		return fmt.Errorf("the database %s can't be created: %w", path, err)
	}
	return moveNew(tmp, path)
}

// diskFull reports whether it is for want of room, or for a disk that fails, that
// a file could not be made.
func diskFull(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) || errors.Is(err, syscall.EIO)
}

// tempBeside makes an empty file with mode 0600 in the folder of path.
func tempBeside(path string) (string, error) {
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".new-*")
	if err != nil {
		return "", fmt.Errorf("no file can be created in the folder of %s: %w", path, err)
	}
	return f.Name(), f.Close()
}

// moveNew gives tmp the name path, for good, and fails where path exists.
func moveNew(tmp, path string) error {
	// A link, and not a rename, so that two who create at once don't replace
	// each other's file.
	if err := os.Link(tmp, path); err != nil {
		if errors.Is(err, fs.ErrExist) {
			return fmt.Errorf("%s exists already; remove it or name another file: %w", path, fs.ErrExist)
		}
		if err := os.Rename(tmp, path); err != nil {
			return err
		}
	}
	return syncFolder(path)
}

// syncFolder makes the names in the folder of path durable.
func syncFolder(path string) error {
	d, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// setAside renames a corrupt file so that a new one can begin, and tells the
// new name.
func setAside(path string, now time.Time) (string, error) {
	stamp := path + ".corrupt-" + now.UTC().Format("20060102T150405Z")
	aside := stamp
	for i := 2; exists(aside); i++ {
		aside = fmt.Sprintf("%s-%d", stamp, i)
	}
	if err := os.Rename(path, aside); err != nil {
		return "", fmt.Errorf("the corrupt database %s can't be set aside: %w", path, err)
	}
	return aside, syncFolder(path)
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// copyTo writes a consistent copy of db to a new file at path. The read
// transaction lasts as long as the disk takes to write, never longer.
func copyTo(ctx context.Context, db *bbolt.DB, path string) error {
	if exists(path) {
		return fmt.Errorf("%s exists already; remove it or name another file: %w", path, fs.ErrExist)
	}
	tmp, err := tempBeside(path)
	if err != nil {
		return err
	}
	defer os.Remove(tmp)
	f, err := os.OpenFile(tmp, os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	err = guard(func() error {
		return db.View(func(tx *bbolt.Tx) error {
			_, err := tx.WriteTo(&untilDone{ctx: ctx, f: f})
			return err
		})
	})
	if err != nil && ctx.Err() != nil {
		err = ctx.Err() // bbolt does not wrap it
	}
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("the copy %s can't be written: %w", path, err)
	}
	return moveNew(tmp, path)
}

// copySync is how much of a copy waits for the disk at once, in bytes: the log's
// own syncs stand behind that, and not behind the whole copy.
const copySync = 2 << 20

// untilDone stops a copy whose reader went away.
type untilDone struct {
	ctx     context.Context
	f       *os.File
	waiting int
}

func (w *untilDone) Write(p []byte) (int, error) {
	if err := w.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := w.f.Write(p)
	if w.waiting += n; w.waiting >= copySync && err == nil {
		w.waiting, err = 0, w.f.Sync()
	}
	return n, err
}
