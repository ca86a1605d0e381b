package history

import (
	"errors"
	"fmt"
	"io/fs"

	"go.etcd.io/bbolt"

	"switchboard/engine/history/boltfile"
	"switchboard/engine/history/fold"
)

// readIndex is openIndex for the index of a log that can only be read so far.
func readIndex(path, log string, r fold.Rules, t tuning) (*index, error) {
	var held *boltfile.Held
	x, err := indexAt(path, log, r, t, func() (db *bbolt.DB, _ *boltfile.Ahead, err error) {
		db, held, err = boltfile.OpenHeld(path, t.bolt(true))
		return db, nil, err
	})
	if err == nil {
		x.held = held
	}
	return x, err
}

// reading reports whether the index can only be read so far.
func (x *index) reading() bool { return x.held != nil }

// openForWriting opens an index that was only read for writing, under those who read
// it. It is the index writer's alone. The error is errOther where somebody wrote it
// meanwhile: what is in memory of it does not belong to it then.
func (x *index) openForWriting(t tuning) error {
	return t.write(func() error {
		db, ahead, err := x.held.OpenAhead(x.path, indexAhead, t.bolt(false))
		if err != nil {
			return err
		}
		was, is := transaction(x.db.View), transaction(db.View)
		if was == 0 || was != is {
			return errors.Join(errOther, db.Close())
		}
		x.ahead, x.held = ahead, nil
		return x.db.Replace(db)
	})
}

// transaction is the number of the last one that was written; zero where it can't be
// read.
func transaction(view func(func(*bbolt.Tx) error) error) (id int) {
	err := boltfile.Guard(func() error {
		return view(func(tx *bbolt.Tx) error { id = tx.ID(); return nil })
	})
	if err != nil {
		return 0
	}
	return id
}

// indexWritable reports whether the index can be written, and opens it for that
// where it could only be read so far and the log can be written by now: who has the
// log has both.
func (s *Store) indexWritable() (bool, error) {
	x := s.index
	if !x.reading() {
		return true, nil
	}
	if s.file.Refused() != nil {
		return false, nil // which status tells
	}
	err := x.openForWriting(s.tuning)
	if errors.Is(err, errOther) || errors.Is(err, boltfile.ErrCorrupt) || errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) {
		s.indexBroken(x, err) // as at a start
	}
	if err != nil {
		return false, fmt.Errorf("the index can only be read: %w", err)
	}
	return true, nil
}
