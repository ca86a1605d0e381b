package boltfile_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"go.etcd.io/bbolt"

	"switchboard/engine/history/boltfile"
)

func newFile(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "db")
	err := boltfile.Create(path, options, func(tx *bbolt.Tx) error {
		b, err := tx.CreateBucket(bucket)
		return errors.Join(err, b.Put([]byte("k"), []byte("old")))
	})
	if err != nil {
		t.Fatal(err)
	}
	return path
}

func value(h *boltfile.Handle) (v string, err error) {
	err = h.View(func(tx *bbolt.Tx) error { v = string(tx.Bucket(bucket).Get([]byte("k"))); return nil })
	return v, err
}

// A file that is held is nobody else's, before it is opened for writing and after;
// and who reads it meanwhile is waited for.
func TestAHeldFileIsOpenedForWriting(t *testing.T) {
	path := newFile(t)
	db, held, err := boltfile.OpenHeld(path, options)
	if err != nil {
		t.Fatal(err)
	}
	taken := func(when string) {
		t.Helper()
		for _, o := range []boltfile.Options{options, readOnly()} {
			if other, err := boltfile.Open(path, o); !errors.Is(err, boltfile.ErrInUse) {
				t.Errorf("%s another opens it: %v, %v", when, other, err)
			}
		}
		if other, _, err := boltfile.OpenHeld(path, options); !errors.Is(err, boltfile.ErrInUse) {
			t.Errorf("%s another holds it: %v, %v", when, other, err)
		}
	}
	taken("while it is held")
	if err := os.Rename(path, path+".away"); err != nil {
		t.Fatal(err)
	}
	if _, _, err := held.OpenAhead(path, 4096, options); !errors.Is(err, fs.ErrNotExist) || boltfile.Exists(path) {
		t.Errorf("a file that is gone: %v", err)
	}
	if err := os.Rename(path+".away", path); err != nil {
		t.Fatal(err)
	}
	taken("after a try")

	h := boltfile.NewHandle(db)
	writing, _, err := held.OpenAhead(path, 4096, options)
	if err != nil {
		t.Fatal(err)
	}
	reading, read, replaced := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	var first, again string
	go func() {
		_ = h.View(func(tx *bbolt.Tx) error {
			first = string(tx.Bucket(bucket).Get([]byte("k")))
			close(reading)
			<-read
			again = string(tx.Bucket(bucket).Get([]byte("k")))
			return nil
		})
	}()
	<-reading
	go func() { replaced <- h.Replace(writing) }()
	for h.DB() != writing {
		runtime.Gosched()
	}
	if v, err := value(h); v != "old" || err != nil {
		t.Errorf("a new reader: %q, %v", v, err)
	}
	select {
	case err := <-replaced:
		t.Errorf("a reader is not waited for: %v", err)
	default:
	}
	close(read)
	if err := <-replaced; err != nil || first != "old" || again != "old" {
		t.Errorf("replaced: %v; the reader saw %q and %q", err, first, again)
	}
	if err := h.Update(func(tx *bbolt.Tx) error { return tx.Bucket(bucket).Put([]byte("k"), []byte("new")) }); err != nil {
		t.Fatal(err)
	}
	if v, err := value(h); v != "new" || err != nil {
		t.Errorf("read back: %q, %v", v, err)
	}
	taken("once it is written")
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := value(h); err == nil {
		t.Error("a closed one is read")
	}
}

// A file that can't be opened for writing stays held.
func TestAHeldFileStaysHeld(t *testing.T) {
	path := newFile(t)
	db, held, err := boltfile.OpenHeld(path, options)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := os.Truncate(path, 100); err != nil {
		t.Fatal(err)
	}
	if _, _, err := held.OpenAhead(path, 4096, options); !errors.Is(err, boltfile.ErrCorrupt) {
		t.Errorf("a damaged file: %v", err)
	}
	if _, err := boltfile.Open(path, options); !errors.Is(err, boltfile.ErrInUse) {
		t.Errorf("another opens it: %v", err)
	}
}
