package boltfile

import (
	"os"

	"go.etcd.io/bbolt"
)

// Ahead writes zeros behind the used part of a bbolt file, so that its growth
// lands on blocks that the file system has given it already. A sync then only
// writes the blocks themselves. Without that it must wait for the file system's
// journal, and with that for what others wrote meanwhile: the log's commits
// waited for the index.
type Ahead struct {
	db   *bbolt.DB
	file *os.File
	step int64 // bytes written at once
	upTo int64 // the file is filled up to here, as far as this process did it
	rest int   // fills to leave out, for the disk did not take the last one
}

// OpenAhead opens a bbolt file for writing with zeros ahead, step bytes at once.
func OpenAhead(path string, step int64, o Options) (*bbolt.DB, *Ahead, error) {
	return openAhead(path, step, o, func() {})
}

// openAhead is OpenAhead that tells when the file is open and not locked yet.
func openAhead(path string, step int64, o Options, opened func()) (*bbolt.DB, *Ahead, error) {
	a := &Ahead{step: step}
	db, err := open(path, o, func(f *os.File) { a.file = f; opened() })
	a.db = db
	return db, a, err
}

// zeros is what is written; it is never changed.
var zeros [1 << 20]byte

// Fill writes the next zeros where few are left. It is no harm where it does
// not: bbolt then grows the file by itself, as it does for a transaction that is
// larger than what lies ahead.
func (a *Ahead) Fill() {
	if a.rest > 0 {
		a.rest--
		return
	}
	// A transaction of our own keeps others from using what is written to.
	err := Guard(func() error {
		tx, err := a.db.Begin(true)
		if err != nil {
			return err
		}
		defer tx.Rollback() //nolint:errcheck // there is nothing to lose
		a.upTo = max(a.upTo, tx.Size())
		if a.upTo-tx.Size() >= a.step/2 {
			return nil
		}
		for end := a.upTo + a.step; a.upTo < end; {
			n, err := a.file.WriteAt(zeros[:min(end-a.upTo, int64(len(zeros)))], a.upTo)
			a.upTo += int64(n)
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil { // a full disk, most likely: what room there is belongs to records
		a.rest = 1000
	}
}
