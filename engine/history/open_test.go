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

func TestOptionsAreChecked(t *testing.T) {
	good := options(t, newPath(t))
	cases := map[string]func(o *history.Options){
		"Path":      func(o *history.Options) { o.Path = "" },
		"CallTTL":   func(o *history.Options) { o.CallTTL = 0 },
		"Zone":      func(o *history.Options) { o.Zone = nil },
		"Retention": func(o *history.Options) { o.Retention = -1 },
	}
	for field, spoil := range cases {
		o := good
		spoil(&o)
		if _, err := history.Open(o); err == nil || !strings.Contains(err.Error(), field) {
			t.Errorf("Open with a bad %s: %v", field, err)
		}
	}
}

func TestFilesAreForTheOwnerAlone(t *testing.T) {
	path := newPath(t)
	s := open(t, options(t, path))
	route(t, s, "c1", caller, number(1), did)
	backup := filepath.Join(t.TempDir(), "backup.db")
	if err := s.Backup(t.Context(), backup); err != nil {
		t.Fatal(err)
	}
	for _, p := range []string{path, history.IndexPath(path), backup} {
		st, err := os.Stat(p)
		if err != nil {
			t.Fatal(err)
		}
		if st.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v", filepath.Base(p), st.Mode().Perm())
		}
	}
	names, err := filepath.Glob(filepath.Join(filepath.Dir(path), "*"))
	if err != nil || len(names) != 2 {
		t.Errorf("the folder holds %v", names)
	}
}

func TestAnOpenModeIsNarrowed(t *testing.T) {
	path := filled(t)
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	open(t, options(t, path))
	if st, err := os.Stat(path); err != nil || st.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", st.Mode(), err)
	}
}

func TestOneProcessAtATime(t *testing.T) {
	path := newPath(t)
	s := open(t, options(t, path))
	began := time.Now()
	if _, err := history.OpenTuned(options(t, path)); !errors.Is(err, history.ErrInUse) {
		t.Errorf("a second Open: %v", err)
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("it took %v to say so", took)
	}
	route(t, s, "c1", caller, number(1), did) // the first is unharmed
	if err := history.BackupFile(t.Context(), path, path+".copy"); !errors.Is(err, history.ErrInUse) {
		t.Errorf("BackupFile of a file in use: %v", err)
	}
}

func TestForeignFilesAreLeftAlone(t *testing.T) {
	put := func(bucket, k, v string) func(*testing.T, string) {
		return func(t *testing.T, path string) {
			damage(t, path, func(tx *bbolt.Tx) error {
				b, err := tx.CreateBucketIfNotExists([]byte(bucket))
				if err != nil {
					return err
				}
				return b.Put([]byte(k), []byte(v))
			})
		}
	}
	cases := map[string]struct {
		make func(t *testing.T, path string)
		want error
	}{
		"newer format": {func(t *testing.T, path string) {
			s, err := history.OpenTuned(options(t, path))
			if err != nil {
				t.Fatal(err)
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			put("meta", "format", string(key(2)))(t, path)
		}, history.ErrNewerFormat},
		"another program's":     {put("users", "1", "x"), history.ErrNotOurs},
		"another's meta bucket": {put("meta", "1", "x"), history.ErrNotOurs},
		"a folder": {func(t *testing.T, path string) {
			if err := os.Mkdir(path, 0o700); err != nil {
				t.Fatal(err)
			}
		}, nil},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			path := newPath(t)
			c.make(t, path)
			_, err := history.OpenTuned(options(t, path))
			if err == nil || c.want != nil && !errors.Is(err, c.want) {
				t.Errorf("Open: %v, want %v", err, c.want)
			}
			if aside, _ := filepath.Glob(path + ".corrupt*"); len(aside) > 0 {
				t.Errorf("it was set aside as %v", aside)
			}
			if _, err := os.Stat(path); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestACorruptFileIsSetAside(t *testing.T) {
	garbage := func(b []byte) []byte { return []byte(strings.Repeat("no database ", 4000)) }
	cases := map[string]func(b []byte) []byte{
		"garbage":          garbage,
		"one byte":         func(b []byte) []byte { return b[:1] },
		"one page":         func(b []byte) []byte { return b[:4096] },
		"a page and a bit": func(b []byte) []byte { return b[:5000] },
		"truncated":        func(b []byte) []byte { return b[:5*4096] },
		"checksums": func(b []byte) []byte {
			b[100] ^= 0xff
			b[4096+100] ^= 0xff
			b[60] ^= 0xff
			b[4096+60] ^= 0xff
			return b
		},
		"zeroed middle": func(b []byte) []byte { clear(b[2*4096:]); return b },
	}
	for name, spoil := range cases {
		t.Run(name, func(t *testing.T) {
			path := filled(t)
			bad := spoil([]byte(read(t, path)))
			if err := os.WriteFile(path, bad, 0o600); err != nil {
				t.Fatal(err)
			}
			s := open(t, options(t, path))
			route(t, s, "c1", caller, number(1), did)
			equal(t, "offered", profile(t, s, engine.DIDs, did).Totals.Offered, int64(1))
			aside, _ := filepath.Glob(path + ".corrupt-*")
			if len(aside) != 1 {
				t.Fatalf("set aside: %v", aside)
			}
			if w := s.Status().Warnings; len(w) != 1 || !strings.Contains(w[0].Message, aside[0]) {
				t.Errorf("warnings %q", w)
			}
		})
	}
}

func TestAnEmptyFileIsBegun(t *testing.T) {
	path := newPath(t)
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	s := open(t, options(t, path))
	route(t, s, "c1", caller, number(1), did)
	equal(t, "warnings", s.Status().Warnings, []engine.Warning{})
}
