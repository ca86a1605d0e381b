package history_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"switchboard/engine"
	"switchboard/engine/history"
)

// gate is a disk that takes as long as a test wants: while it is shut, a commit
// hangs in it.
type gate struct {
	mu   sync.Mutex
	open chan struct{}
}

func newGate() *gate {
	g := &gate{open: make(chan struct{})}
	close(g.open)
	return g
}

func (g *gate) shut() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.open = make(chan struct{})
}

func (g *gate) let() {
	g.mu.Lock()
	defer g.mu.Unlock()
	close(g.open)
}

func (g *gate) commit(next func() error) error {
	g.mu.Lock()
	open := g.open
	g.mu.Unlock()
	<-open
	return next()
}

// A disk that takes for ever over a commit: decisions are made, seen by the next
// ones and repeated for retries; reports wait and are acknowledged only once they
// are there; nothing is in another order than it came in.
func TestASlowDisk(t *testing.T) {
	g := newGate()
	path := newPath(t)
	s := open(t, options(t, path), func(u *history.Tuning) { u.Commit = g.commit })
	route(t, s, "before", caller, number(1), did)
	g.shut()
	var commits []engine.Commit
	for i := range 50 {
		v := view(t, s, nil)
		p, err := v.Profile(engine.DIDs, did)
		if err != nil || p.InFlight != int64(i+1) {
			t.Fatalf("decision %d sees %+v, %v", i, p, err)
		}
		c, err := s.Publish(v, decision(fmt.Sprint("c", i), caller, number(1), did, v.At()))
		if err != nil {
			t.Fatal(err)
		}
		v.Close()
		select {
		case <-c.Done():
			t.Fatalf("decision %d is called done: %v", i, c.Err())
		default:
		}
		commits = append(commits, c)
	}
	rec, commit := s.Answered("c7", did)
	if rec == nil || commit == nil {
		t.Fatal("a retry finds no answer")
	}
	answered := make(chan engine.CompletionResult, 1)
	go func() {
		r, err := s.Complete(background(), completion("c7", caller, number(1), did, noon.Add(time.Minute)))
		if err != nil {
			t.Error(err)
		}
		answered <- r
	}()
	eventually(t, "the report is seen", func() bool { return profile(t, s, engine.DIDs, did).Totals.Answered == 1 })
	st := s.Status()
	if st.Error != "" || st.Queue != 51 || st.Unsaved != 0 {
		t.Errorf("while the disk works: %+v", st)
	}
	select {
	case r := <-answered:
		t.Fatalf("a report that is not on disk is answered %q", r)
	default:
	}
	g.let()
	for _, c := range append(commits, commit) {
		<-c.Done()
		if c.Err() != nil {
			t.Fatal(c.Err())
		}
	}
	equal(t, "the report", <-answered, engine.Stored)
	if err := s.Crash(); err != nil {
		t.Fatal(err)
	}
	verify(t, path)
	s = open(t, options(t, path))
	equal(t, "offered", profile(t, s, engine.DIDs, did).Totals.Offered, int64(51))
}

// A disk so slow that a report's patience ends: it is not acknowledged, and its
// retry is, without counting twice.
func TestADiskSlowerThanAReportsPatience(t *testing.T) {
	g := newGate()
	s := open(t, options(t, newPath(t)), func(u *history.Tuning) { u.Commit, u.CompleteWait = g.commit, 20*time.Millisecond })
	g.shut()
	c := completion("c1", caller, number(1), did, noon)
	if r, err := s.Complete(t.Context(), c); err == nil {
		t.Fatalf("acknowledged as %q", r)
	}
	g.let()
	eventually(t, "the disk is through", func() bool { return s.Status().Queue == 0 })
	equal(t, "the retry", complete(t, s, c), engine.Duplicate)
	equal(t, "offered", profile(t, s, engine.DIDs, did).Totals.Offered, int64(1))
}

// A backup, statistics and an erasure don't wait for the index, nor calls for
// them.
func TestCareWhileTheIndexHangs(t *testing.T) {
	g := newGate()
	s := open(t, options(t, newPath(t)), func(u *history.Tuning) { u.Round, u.RoundEvery = g.commit, time.Hour })
	route(t, s, "c1", caller, number(1), did)
	g.shut()
	flushed := make(chan error, 1)
	go func() { flushed <- s.Flush(background()) }()
	route(t, s, "c2", caller, number(1), did)
	if err := s.Backup(t.Context(), newPath(t)); err != nil {
		t.Fatal(err)
	}
	equal(t, "offered", sums(t, s, engine.StatsFilter{}).Totals.Offered, int64(2))
	route(t, s, "c3", caller, number(1), did)
	g.let()
	if err := <-flushed; err != nil {
		t.Fatal(err)
	}
	equal(t, "offered in the end", sums(t, s, engine.StatsFilter{}).Totals.Offered, int64(3))
}
