package boltfile

import (
	"errors"
	"fmt"
	"os"
	"time"

	"go.etcd.io/bbolt"
)

// Compacted writes a copy of a database without its free pages to a new file
// beside path and tells its name. progress is told of bytes written, of as many as
// the database has; it may be nil.
func Compacted(db *bbolt.DB, path string, o Options, progress func(done, total int64)) (tmp string, err error) {
	tmp, err = Beside(path)
	if err != nil {
		return "", err
	}
	defer func() {
		if err != nil {
			err = fmt.Errorf("the database %s can't be compacted: %w", db.Path(), errors.Join(err, os.Remove(tmp)))
		}
	}()
	o.Mmap, o.ReadOnly = 0, false
	out, err := Open(tmp, o)
	if err != nil {
		return "", err
	}
	defer watchSize(tmp, Size(db.Path()), progress)()
	const perTransaction = 4 << 20
	err = Guard(func() error { return bbolt.Compact(out, db, perTransaction) })
	return tmp, errors.Join(err, out.Close())
}

// watchSize tells how a file grows towards a size, until it is stopped.
func watchSize(path string, total int64, progress func(done, total int64)) (stop func()) {
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
				progress(min(Size(path), total), total)
			case <-done:
				return
			}
		}
	}()
	return func() { close(done); <-ended }
}
