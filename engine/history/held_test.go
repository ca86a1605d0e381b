package history_test

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"switchboard/engine"
	"switchboard/engine/history"
)

// readOnlyDisk is a disk that can only be read as long as why says so.
type readOnlyDisk struct {
	path string
	why  atomic.Pointer[error]
}

func newReadOnlyDisk(path string, why error) *readOnlyDisk {
	d := &readOnlyDisk{path: path}
	d.why.Store(&why)
	return d
}

func (d *readOnlyDisk) mend() { d.why.Store(nil) }

func (d *readOnlyDisk) open(next func() error) error {
	if why := d.why.Load(); why != nil {
		return &os.PathError{Op: "open", Path: d.path, Err: *why}
	}
	return next()
}

func (d *readOnlyDisk) tune(u *history.Tuning) {
	u.Create, u.Write = d.open, d.open
	u.RoundEvery, u.CompleteWait, u.CloseWait = time.Millisecond, 50*time.Millisecond, 50*time.Millisecond
}

// A start on a database that can only be read: calls are answered by the history as
// it stands, what must be on disk is refused, status says why, and all of it gets
// there once the disk can be written.
func TestAStartOnAReadOnlyDisk(t *testing.T) {
	for name, crashed := range map[string]bool{"after a stop": false, "after a crash": true} {
		for _, why := range []error{syscall.EROFS, syscall.EACCES, syscall.EPERM, syscall.EIO} {
			t.Run(name+" "+why.Error(), func(t *testing.T) { startReadOnly(t, why, crashed) })
		}
	}
}

func startReadOnly(t *testing.T, why error, crashed bool) {
	path := filled(t)
	s, err := history.OpenTuned(options(t, path), func(u *history.Tuning) { u.RoundEvery = time.Hour })
	if err != nil {
		t.Fatal(err)
	}
	answer, _ := s.Answered("c"+number(3), did)
	offered, stop := int64(20), s.Close
	if crashed { // the index lacks the log's tail
		route(t, s, "tail", number(1), number(100), did)
		offered, stop = 21, s.Crash
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	before := read(t, path)

	d := newReadOnlyDisk(path, why)
	s, err = history.OpenTuned(options(t, path), d.tune)
	if err != nil {
		t.Fatal(err)
	}
	if st := s.Status(); !strings.Contains(st.Error, "can only be read") || !strings.Contains(st.Error, why.Error()) || st.Rebuilding {
		t.Errorf("status says %q, rebuilding %v", st.Error, st.Rebuilding)
	}
	for _, other := range []func(*history.Tuning){func(*history.Tuning) {}, d.tune} {
		if two, err := history.OpenTuned(options(t, path), other); !errors.Is(err, history.ErrInUse) {
			t.Errorf("a second server: %v, %v", two, err)
		}
	}
	again, _ := s.Answered("c"+number(3), did)
	equal(t, "a retry of an answered call", again, answer)
	equal(t, "offered", profile(t, s, engine.DIDs, did).Totals.Offered, offered)
	if rev, err := s.LastRevision(t.Context()); err != nil || rev == nil || rev.ID != "r1" || len(rev.Files) != 1 {
		t.Errorf("the archived policy set: %+v, %v", rev, err)
	}
	c, err := s.Publish(view(t, s, nil), decision("new", caller, number(1), did, noon))
	if err != nil {
		t.Fatal(err)
	}
	<-c.Done()
	if !errors.Is(c.Err(), engine.ErrUnavailable) || !errors.Is(c.Err(), why) {
		t.Errorf("the commit says %v", c.Err())
	}
	equal(t, "offered with the new one", profile(t, s, engine.DIDs, did).Totals.Offered, offered+1)
	report := completion("new", caller, number(1), did, noon.Add(time.Minute))
	if _, err := s.Complete(t.Context(), report); !errors.Is(err, engine.ErrUnavailable) {
		t.Errorf("a completion: %v", err)
	}
	if err := s.SaveRevision(t.Context(), &engine.Revision{ID: "r2"}); !errors.Is(err, engine.ErrUnavailable) {
		t.Errorf("SaveRevision: %v", err)
	}
	if _, err := s.RelayRegister([]string{"crm"}); !errors.Is(err, engine.ErrUnavailable) {
		t.Errorf("a relay target: %v", err)
	}
	equal(t, "unsaved", s.Status().Unsaved, uint64(1))
	if read(t, path) != before {
		t.Error("the file was changed")
	}

	d.mend()
	eventually(t, "all gets there", func() bool {
		st := s.Status()
		return st.Error == "" && st.Unsaved == 0 && st.Queue == 0 && len(st.Warnings) == 0 && st.Dirty == 0
	})
	equal(t, "the retry", complete(t, s, report), engine.Duplicate)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	equal(t, "index", verify(t, path).Index, history.IndexEqual)
	s = open(t, options(t, path))
	equal(t, "offered after a restart", profile(t, s, engine.DIDs, did).Totals.Offered, offered+1)
	if rev, err := s.LastRevision(t.Context()); err != nil || rev == nil || rev.ID != "r2" {
		t.Errorf("the archived policy set: %+v, %v", rev, err)
	}
}

// Nothing comes in while the disk is mended: it is noticed all the same, and a stop
// before loses nothing and is no error.
func TestAReadOnlyDiskIsMendedWhileNothingComes(t *testing.T) {
	path := filled(t)
	d := newReadOnlyDisk(path, syscall.EROFS)
	s, err := history.OpenTuned(options(t, path), d.tune)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Errorf("Close of a server that took nothing: %v", err)
	}
	s = open(t, options(t, path), d.tune)
	d.mend()
	eventually(t, "the disk is mended", func() bool { return s.Status().Error == "" })
	route(t, s, "new", caller, number(1), did)
}

