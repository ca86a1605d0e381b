package journal

import (
	"errors"
	"fmt"
	"io/fs"

	"switchboard/engine/history/boltfile"
)

// errAnother: somebody else put a database where the log is, or was to be made.
var errAnother = errors.New("another database lies there than at the start; restart to use it, what is only in memory is lost then")

// later is a log that can't be begun yet, and why.
func later(path, id string, o Options, why error) *File {
	l := &File{db: boltfile.NewHandle(nil), path: path, o: o, id: id}
	l.refuse(why)
	return l
}

// openHeld opens a log that can't be written yet, and why, to read it.
func openHeld(path string, o Options, why error) (*File, error) {
	db, held, err := boltfile.OpenHeld(path, o.Bolt)
	if errors.Is(err, boltfile.ErrInUse) || errors.Is(err, boltfile.ErrCorrupt) {
		return nil, err
	}
	if err != nil {
		return nil, why // it can't even be read
	}
	l, err := read(db, o)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", path, err), why, db.Close())
	}
	l.held, l.path, l.o = held, path, o
	l.refuse(why)
	return l, nil
}

// refuse notes why the file can't be written yet, and returns that.
func (l *File) refuse(why error) error {
	if l.Absent() {
		why = fmt.Errorf("there is no database yet, and none can be made: %w", why)
	} else {
		why = fmt.Errorf("the database can only be read: %w", why)
	}
	l.refused.Store(&why)
	return why
}

// Absent reports whether there is no file yet.
func (l *File) Absent() bool { return l.db.DB() == nil }

// Refused says why the file can't be written yet, or not even made; nil where it
// can.
func (l *File) Refused() error {
	if why := l.refused.Load(); why != nil {
		return *why
	}
	return nil
}

// writable makes or opens for writing a log that could not be when it was opened.
// It is the journal's alone.
func (l *File) writable() error {
	if l.Refused() == nil {
		return nil
	}
	if l.Absent() {
		if err := create(l.path, l.id, l.o); err != nil && !errors.Is(err, fs.ErrExist) {
			return l.refuse(err)
		}
		// What has its name may be our own, from a time when only its folder could not
		// be written.
	}
	made, err := openAppending(l.path, l.id, l.o, l.held)
	if err == nil && (made.id != l.id || made.last != l.last) {
		err = errors.Join(errAnother, made.Close())
	}
	if err != nil {
		return l.refuse(err)
	}
	l.ahead, l.held = made.ahead, nil
	err = l.db.Replace(made.db.DB())
	l.refused.Store(nil)
	return err
}
