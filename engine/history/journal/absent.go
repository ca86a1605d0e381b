package journal

import (
	"errors"
	"fmt"
	"io/fs"
)

// errAppeared: somebody else put a database where one was to be made.
var errAppeared = errors.New("a database came to lie there after the start; restart to use it, what is only in memory is lost then")

// later is a log that can't be begun yet, and why.
func later(path, id string, o Options, why error) *File {
	l := &File{path: path, o: o, id: id}
	l.note(why)
	return l
}

func (l *File) note(why error) {
	why = fmt.Errorf("there is no database yet, and none can be made: %w", why)
	l.absent.Store(&why)
}

// Absent says why there is no file yet; nil where there is one.
func (l *File) Absent() error {
	if l.db.Load() != nil {
		return nil
	}
	return *l.absent.Load()
}

// begun begins a log that could not be begun at its opening. It is the journal's
// alone.
func (l *File) begun() error {
	if l.db.Load() != nil {
		return nil
	}
	err := create(l.path, l.id, l.o)
	if err != nil && !errors.Is(err, fs.ErrExist) {
		l.note(err)
		return l.Absent()
	}
	// What has its name may be our own, from a time when only its folder could not
	// be written.
	made, err := openAppending(l.path, l.id, l.o)
	if err == nil && (made.id != l.id || made.last > 0) {
		err = errors.Join(errAppeared, made.Close())
	}
	if err != nil {
		l.note(err)
		return l.Absent()
	}
	l.ahead = made.ahead
	l.db.Store(made.db.Load())
	return nil
}
