package boltfile_test

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"switchboard/engine/history/boltfile"
)

var bucket = []byte("b")

// made is a new file with size bytes in it.
func made(t *testing.T, size int) string {
	path := filepath.Join(t.TempDir(), "file.db")
	err := boltfile.Create(path, options, func(tx *bbolt.Tx) error {
		b, err := tx.CreateBucket(bucket)
		return errors.Join(err, b.Put([]byte("k"), make([]byte, size)))
	})
	if err != nil {
		t.Fatal(err)
	}
	return path
}

var options = boltfile.Options{Wait: 20 * time.Millisecond, Mmap: 1 << 20}

func readOnly() boltfile.Options {
	o := options
	o.ReadOnly = true
	return o
}

func TestFailuresToOpenAreOfThreeKinds(t *testing.T) {
	path := made(t, 10)
	db, err := boltfile.Open(path, options)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := boltfile.Open(path, options); !errors.Is(err, boltfile.ErrInUse) {
		t.Errorf("a file in use: %v", err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{"short": []byte("SQLite"), "long": bytes.Repeat([]byte("no database "), 4096)} {
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := boltfile.Open(path, options); !errors.Is(err, boltfile.ErrCorrupt) {
			t.Errorf("%s: %v", name, err)
		}
	}
	_, err = boltfile.Open(t.TempDir(), options)
	if err == nil || errors.Is(err, boltfile.ErrCorrupt) || errors.Is(err, boltfile.ErrInUse) {
		t.Errorf("a folder: %v", err)
	}
}

func TestOthersMayNotReadAFileThatIsWritten(t *testing.T) {
	path := made(t, 10)
	for _, c := range []struct {
		o    boltfile.Options
		want fs.FileMode
	}{{readOnly(), 0o644}, {options, 0o600}} {
		if err := os.Chmod(path, 0o644); err != nil {
			t.Fatal(err)
		}
		db, err := boltfile.Open(path, c.o)
		if err != nil {
			t.Fatal(err)
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		if st, err := os.Stat(path); err != nil || st.Mode().Perm() != c.want {
			t.Errorf("%+v: mode %v, %v", c.o, st.Mode(), err)
		}
	}
}

func TestANewFileIsWholeOrNotThere(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file.db")
	broken := errors.New("broken")
	if err := boltfile.Create(path, options, func(*bbolt.Tx) error { return broken }); !errors.Is(err, broken) {
		t.Errorf("what the filling failed by: %v", err)
	}
	if left, err := os.ReadDir(filepath.Dir(path)); len(left) != 0 || err != nil {
		t.Errorf("left behind: %v, %v", left, err)
	}
	for _, want := range []error{nil, fs.ErrExist} {
		if err := boltfile.Create(path, options, func(*bbolt.Tx) error { return nil }); !errors.Is(err, want) {
			t.Errorf("created: %v, want %v", err, want)
		}
	}
}

func TestAFileCutShortIsCorruptAndNoFault(t *testing.T) {
	path := made(t, 1<<20)
	if err := os.Truncate(path, 5*int64(os.Getpagesize())); err != nil {
		t.Fatal(err)
	}
	db, err := boltfile.Open(path, readOnly())
	if err == nil {
		defer db.Close()
		err = boltfile.Inspect(db, func(tx *bbolt.Tx) error {
			t.Error("it was read")
			return nil
		})
	}
	if !errors.Is(err, boltfile.ErrCorrupt) {
		t.Errorf("%v", err)
	}
}

func TestInspectTakesAPanicForDamageAndAnErrorForItself(t *testing.T) {
	db, err := boltfile.Open(made(t, 10), options)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := boltfile.Inspect(db, func(*bbolt.Tx) error { panic("page 7") }); !errors.Is(err, boltfile.ErrCorrupt) {
		t.Errorf("a panic: %v", err)
	}
	want := errors.New("not mine")
	if err := boltfile.Inspect(db, func(*bbolt.Tx) error { return want }); !errors.Is(err, want) || errors.Is(err, boltfile.ErrCorrupt) {
		t.Errorf("an error: %v", err)
	}
}

func TestFilesAreSetAsideUnderNamesOfTheirOwn(t *testing.T) {
	now := time.Date(2025, 11, 22, 12, 0, 0, 0, time.UTC)
	path := filepath.Join(t.TempDir(), "file.db")
	for _, want := range []string{".corrupt-20251122T120000Z", ".corrupt-20251122T120000Z-2", ".corrupt-20251122T120000Z-3"} {
		if err := os.WriteFile(path, []byte(want), 0o600); err != nil {
			t.Fatal(err)
		}
		aside, err := boltfile.SetAside(path, now)
		if err != nil || aside != path+want || boltfile.Exists(path) || boltfile.Size(aside) != int64(len(want)) {
			t.Errorf("%q, %v; want %q", aside, err, path+want)
		}
	}
}

func TestACopyIsTheFileAndReplacesNone(t *testing.T) {
	path := made(t, 5<<20) // more than is synced at once
	db, err := boltfile.Open(path, options)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for name, copyTo := range map[string]func(context.Context, *bbolt.DB, string) error{"alone": boltfile.Copy, "beside": boltfile.CopyBeside} {
		t.Run(name, func(t *testing.T) { copyIsTheFile(t, db, path+"."+name, copyTo) })
	}
}

func copyIsTheFile(t *testing.T, db *bbolt.DB, to string, copyTo func(context.Context, *bbolt.DB, string) error) {
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if err := copyTo(gone, db, to); !errors.Is(err, context.Canceled) || boltfile.Exists(to) {
		t.Errorf("a copy nobody waits for: %v", err)
	}
	if err := copyTo(t.Context(), db, to); err != nil {
		t.Fatal(err)
	}
	if err := copyTo(t.Context(), db, to); !errors.Is(err, fs.ErrExist) {
		t.Errorf("over another file: %v", err)
	}
	again, err := boltfile.Open(to, readOnly())
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	err = boltfile.Inspect(again, func(tx *bbolt.Tx) error {
		if n := len(tx.Bucket(bucket).Get([]byte("k"))); n != 5<<20 {
			t.Errorf("%d bytes", n)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

// Room ahead is not part of the database: what is written next uses it.
func TestRoomAheadIsFilledAndUsed(t *testing.T) {
	path := made(t, 10)
	db, ahead, err := boltfile.OpenAhead(path, 1<<20, options)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	ahead.Fill()
	full := boltfile.Size(path)
	if full <= 1<<20 {
		t.Errorf("%d bytes with room ahead", full)
	}
	for range 3 {
		ahead.Fill() // there is room left
	}
	err = db.Update(func(tx *bbolt.Tx) error { return tx.Bucket(bucket).Put([]byte("more"), make([]byte, 64<<10)) })
	if err != nil {
		t.Fatal(err)
	}
	if now := boltfile.Size(path); now != full {
		t.Errorf("the file grew from %d to %d", full, now)
	}
}

func TestKeysAreInTheOrderOfTheirNumbers(t *testing.T) {
	numbers := []uint64{0, 1, 255, 256, 1 << 40, 1<<64 - 1}
	for i, n := range numbers {
		if got := boltfile.Number(boltfile.Key(n)); got != n {
			t.Errorf("%d became %d", n, got)
		}
		if i > 0 && bytes.Compare(boltfile.Key(numbers[i-1]), boltfile.Key(n)) >= 0 {
			t.Errorf("the key of %d is not below that of %d", numbers[i-1], n)
		}
	}
	if n := boltfile.Number([]byte("seven b")); n != 0 {
		t.Errorf("no key is %d", n)
	}
}

func TestBeforeIsTheLastKeyBelow(t *testing.T) {
	db, err := boltfile.Open(made(t, 10), options)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	err = db.Update(func(tx *bbolt.Tx) error {
		b, err := tx.CreateBucket([]byte("numbers"))
		for _, n := range []uint64{10, 20, 30} {
			err = errors.Join(err, b.Put(boltfile.Key(n), nil))
		}
		for _, c := range []struct{ below, want uint64 }{{10, 0}, {11, 10}, {20, 10}, {30, 20}, {31, 30}, {1 << 40, 30}} {
			if k, _ := boltfile.Before(b.Cursor(), c.below); boltfile.Number(k) != c.want {
				t.Errorf("below %d is %d, want %d", c.below, boltfile.Number(k), c.want)
			}
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

func TestACompactedCopyHasNoFreePages(t *testing.T) {
	path := made(t, 1<<20)
	db, err := boltfile.Open(path, options)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	err = db.Update(func(tx *bbolt.Tx) error { return tx.Bucket(bucket).Put([]byte("k"), []byte("small")) })
	if err != nil {
		t.Fatal(err)
	}
	tmp, err := boltfile.Compacted(db, path, options, func(done, total int64) {
		if done > total {
			t.Errorf("%d bytes of %d", done, total)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if filepath.Dir(tmp) != filepath.Dir(path) || boltfile.Size(tmp) > boltfile.Size(path)/2 {
		t.Errorf("%s has %d bytes of %d", tmp, boltfile.Size(tmp), boltfile.Size(path))
	}
	again, err := boltfile.Open(tmp, readOnly())
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	if err := boltfile.Inspect(again, func(tx *bbolt.Tx) error {
		if got := tx.Bucket(bucket).Get([]byte("k")); string(got) != "small" {
			t.Errorf("it holds %q", got)
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
}
