package history_test

import (
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"switchboard/engine"
	"switchboard/engine/history"
)

// Status counts the calls in flight whatever their numbers: decided, ended,
// expired, rejected, answered with a 503, late, after a restart and after a crash.
func TestStatusCountsCallsInFlight(t *testing.T) {
	path := newPath(t)
	o := options(t, path)
	o.CallTTL = 30 * time.Minute
	var clock atomic.Int64
	clock.Store(time.Now().UnixNano()) // Verify looks at the real time
	o.Now = func() time.Time { return time.Unix(0, clock.Load()) }
	s, err := history.OpenTuned(o)
	if err != nil {
		t.Fatal(err)
	}
	at := func() time.Time { return o.Now() }
	decide := func(id string, change func(*engine.DecisionRecord)) {
		rec := decision(id, caller, number(1), did, at())
		if change != nil {
			change(rec)
		}
		c, err := s.Publish(nil, rec)
		if err != nil {
			t.Fatal(err)
		}
		<-c.Done()
	}
	want := func(when string, n int64) {
		t.Helper()
		if got := s.Status().InFlight; got != n {
			t.Errorf("%s %d calls are in flight, want %d", when, got, n)
		}
	}
	again := func(stop func() error) {
		t.Helper()
		if err := stop(); err != nil {
			t.Fatal(err)
		}
		equal(t, "the index", verify(t, path).Index, history.IndexEqual)
		s = open(t, o)
	}
	want("at first", 0)
	decide("a", nil)
	decide("b", nil)
	decide("masked", func(d *engine.DecisionRecord) {
		d.Caller = engine.Number{Canonical: "99889xxxxx"}
		d.DID = engine.Number{}
	})
	decide("rejected", func(d *engine.DecisionRecord) {
		d.Decision = engine.Decision{Reject: true, Source: engine.SourceRejected}
	})
	decide("503", func(d *engine.DecisionRecord) { d.Decision = engine.Decision{Source: engine.SourceNone} })
	want("after three forwards", 3)
	complete(t, s, completion("a", caller, number(1), did, at()))
	complete(t, s, completion("orphan", caller, number(1), did, at()))
	complete(t, s, completion("a", caller, number(1), did, at()))
	want("after a completion", 2)
	again(s.Close)
	want("after a restart", 2)
	clock.Add(int64(20 * time.Minute))
	decide("c", nil)
	if err := s.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	decide("d", nil)
	again(s.Crash)
	want("after a crash", 4)
	clock.Add(int64(11 * time.Minute))
	want("after the first two expired", 2)
	complete(t, s, completion("b", caller, number(1), did, at()))
	want("after a late completion of one of those", 2)
	again(s.Close)
	want("after another restart", 2)
	clock.Add(int64(time.Hour))
	want("an hour later", 0)
	verifyClosed(t, s, path)
}

func TestVerifyComparesCallsInFlight(t *testing.T) {
	path := newPath(t)
	o := options(t, path)
	o.CallTTL = 30 * time.Minute
	s, err := history.OpenTuned(o)
	if err != nil {
		t.Fatal(err)
	}
	c, err := s.Publish(nil, decision("a", caller, number(1), did, time.Now()))
	if err != nil {
		t.Fatal(err)
	}
	<-c.Done()
	verifyClosed(t, s, path)
	damage(t, history.IndexPath(path), func(tx *bbolt.Tx) error { return tx.Bucket([]byte("meta")).Put([]byte("in_flight"), nil) })
	r, err := history.Verify(background(), path)
	if err != nil || !strings.Contains(strings.Join(r.Problems, "\n"), "by the index 0 calls are in flight, by the log 1") {
		t.Errorf("%q, %v", r.Problems, err)
	}
}
