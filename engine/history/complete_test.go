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
