package history_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"switchboard/engine"
	"switchboard/engine/history"
)

func TestRestore(t *testing.T) {
	path := filled(t)
	copied := filepath.Join(t.TempDir(), "copy")
	if err := history.BackupFile(t.Context(), path, copied); err != nil {
		t.Fatal(err)
	}
	s, err := history.OpenTuned(options(t, path))
	if err != nil {
		t.Fatal(err)
	}
	route(t, s, "later", caller, number(1), did)
	if _, err := history.Restore(t.Context(), copied, path, noon, nil); !errors.Is(err, history.ErrInUse) {
		t.Errorf("over a database in use: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	later := read(t, path)
	aside, err := history.Restore(t.Context(), copied, path, noon, nil)
	if err != nil {
		t.Fatal(err)
	}
	if aside != path+".before-restore-20251122T120000Z" || read(t, aside) != later {
		t.Errorf("the old database lies at %q", aside)
	}
	equal(t, "index", verify(t, path).Index, history.IndexAbsent)
	again, err := history.Restore(t.Context(), copied, path, noon, nil)
	if err != nil || again == aside {
		t.Errorf("again in the same second: %q, %v", again, err)
	}
	s = open(t, options(t, path))
	eventually(t, "rebuilt", func() bool { return !s.Status().Rebuilding })
	if d, err := s.Call(t.Context(), "later"); d != nil || err != nil {
		t.Errorf("a call from after the backup: %v, %v", d, err)
	}
	equal(t, "offered", profile(t, s, engine.DIDs, did).Totals.Offered, int64(20))
}

func TestRestoreToANewPlace(t *testing.T) {
	copied, path := filled(t), newPath(t)
	aside, err := history.Restore(t.Context(), copied, path, noon, nil)
	if err != nil || aside != "" {
		t.Fatalf("%q, %v", aside, err)
	}
	verify(t, path)
	if st, err := os.Stat(path); err != nil || st.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", st.Mode(), err)
	}
	if names, _ := os.ReadDir(filepath.Dir(path)); len(names) != 1 {
		t.Errorf("it left %v", names)
	}
}

func TestADamagedCopyIsNotRestored(t *testing.T) {
	path, copied := filled(t), filled(t)
	before := read(t, path)
	damage(t, copied, func(tx *bbolt.Tx) error { return tx.Bucket([]byte("log")).Delete(key(7)) })
	bad := (*history.DamagedError)(nil)
	if _, err := history.Restore(t.Context(), copied, path, noon, nil); !errors.As(err, &bad) || !strings.Contains(err.Error(), "missing") {
		t.Errorf("a damaged copy: %v", err)
	}
	if _, err := history.Restore(t.Context(), newPath(t), path, noon, nil); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no copy: %v", err)
	}
	if read(t, path) != before {
		t.Error("the database changed all the same")
	}
}

// A database that can't be opened is what restoring is for.
func TestRestoreOverACorruptDatabase(t *testing.T) {
	copied, path := filled(t), newPath(t)
	if err := os.WriteFile(path, []byte(strings.Repeat("rubbish ", 4096)), 0o600); err != nil {
		t.Fatal(err)
	}
	aside, err := history.Restore(t.Context(), copied, path, noon, nil)
	if err != nil || !strings.HasPrefix(read(t, aside), "rubbish") {
		t.Fatalf("%q, %v", aside, err)
	}
	verify(t, path)
}

func TestCompact(t *testing.T) {
	path, c := newPath(t), newClock()
	o := options(t, path)
	o.Now, o.Retention = c.now, 24*time.Hour
	s, err := history.OpenTuned(o, func(u *history.Tuning) { u.TrimEvery = time.Hour })
	if err != nil {
		t.Fatal(err)
	}
	play(t, s, 0, 400)
	if err := history.Compact(t.Context(), path, nil); !errors.Is(err, history.ErrInUse) {
		t.Errorf("a database in use: %v", err)
	}
	c.advance(48 * time.Hour)
	route(t, s, "young", caller, number(1), did)
	if err := s.Trim(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	size := func() (n int64) {
		for _, p := range []string{path, history.IndexPath(path)} {
			st, err := os.Stat(p)
			if err != nil {
				t.Fatal(err)
			}
			n += st.Size()
		}
		return n
	}
	before := size()
	if err := history.Compact(t.Context(), path, nil); err != nil {
		t.Fatal(err)
	}
	if after := size(); after > before/2 {
		t.Errorf("%d bytes became %d", before, after)
	}
	for i := range 7 {
		if strings.Contains(read(t, history.IndexPath(path)), number(i)) && i != 1 {
			t.Errorf("the index still holds %s, of whom retention took every call", number(i))
		}
	}
	equal(t, "index", verify(t, path).Index, history.IndexEqual)
	if names, _ := os.ReadDir(filepath.Dir(path)); len(names) != 2 {
		t.Errorf("it left %v", names)
	}
	s = open(t, o)
	equal(t, "no rebuild", s.Status().Rebuilding, false)
	equal(t, "offered", profile(t, s, engine.DIDs, did).Totals.Offered, int64(1))
}

// An index that can't be read is no reason not to compact.
func TestCompactWithADamagedIndex(t *testing.T) {
	path := filled(t)
	if err := os.WriteFile(history.IndexPath(path), []byte(strings.Repeat("rubbish ", 4096)), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := history.Compact(t.Context(), path, nil); err != nil {
		t.Fatal(err)
	}
	equal(t, "index", verify(t, path).Index, history.IndexAbsent)
}

// Whoever waits for the lock of a file that is replaced meanwhile opens the new
// one: a server must not write to a file without a name.
func TestAServerThatWaitsForACompaction(t *testing.T) {
	path := filled(t)
	held, err := bbolt.Open(path, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	opened := make(chan error, 1)
	var s *history.Store
	go func() {
		var err error
		s, err = history.OpenTuned(options(t, path), func(u *history.Tuning) { u.LockWait = 20 * time.Second })
		opened <- err
	}()
	next := filled(t)
	if err := os.Rename(next, path); err != nil {
		t.Fatal(err)
	}
	if err := held.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-opened; err != nil {
		t.Fatal(err)
	}
	route(t, s, "after", caller, number(1), did)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, options(t, path))
	eventually(t, "rebuilt", func() bool { return !s.Status().Rebuilding })
	if d, err := s.Call(t.Context(), "after"); d == nil || err != nil {
		t.Errorf("the call went to a file without a name: %v, %v", d, err)
	}
}
