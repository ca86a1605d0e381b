package boltfile

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"go.etcd.io/bbolt"
)

// Copy writes a consistent copy of db to a new file at path. The read
// transaction lasts as long as the disk takes to write, never longer.
func Copy(ctx context.Context, db *bbolt.DB, path string) error {
	return copyTo(db, path, &untilDone{ctx: ctx})
}

// CopyBeside is Copy for a db that is written to meanwhile: it leaves the disk to
// others for half of the time, and takes twice as long.
func CopyBeside(ctx context.Context, db *bbolt.DB, path string) error {
	return copyTo(db, path, &untilDone{ctx: ctx, paused: true, began: time.Now()})
}

func copyTo(db *bbolt.DB, path string, to *untilDone) error {
	if Exists(path) {
		return fmt.Errorf("%s exists already; remove it or name another file: %w", path, fs.ErrExist)
	}
	tmp, err := Beside(path)
	if err != nil {
		return err
	}
	defer os.Remove(tmp)
	f, err := os.OpenFile(tmp, os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	err = Guard(func() error {
		return db.View(func(tx *bbolt.Tx) error {
			to.f = f
			_, err := tx.WriteTo(to)
			return err
		})
	})
	if err != nil && to.failed != nil {
		err = to.failed // bbolt does not wrap it
	}
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("the copy %s can't be written: %w", path, err)
	}
	return Publish(tmp, path)
}

// copySync is how much of a copy waits for the disk at once, in bytes: the log's
// own syncs stand behind that, and not behind the whole copy.
const copySync = 256 << 10

// untilDone stops a copy whose reader went away.
type untilDone struct {
	ctx     context.Context
	f       *os.File
	failed  error // what the last write came to
	waiting int
	paused  bool      // after each piece for as long as that took
	began   time.Time // with the piece at hand
}

func (w *untilDone) Write(p []byte) (n int, err error) {
	defer func() { w.failed = err }()
	if err := w.ctx.Err(); err != nil {
		return 0, err
	}
	n, err = w.f.Write(p)
	if w.waiting += n; w.waiting >= copySync && err == nil {
		w.waiting, err = 0, w.f.Sync()
		w.pause()
	}
	return n, err
}

// maxPause bounds a pause between two pieces, where the disk stood still.
const maxPause = 200 * time.Millisecond

func (w *untilDone) pause() {
	if !w.paused {
		return
	}
	wait := time.NewTimer(min(time.Since(w.began), maxPause))
	defer wait.Stop()
	select {
	case <-wait.C:
	case <-w.ctx.Done():
	}
	w.began = time.Now()
}
