package history_test

import (
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"switchboard/engine"
	"switchboard/engine/history"
)

// disk is a disk that can be full.
type disk struct{ full atomic.Bool }

var errNoSpace = errors.New("no space left on device")

func (d *disk) commit(next func() error) error {
	if d.full.Load() {
		return errNoSpace
	}
	return next()
}

func (d *disk) tune(u *history.Tuning) {
	u.Commit, u.CompleteWait, u.CloseWait = d.commit, 50*time.Millisecond, 50*time.Millisecond
}

func TestAFullDisk(t *testing.T) {
	var d disk
	path := newPath(t)
	s := open(t, options(t, path), d.tune)
	route(t, s, "before", caller, number(1), did)
	d.full.Store(true)

	t.Run("decisions go on from memory", func(t *testing.T) {
		c, err := s.Publish(nil, decision("c1", caller, number(2), did, noon.Add(time.Second)))
		if err != nil {
			t.Fatal(err)
		}
		<-c.Done()
		if !errors.Is(c.Err(), engine.ErrUnavailable) || !errors.Is(c.Err(), errNoSpace) {
			t.Errorf("the commit says %v", c.Err())
		}
		equal(t, "in flight", profile(t, s, engine.DIDs, did).InFlight, int64(2))
		if rec, _ := s.Answered("c1", did); rec == nil {
			t.Error("a retry of an unsaved decision finds nothing")
		}
		detail, err := s.Call(t.Context(), "c1")
		if err != nil || detail == nil || detail.Decision == nil {
			t.Errorf("Call of an unsaved decision: %+v, %v", detail, err)
		}
		st := s.Status()
		equal(t, "unsaved", st.Unsaved, uint64(1))
		if !strings.Contains(st.Error, errNoSpace.Error()) {
			t.Errorf("Status().Error is %q", st.Error)
		}
	})
	t.Run("a decision during it is told at once", func(t *testing.T) {
		c, err := s.Publish(nil, decision("c2", caller, number(2), did, noon.Add(2*time.Second)))
		if err != nil {
			t.Fatal(err)
		}
		<-c.Done()
		equal(t, "unsaved", s.Status().Unsaved, uint64(2))
	})
	t.Run("completions wait, then are refused", func(t *testing.T) {
		_, err := s.Complete(t.Context(), completion("c1", caller, number(2), did, noon.Add(time.Minute)))
		if !errors.Is(err, engine.ErrUnavailable) {
			t.Errorf("Complete: %v", err)
		}
		_, err = s.Complete(t.Context(), completion("c1", caller, number(2), did, noon.Add(time.Minute)))
		if !errors.Is(err, engine.ErrUnavailable) {
			t.Errorf("the same again must not be acknowledged either: %v", err)
		}
	})
	t.Run("quarantine and revisions are refused", func(t *testing.T) {
		if _, err := s.Quarantine(t.Context(), engine.QuarantineItem{Kind: "completion", Raw: engine.Payload{Body: []byte("x")}}); !errors.Is(err, engine.ErrUnavailable) {
			t.Errorf("Quarantine: %v", err)
		}
		if err := s.SaveRevision(t.Context(), &engine.Revision{ID: "r1"}); !errors.Is(err, engine.ErrUnavailable) {
			t.Errorf("SaveRevision: %v", err)
		}
	})
	t.Run("all of it gets there when the disk has room", func(t *testing.T) {
		d.full.Store(false)
		equal(t, "the retry", complete(t, s, completion("c1", caller, number(2), did, noon.Add(time.Minute))), engine.Duplicate)
		st := s.Status()
		if st.Error != "" || st.Unsaved != 0 || st.Queue != 0 {
			t.Errorf("after recovery: %+v", st)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		verify(t, path)
		s2 := open(t, options(t, path))
		equal(t, "offered", profile(t, s2, engine.DIDs, did).Totals.Offered, int64(3))
	})
}

func TestMemoryIsBoundedWhileTheDiskFails(t *testing.T) {
	var d disk
	s := open(t, options(t, newPath(t)), d.tune, func(u *history.Tuning) { u.MaxPending = 10 })
	d.full.Store(true)
	for i := range 15 {
		c, err := s.Publish(nil, decision(number(i), caller, number(1), did, noon.Add(time.Duration(i))))
		if err != nil {
			t.Fatal(err)
		}
		<-c.Done()
		if !errors.Is(c.Err(), engine.ErrUnavailable) {
			t.Errorf("decision %d: %v", i, c.Err())
		}
	}
	st := s.Status()
	equal(t, "queue", st.Queue, 10)
	equal(t, "unsaved", st.Unsaved, uint64(15))
	if _, err := s.Complete(t.Context(), completion("x", caller, number(1), did, noon)); !errors.Is(err, engine.ErrUnavailable) {
		t.Errorf("Complete beyond the bound: %v", err)
	}
	d.full.Store(false)
	eventually(t, "the queue drains", func() bool { return s.Status().Queue == 0 })
	equal(t, "unsaved for ever", s.Status().Unsaved, uint64(5))
	equal(t, "offered", profile(t, s, engine.DIDs, did).Totals.Offered, int64(10))
	route(t, s, "after", caller, number(1), did)
}

func TestCloseGivesUpOnAFailingDisk(t *testing.T) {
	var d disk
	path := newPath(t)
	s, err := history.OpenTuned(options(t, path), d.tune)
	if err != nil {
		t.Fatal(err)
	}
	route(t, s, "saved", caller, number(1), did)
	d.full.Store(true)
	if _, err := s.Publish(nil, decision("lost", caller, number(1), did, noon)); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); !errors.Is(err, errNoSpace) {
		t.Errorf("Close says %v", err)
	}
	if c, err := s.Publish(nil, decision("late", caller, number(1), did, noon)); err == nil && c.Err() == nil {
		t.Error("a closed store took a decision")
	}
	if _, err := s.Complete(t.Context(), completion("late", caller, number(1), did, noon)); !errors.Is(err, engine.ErrUnavailable) {
		t.Errorf("a closed store took a completion: %v", err)
	}
	verify(t, path)
	s = open(t, options(t, path))
	equal(t, "offered", profile(t, s, engine.DIDs, did).Totals.Offered, int64(1))
}

