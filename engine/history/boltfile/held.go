package boltfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"go.etcd.io/bbolt"
)

// Held is the lock of a file that can only be read so far. As long as it is held
// no other process opens the file: to write it, or to answer calls from it as
// well.
type Held struct {
	file *os.File
	wait time.Duration
}

// OpenHeld opens a bbolt file to read it, as the only process. The errors are
// those of Open.
func OpenHeld(path string, o Options) (*bbolt.DB, *Held, error) {
	o.ReadOnly = true
	h := &Held{wait: o.Wait}
	db, err := open(path, o, func(f *os.File) { h.file = f })
	if err != nil {
		return nil, nil, err
	}
	if err := h.take(); err != nil { // bbolt lets others read beside
		return nil, nil, errors.Join(err, db.Close())
	}
	return db, h, nil
}

// OpenAhead is the function of that name for the file that is held, which stays
// open and held where it fails. It is let go of where the file could be opened for
// writing, in the moment before that is locked.
func (h *Held) OpenAhead(path string, step int64, o Options) (*bbolt.DB, *Ahead, error) {
	if h == nil {
		return OpenAhead(path, step, o)
	}
	if !Exists(path) { // bbolt would make a new one
		return nil, nil, fmt.Errorf("%s is not there any more: %w", path, fs.ErrNotExist)
	}
	db, ahead, err := openAhead(path, step, o, h.letGo)
	if err == nil {
		return db, ahead, nil
	}
	if taken := h.take(); taken != nil { // another process was faster
		err = taken
	}
	return nil, nil, err
}