// Without an index the newest of the log is known at once, and all of it when the
// disk can be written.
func TestAStartOnAReadOnlyDiskWithoutAnIndex(t *testing.T) {
	path := filled(t)
	remove(t, history.IndexPath(path))
	d := newReadOnlyDisk(path, syscall.EROFS)
	s := open(t, options(t, path), d.tune, func(u *history.Tuning) { u.RebuildFirst = 10 * time.Second })
	equal(t, "offered", profile(t, s, engine.DIDs, did).Totals.Offered, int64(20))
	if rec, _ := s.Answered("c"+number(3), did); rec == nil {
		t.Error("a retry finds nothing")
	}
	d.mend()
	eventually(t, "the index is made", func() bool {
		st := s.Status()
		return st.Error == "" && !st.Rebuilding && st.Dirty == 0 && len(st.Warnings) == 0
	})
	verifyClosed(t, s, path)
}

// Somebody takes the database away while it can only be read, and restores another
// backup: no new one is begun, and the other one is not written into.
func TestADatabaseThatIsReplacedWhileItCanOnlyBeRead(t *testing.T) {
	path, other := filled(t), filled(t)
	d := newReadOnlyDisk(path, syscall.EROFS)
	s, err := history.OpenTuned(options(t, path), d.tune)
	if err != nil {
		t.Fatal(err)
	}
	if c, err := s.Publish(nil, decision("c", caller, number(1), did, noon)); err != nil {
		t.Fatal(err)
	} else {
		<-c.Done()
	}
	if err := os.Rename(path, path+".away"); err != nil {
		t.Fatal(err)
	}
	d.mend()
	eventually(t, "status to tell", func() bool { return strings.Contains(s.Status().Error, "not there any more") })
	if err := os.Rename(other, path); err != nil {
		t.Fatal(err)
	}
	before := read(t, path)
	eventually(t, "status to tell", func() bool { return strings.Contains(s.Status().Error, "restart to use it") })
	equal(t, "offered", profile(t, s, engine.DIDs, did).Totals.Offered, int64(21))
	if err := s.Close(); err == nil {
		t.Error("Close does not tell what is lost")
	}
	if read(t, path) != before {
		t.Error("the other database was changed")
	}
}

// An index that somebody else wrote while it could only be read is made anew.
func TestAnIndexThatChangesWhileItCanOnlyBeRead(t *testing.T) {
	path := filled(t)
	d := newReadOnlyDisk(path, syscall.EROFS)
	s := open(t, options(t, path), d.tune)
	index := history.IndexPath(path)
	remove(t, index)
	if err := os.WriteFile(index, []byte(strings.Repeat("rubbish ", 4096)), 0o600); err != nil {
		t.Fatal(err)
	}
	d.mend()
	eventually(t, "the index is made anew", func() bool {
		if c, err := s.Publish(nil, decision("c", caller, number(1), did, noon)); err == nil {
			<-c.Done()
		}
		st := s.Status()
		return st.Error == "" && !st.Rebuilding && st.Dirty == 0 && len(st.Warnings) == 1 && st.Warnings[0].Code == "index_damaged"
	})
	verifyClosed(t, s, path)
}

// Who reads while the files are opened for writing finds all of it all the time.
func TestReadersWhileTheFilesAreOpenedForWriting(t *testing.T) {
	for round := range 8 {
		path := filled(t)
		d := newReadOnlyDisk(path, syscall.EROFS)
		s, err := history.OpenTuned(options(t, path), d.tune)
		if err != nil {
			t.Fatal(err)
		}
		var readers sync.WaitGroup
		done := make(chan struct{})
		for i := range 4 {
			readers.Go(func() {
				for n := i; ; n++ {
					select {
					case <-done:
						return
					default:
					}
					who := number(n % 20)
					if p, err := s.Profile(t.Context(), engine.Callers, who); err != nil || p == nil || p.Totals.Offered == 0 {
						t.Errorf("profile of %s: %+v, %v", who, p, err)
						return
					}
					if got, err := s.Call(t.Context(), "c"+who); err != nil || got == nil || got.Decision == nil {
						t.Errorf("call of %s: %+v, %v", who, got, err)
						return
					}
					if _, err := s.Revision(t.Context(), "r1"); err != nil {
						t.Errorf("the policy set: %v", err)
						return
					}
				}
			})
		}
		d.mend()
		for i := range 50 {
			c, err := s.Publish(view(t, s, nil), decision(fmt.Sprint("new", round, i), number(i%20), number(100), did, noon))
			if err != nil {
				t.Fatal(err)
			}
			<-c.Done()
		}
		eventually(t, "all gets there", func() bool { st := s.Status(); return st.Error == "" && st.Queue == 0 && st.Dirty == 0 })
		close(done)
		readers.Wait()
		verifyClosed(t, s, path)
	}
}