func TestAnIndexThatIsNotWritten(t *testing.T) {
	var d disk
	path := newPath(t)
	s, err := history.OpenTuned(options(t, path), func(u *history.Tuning) {
		u.Round, u.CompleteWait, u.RoundEvery, u.MaxDirty = d.commit, 50*time.Millisecond, time.Millisecond, 20
	})
	if err != nil {
		t.Fatal(err)
	}
	route(t, s, "before", caller, number(1), did)
	d.full.Store(true)
	for i := range 10 {
		route(t, s, number(i), number(i), number(1), did)
	}
	eventually(t, "status warns", func() bool {
		w := s.Status().Warnings
		return len(w) == 1 && strings.Contains(w[0].Message, errNoSpace.Error())
	})
	if _, err := s.Complete(t.Context(), completion("x", caller, number(1), did, noon)); !errors.Is(err, engine.ErrUnavailable) {
		t.Errorf("a completion beyond the bound: %v", err)
	}
	for i := range 60 {
		c, err := s.Publish(nil, decision("more"+number(i), number(100+i), number(2), did, noon))
		if err != nil {
			t.Fatal(err)
		}
		<-c.Done()
	}
	st := s.Status()
	if st.Unsaved == 0 || st.Dirty > 4*20+4 {
		t.Errorf("%d decisions unsaved, %d changes in memory", st.Unsaved, st.Dirty)
	}
	d.full.Store(false)
	eventually(t, "all is written behind", func() bool { return s.Status().Dirty == 0 && len(s.Status().Warnings) == 0 })
	complete(t, s, completion("x", caller, number(1), did, noon))
	want := profile(t, s, engine.DIDs, did).Totals
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	verify(t, path)
	s = open(t, options(t, path))
	equal(t, "totals", profile(t, s, engine.DIDs, did).Totals, want)
}

// Whoever measures the disk hears of every commit, of the failed ones too.
func TestCommitsAreTold(t *testing.T) {
	var d disk
	var good, failed, records atomic.Int64
	o := options(t, newPath(t))
	o.OnCommit = func(n int, took time.Duration, err error) {
		if took < 0 || n < 1 {
			t.Errorf("%d records in %v", n, took)
		}
		if err != nil {
			failed.Add(1)
			return
		}
		good.Add(1)
		records.Add(int64(n))
	}
	s := open(t, o, d.tune)
	route(t, s, "c1", caller, number(1), did)
	d.full.Store(true)
	if c, err := s.Publish(nil, decision("c2", caller, number(2), did, noon.Add(time.Second))); err != nil {
		t.Fatal(err)
	} else {
		<-c.Done()
	}
	if good.Load() < 1 || records.Load() < 1 || failed.Load() < 1 {
		t.Errorf("told of %d commits with %d records and %d failures", good.Load(), records.Load(), failed.Load())
	}
	d.full.Store(false)
}
