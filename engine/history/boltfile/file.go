package boltfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime/debug"
	"time"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"

	"switchboard/engine/failpoint"
)

// ErrInUse: another process, or another database of this one, has the file open.
var ErrInUse = errors.New("the database is in use by another process; stop that one first, or name another file")

// ErrCorrupt: the file's content can't be a database's.
var ErrCorrupt = errors.New("the file is corrupt")

// ErrPanic: bbolt stumbled over what it read.
var ErrPanic = errors.New("reading the database failed badly")

// Options say how a file is opened.
type Options struct {
	ReadOnly bool
	Wait     time.Duration // how long for another process to let go of it
	Mmap     int           // bytes mapped at opening, so that growing rarely waits for readers
}

// Guard runs f and turns its panic into an error. bbolt panics over pages it
// can't make sense of, and a page behind the end of a truncated file faults.
func Guard(f func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%w: %v", ErrPanic, p)
		}
	}()
	return f()
}

// Open opens a bbolt file and puts failures into kinds: ErrInUse,
// ErrCorrupt, or as the operating system said it.
//
// The freelist is synced although that costs a page a commit: without it bbolt
// looks at every page of the file when it opens, which takes seconds at a
// million calls, and does so in a goroutine whose panic over a corrupt file
// can't be caught.
func Open(path string, o Options) (db *bbolt.DB, err error) { return open(path, o, nil) }

// open tells of the file that bbolt opens where told is not nil.
//
// A file that was given another name while it waited for the lock (a compaction
// replaces it) is opened again under its own.
func open(path string, o Options, told func(*os.File)) (db *bbolt.DB, err error) {
	for {
		var opened os.FileInfo
		db, err = openOnce(path, o, told, &opened)
		if now, serr := os.Stat(path); err != nil || serr != nil || opened == nil || os.SameFile(opened, now) {
			return db, err
		}
		if err := db.Close(); err != nil {
			return nil, err
		}
	}
}

func openOnce(path string, o Options, told func(*os.File), opened *os.FileInfo) (db *bbolt.DB, err error) {
	private := func(name string, flag int, mode os.FileMode) (*os.File, error) {
		f, err := openPrivate(name, flag, mode)
		if err == nil {
			*opened, err = f.Stat()
		}
		if err == nil && told != nil {
			told(f)
		}
		return f, err
	}
	err = Guard(func() (err error) {
		db, err = bbolt.Open(path, 0o600, &bbolt.Options{
			Timeout: o.Wait, ReadOnly: o.ReadOnly, InitialMmapSize: o.Mmap,
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
		errors.Is(err, bolterrors.ErrVersionMismatch), errors.Is(err, ErrPanic), torn(path, err):
		return nil, fmt.Errorf("%s: %w: %w", path, ErrCorrupt, err)
	}
	return nil, fmt.Errorf("the database %s can't be opened: %w%s", path, err, rightsHint(path, err))
}

// Inspect runs f in a transaction that reads what opening a file must know. The
// error is ErrCorrupt where the file was cut short, which to read would be a
// fault, or where bbolt stumbles over it; otherwise it is f's.
func Inspect(db *bbolt.DB, f func(*bbolt.Tx) error) error {
	err := Guard(func() error {
		return db.View(func(tx *bbolt.Tx) error {
			if have, want := Size(db.Path()), tx.Size(); have < want {
				return fmt.Errorf("%w: it has %d bytes of %d", ErrCorrupt, have, want)
			}
			return f(tx)
		})
	})
	if errors.Is(err, ErrPanic) {
		return fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	return err
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

// Create makes a new file at path that either has all that fill puts into
// it or does not exist: a half-made file would be corrupt at the next start.
func Create(path string, o Options, fill func(*bbolt.Tx) error) error {
	if err := failpoint.Here(failpoint.CreateBeside); err != nil {
		return err
	}
	tmp, err := Beside(path)
	if err != nil {
		return err
	}
	defer os.Remove(tmp)
	o.Mmap = 0
	db, err := Open(tmp, o)
	if err != nil {
		return err
	}
	err = failpoint.Here(failpoint.CreateFill)
	if err == nil {
		err = db.Update(fill)
	}
	if err := errors.Join(err, db.Close()); err != nil {
		return fmt.Errorf("the database %s can't be created: %w", path, err)
	}
	if err := failpoint.Here(failpoint.CreatePublish); err != nil {
		return err
	}
	return Publish(tmp, path)
}
