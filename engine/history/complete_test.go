package history_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"switchboard/engine"
	"switchboard/engine/history"
)

func TestACompletionEndsItsCall(t *testing.T) {
	s := open(t, options(t, newPath(t)))
	route(t, s, "c1", caller, number(1), did)
	end := noon.Add(time.Minute)
	equal(t, "first", complete(t, s, completion("c1", caller, number(1), did, end)), engine.Stored)
	equal(t, "again", complete(t, s, completion("c1", caller, number(1), did, end)), engine.Duplicate)
	more := completion("c1", caller, number(1), did, end.Add(time.Second))
	more.Arrived = end.UnixNano()
	equal(t, "a later end", complete(t, s, more), engine.Updated)

	p := profile(t, s, engine.Receivers, number(1))
	equal(t, "totals", p.Totals, engine.Totals{Offered: 1, Answered: 1, TalkSeconds: 50})
	equal(t, "in flight", p.InFlight, int64(0))
	st := s.Status()
	equal(t, "records", st.Records, uint64(3))
	equal(t, "completions", st.Completions, uint64(2))
}

func TestAnOrphanCountsAndJoinsItsInitiation(t *testing.T) {
	s := open(t, options(t, newPath(t)))
	complete(t, s, completion("c1", caller, number(1), did, noon))
	equal(t, "offered before", profile(t, s, engine.Receivers, number(1)).Totals.Offered, int64(1))
	v := view(t, s, nil)
	rec := decision("c1", number(9), number(2), did, v.At().Add(time.Hour))
	if _, err := s.Publish(v, rec); err != nil {
		t.Fatal(err)
	}
	equal(t, "the reported receiver", profile(t, s, engine.Receivers, number(1)).Totals.Offered, int64(1))
	equal(t, "our caller", profile(t, s, engine.Callers, number(9)).Totals.Offered, int64(1))
	if p := profile(t, s, engine.Callers, caller); p != nil {
		t.Errorf("the reported caller still has %+v", p.Totals)
	}
}

func TestSimultaneousDuplicatesCountOnce(t *testing.T) {
	s := open(t, options(t, newPath(t)))
	results := make(chan engine.CompletionResult, 64)
	var wg sync.WaitGroup
	for range cap(results) {
		wg.Go(func() {
			r, err := s.Complete(t.Context(), completion("c1", caller, number(1), did, noon))
			if err != nil {
				t.Error(err)
			}
			results <- r
		})
	}
	wg.Wait()
	close(results)
	count := make(map[engine.CompletionResult]int)
	for r := range results {
		count[r]++
	}
	equal(t, "results", count, map[engine.CompletionResult]int{engine.Stored: 1, engine.Duplicate: 63})
	equal(t, "offered", profile(t, s, engine.Receivers, number(1)).Totals.Offered, int64(1))
	equal(t, "records", s.Status().Records, uint64(1))
}

func TestACompletionIsOnDiskWhenItIsAcknowledged(t *testing.T) {
	gate := make(chan struct{})
	s := open(t, options(t, newPath(t)), func(u *history.Tuning) {
		u.Commit = func(next func() error) error { <-gate; return next() }
	})
	answers := make(chan engine.CompletionResult)
	send := func() {
		r, err := s.Complete(background(), completion("c1", caller, number(1), did, noon))
		if err != nil {
			t.Error(err)
		}
		answers <- r
	}
	go send()
	eventually(t, "the first is queued", func() bool { return s.Status().Queue == 1 })
	go send() // a duplicate of what is not on disk yet
	if p := profile(t, s, engine.Receivers, number(1)); p == nil {
		t.Error("the next decision does not see the completion while the disk works")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Complete(ctx, completion("c1", caller, number(1), did, noon)); !errors.Is(err, context.Canceled) {
		t.Errorf("a duplicate whose sender left: %v", err)
	}
	select {
	case r := <-answers:
		t.Fatalf("%s was answered before the disk had it", r)
	default:
	}
	close(gate)
	count := map[engine.CompletionResult]int{}
	count[<-answers]++
	count[<-answers]++
	equal(t, "answers", count, map[engine.CompletionResult]int{engine.Stored: 1, engine.Duplicate: 1})
}

// A call that we answered with a 503 stands in the call log only, also when its
// completion comes, and whichever comes first; a retry that was forwarded counts.
func TestAnUnansweredCallCountsNowhere(t *testing.T) {
	none := decision("c1", caller, "", did, noon)
	none.Decision, none.ReceiverIsNumber = engine.Decision{Source: engine.SourceNone, Cause: engine.CauseNoPolicy}, false
	report := completion("c1", caller, number(1), did, noon.Add(time.Minute))
	for _, reportFirst := range []bool{false, true} {
		path := newPath(t)
		s, err := history.OpenTuned(options(t, path))
		if err != nil {
			t.Fatal(err)
		}
		if reportFirst {
			complete(t, s, report)
		}
		publish(t, s, none)
		if !reportFirst {
			complete(t, s, report)
		}
		for _, kind := range []engine.ProfileKind{engine.DIDs, engine.Callers, engine.Receivers} {
			of := map[engine.ProfileKind]string{engine.DIDs: did, engine.Callers: caller, engine.Receivers: number(1)}[kind]
			if p, err := s.Profile(t.Context(), kind, of); p != nil || err != nil {
				t.Errorf("report first %v: the profile of %s has %+v, %v", reportFirst, kind, p, err)
			}
		}
		stats, err := s.Stats(t.Context(), engine.StatsFilter{})
		if err != nil || stats.Totals.Offered != 0 || stats.Totals.Unrouted != 1 {
			t.Errorf("report first %v: statistics %+v, %v", reportFirst, stats.Totals, err)
		}
		logged, _ := list(t, s, engine.CallFilter{})
		if len(logged) != 1 || logged[0].Status != engine.StatusAnswered || logged[0].Source != engine.SourceNone {
			t.Errorf("report first %v: the log has %+v", reportFirst, logged)
		}
		publish(t, s, decision("c1", caller, number(2), did, noon.Add(time.Second)))
		equal(t, "after a retry that was forwarded", profile(t, s, engine.DIDs, did).Totals, engine.Totals{Offered: 1, Answered: 1, TalkSeconds: 50})
		verifyClosed(t, s, path)
	}
}
