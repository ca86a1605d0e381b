package history_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"switchboard/engine"
	"switchboard/engine/history"
)

func TestABackupIsWholeWhileTheStoreServes(t *testing.T) {
	path := newPath(t)
	s := open(t, options(t, path))
	play(t, s, 0, 20)
	stop := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		for i := 1000; ; i += 5 {
			select {
			case <-stop:
				return
			default:
				play(t, s, i, 5)
			}
		}
	})
	var copies []string
	for _, name := range []string{"a", "b", "c"} {
		dst := filepath.Join(t.TempDir(), name)
		if err := s.Backup(t.Context(), dst); err != nil {
			t.Fatal(err)
		}
		copies = append(copies, dst)
	}
	close(stop)
	wg.Wait()
	for _, dst := range copies {
		verify(t, dst)
		b := open(t, options(t, dst))
		eventually(t, "the backup has its index", func() bool { return !b.Status().Rebuilding })
		got, err := b.Call(t.Context(), "call-3")
		if err != nil {
			t.Fatal(err)
		}
		want, err := s.Call(t.Context(), "call-3")
		if err != nil {
			t.Fatal(err)
		}
		equal(t, "a call of the backup", got, want)
	}
}

func TestABackupPutBackBesideANewerIndex(t *testing.T) {
	path := newPath(t)
	s, err := history.OpenTuned(options(t, path))
	if err != nil {
		t.Fatal(err)
	}
	play(t, s, 0, 20)
	old := path + ".old"
	if err := s.Backup(t.Context(), old); err != nil {
		t.Fatal(err)
	}
	play(t, s, 20, 20)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(old, path); err != nil {
		t.Fatal(err)
	}
	s, err = history.OpenTuned(options(t, path))
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "rebuilt", func() bool { return !s.Status().Rebuilding })
	if d, err := s.Call(t.Context(), "call-25"); d != nil || err != nil {
		t.Errorf("a call from after the backup: %v, %v", d, err)
	}
	play(t, s, 20, 30) // other records under the sequence numbers that the index knew
	want := picture(t, s)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	verify(t, path)
	s = open(t, options(t, path))
	equal(t, "history", picture(t, s), want)
}

func TestBackupsThatFailLeaveNothing(t *testing.T) {
	path := filled(t)
	folder := t.TempDir()
	dst := filepath.Join(folder, "copy")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := history.BackupFile(ctx, path, dst); !errors.Is(err, context.Canceled) {
		t.Errorf("a cancelled backup: %v", err)
	}
	if names, _ := os.ReadDir(folder); len(names) != 0 {
		t.Errorf("it left %v", names)
	}
	for name, f := range map[string]func(src, dst string) error{
		"BackupFile":  func(src, dst string) error { return history.BackupFile(t.Context(), src, dst) },
		"CompactFile": history.CompactFile,
	} {
		dst := dst + name
		if err := f(path, dst); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		verify(t, dst)
		if err := f(path, dst); !errors.Is(err, fs.ErrExist) {
			t.Errorf("%s over an existing file: %v", name, err)
		}
		if err := f(newPath(t), dst+"2"); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s of a missing file: %v", name, err)
		}
		s := open(t, options(t, dst))
		eventually(t, "rebuilt", func() bool { return !s.Status().Rebuilding })
		equal(t, name, profile(t, s, engine.DIDs, did).Totals.Offered, int64(20))
	}
}

func TestRetentionSubtractsWhatItDeletes(t *testing.T) {
	for _, written := range []string{"written behind", "in memory"} {
		t.Run(written, func(t *testing.T) {
			path := newPath(t)
			o, c := options(t, path), newClock()
			o.Now, o.Retention = c.now, 24*time.Hour
			tune := func(u *history.Tuning) { u.EpochBits, u.TrimEvery, u.TrimBatch = 4, time.Hour, 10 }
			s, err := history.OpenTuned(o, tune)
			if err != nil {
				t.Fatal(err)
			}
			play(t, s, 0, 50)
			publish(t, s, decision("long", caller, number(1), did, noon.Add(time.Minute)))
			if err := s.SaveRevision(t.Context(), &engine.Revision{ID: "old", At: noon.UnixNano(), Files: map[string][]byte{"a": {}}}); err != nil {
				t.Fatal(err)
			}
			keep(t, s, unreadable("old"))
			c.advance(25 * time.Hour)
			complete(t, s, completion("long", caller, number(1), did, c.now()))
			young := decision("young", caller, number(1), did, c.now())
			publish(t, s, young)
			if written == "written behind" {
				if err := s.Flush(t.Context()); err != nil {
					t.Fatal(err)
				}
				s.Sweep()
			}
			if err := s.Trim(t.Context()); err != nil {
				t.Fatal(err)
			}
			check := func(when string, s *history.Store) {
				t.Helper()
				calls, _ := list(t, s, engine.CallFilter{Limit: 10})
				equal(t, "calls "+when, ids(calls), []string{"young", "long"})
				equal(t, "offered in all "+when, sums(t, s, engine.StatsFilter{}).Totals.Offered, int64(2))
				equal(t, "offered "+when, profile(t, s, engine.DIDs, did).Totals.Offered, int64(2))
				if p := profile(t, s, engine.Callers, number(3)); p != nil {
					t.Errorf("%s a deleted caller still has %+v", when, p.Totals)
				}
				if rec, _ := s.Answered("call-3", did); rec != nil {
					t.Errorf("%s a deleted decision is repeated", when)
				}
				if last, err := s.LastRevision(t.Context()); err != nil || last == nil || last.ID != "old" {
					t.Errorf("%s the active revision: %v, %v", when, last, err)
				}
				equal(t, "quarantined "+when, s.Status().Quarantined, 0)
				equal(t, "records "+when, s.Status().Records < 20, true)
			}
			check("at once", s)
			settle(s)
			if err := s.Crash(); err != nil {
				t.Fatal(err)
			}
			verify(t, path)
			s, err = history.OpenTuned(o, tune)
			if err != nil {
				t.Fatal(err)
			}
			check("after a crash", s)
			if err := s.SaveRevision(t.Context(), &engine.Revision{ID: "new", At: c.now().UnixNano()}); err != nil {
				t.Fatal(err)
			}
			c.advance(25 * time.Hour)
			if err := s.Trim(t.Context()); err != nil {
				t.Fatal(err)
			}
			if all, err := s.Revisions(t.Context()); err != nil || len(all) != 1 || all[0].ID != "new" {
				t.Errorf("revisions that explain nothing any more: %v, %v", all, err)
			}
			calls, _ := list(t, s, engine.CallFilter{})
			equal(t, "all gone", len(calls), 0)
			equal(t, "nothing in all", sums(t, s, engine.StatsFilter{}).Totals, engine.StatsTotals{})
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			verify(t, path)
			s = open(t, o, tune)
			route(t, s, "next", caller, number(1), did)
			equal(t, "offered in the end", profile(t, s, engine.DIDs, did).Totals.Offered, int64(1))
		})
	}
}
