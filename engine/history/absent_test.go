package history_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"switchboard/engine"
	"switchboard/engine/history"
)

// A first start where no file can be made: calls are answered from memory, what
// must be on disk is refused, status says why, and all of it gets there once the
// database can be made.
func TestAFirstStartWithoutRoom(t *testing.T) {
	for _, why := range []error{syscall.ENOSPC, syscall.EROFS, syscall.EACCES, syscall.EPERM} {
		t.Run(why.Error(), func(t *testing.T) {
			var full atomic.Bool
			full.Store(true)
			path := newPath(t)
			s, err := history.OpenTuned(options(t, path), func(u *history.Tuning) {
				u.Create = func(next func() error) error {
					if full.Load() {
						return &os.PathError{Op: "open", Path: path, Err: why}
					}
					return next()
				}
				u.RoundEvery, u.CompleteWait = time.Millisecond, 50*time.Millisecond
			})
			if err != nil {
				t.Fatal(err)
			}
			if st := s.Status(); !strings.Contains(st.Error, "no database yet") || !strings.Contains(st.Error, why.Error()) {
				t.Errorf("status says %q", st.Error)
			}
			for i := range 3 {
				c, err := s.Publish(view(t, s, nil), decision(number(i), caller, number(1), did, noon.Add(time.Duration(i))))
				if err != nil {
					t.Fatal(err)
				}
				<-c.Done()
				if !errors.Is(c.Err(), engine.ErrUnavailable) {
					t.Errorf("the commit says %v", c.Err())
				}
			}
			equal(t, "in flight", profile(t, s, engine.DIDs, did).InFlight, int64(3))
			if rec, _ := s.Answered(number(1), did); rec == nil {
				t.Error("a retry finds nothing")
			}
			report := completion(number(1), caller, number(1), did, noon.Add(time.Minute))
			if _, err := s.Complete(t.Context(), report); !errors.Is(err, engine.ErrUnavailable) {
				t.Errorf("a completion: %v", err)
			}
			if _, err := s.Revisions(t.Context()); err != nil {
				t.Errorf("the archive: %v", err)
			}
			if err := s.Backup(t.Context(), filepath.Join(t.TempDir(), "copy")); err == nil || !strings.Contains(err.Error(), "no database yet") {
				t.Errorf("a backup: %v", err)
			}
			if _, err := s.RelayRegister([]string{"crm"}); !errors.Is(err, engine.ErrUnavailable) {
				t.Errorf("a relay target: %v", err)
			}
			full.Store(false)
			eventually(t, "all gets there", func() bool {
				st := s.Status()
				return st.Error == "" && st.Unsaved == 0 && st.Queue == 0 && len(st.Warnings) == 0 && !st.Rebuilding && st.Dirty == 0
			})
			equal(t, "the retry", complete(t, s, report), engine.Duplicate)
			equal(t, "offered", profile(t, s, engine.DIDs, did).Totals.Offered, int64(3))
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			equal(t, "index", verify(t, path).Index, history.IndexEqual)
			s = open(t, options(t, path))
			equal(t, "offered after a restart", profile(t, s, engine.DIDs, did).Totals.Offered, int64(3))
		})
	}
}

// Somebody restores a backup where none could be made: it is not written into.
func TestADatabaseThatAppears(t *testing.T) {
	var full atomic.Bool
	full.Store(true)
	path := newPath(t)
	s, err := history.OpenTuned(options(t, path), func(u *history.Tuning) {
		u.Create = func(next func() error) error {
			if full.Load() {
				return syscall.ENOSPC
			}
			return next()
		}
		u.CloseWait = 50 * time.Millisecond
	})
	if err != nil {
		t.Fatal(err)
	}
	other := filled(t)
	if err := os.Rename(other, path); err != nil {
		t.Fatal(err)
	}
	before := read(t, path)
	full.Store(false)
	if c, err := s.Publish(nil, decision("c", caller, number(1), did, noon)); err != nil {
		t.Fatal(err)
	} else {
		<-c.Done()
	}
	eventually(t, "status to tell", func() bool { return strings.Contains(s.Status().Error, "restart to use it") })
	if err := s.Close(); err == nil {
		t.Error("Close does not tell what is lost")
	}
	if read(t, path) != before {
		t.Error("the database that appeared was changed")
	}
}
