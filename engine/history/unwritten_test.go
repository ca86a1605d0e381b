package history_test

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"switchboard/engine"
	"switchboard/engine/history"
)

// While rounds of the index begin and end, lists and sums have every call that
// was there before they were asked for, once.
func TestListsAndSumsBesideRounds(t *testing.T) {
	const calls, goal = 600, 20
	s := open(t, options(t, newPath(t)), func(u *history.Tuning) { u.RoundEvery = time.Millisecond })
	var begun, done atomic.Int64
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for i := range calls {
			begun.Add(1)
			if _, err := s.Publish(nil, decision(fmt.Sprint("beside-", i), number(i), number(1), did, noon.Add(time.Duration(i)*time.Minute))); err != nil {
				t.Error(err)
				return
			}
			done.Add(1)
		}
	}()
	for looks, going := 0, true; going || looks < goal; looks++ {
		select {
		case <-ended:
			going = false
		default:
		}
		before := done.Load()
		all, _ := list(t, s, engine.CallFilter{Limit: 100})
		seen := map[string]bool{}
		for _, c := range all {
			seen[c.CallID] = true
		}
		if after := begun.Load(); int64(len(seen)) < before || len(all) != len(seen) || int64(len(all)) > after {
			t.Fatalf("%d to %d calls were there; listed are %d, %d of them different ones", before, after, len(all), len(seen))
		}
		before = done.Load()
		got := sums(t, s, engine.StatsFilter{}).Totals.Offered
		if after := begun.Load(); got < before || got > after {
			t.Fatalf("%d to %d calls were there; %d are summed up", before, after, got)
		}
	}
}

// A round that begins while they are looked for takes them; then it is looked
// again, and at last with the mutex.
func TestWhatIsUnwrittenIsAsOfOneMoment(t *testing.T) {
	for _, rounds := range []int{0, 1, 2, 3} {
		s := open(t, options(t, newPath(t)), small)
		came := 0
		route := func() {
			publish(t, s, decision(fmt.Sprint("call-", came), number(came), number(1), did, noon.Add(time.Duration(came)*time.Second)))
			came++
		}
		route()
		got := s.UnwrittenCalls(rounds, func() {
			if err := s.Flush(t.Context()); err != nil {
				t.Fatal(err)
			}
			route()
		})
		equal(t, fmt.Sprintf("what waits after %d rounds", rounds), got, []string{fmt.Sprint("call-", rounds)})
	}
	// Without a round, what comes meanwhile is there too.
	s := open(t, options(t, newPath(t)), small)
	publish(t, s, decision("one", number(1), number(2), did, noon))
	got := s.UnwrittenCalls(1, func() { publish(t, s, decision("two", number(2), number(2), did, noon)) })
	equal(t, "what waits", got, []string{"one", "two"})
}
