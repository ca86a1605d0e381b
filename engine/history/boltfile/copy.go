package boltfile

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"go.etcd.io/bbolt"
)

// Copy writes a consistent copy of db to a new file at path. The read
// transaction lasts as long as the disk takes to write, never longer.
func Copy(ctx context.Context, db *bbolt.DB, path string) error {
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
	return Publish(tmp, path)
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
