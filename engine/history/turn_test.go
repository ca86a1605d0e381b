package history_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"switchboard/engine"
	"switchboard/engine/history"
)

// evaluate stands for a policy: it reads and names a receiver.
type evaluate func(v engine.View) (receiver string, err error)

// decide does what a Router does: it evaluates until a decision is published.
func decide(ctx context.Context, s *history.Store, id, from, did string, choose evaluate) (tries int, err error) {
	var previous engine.View
	for tries = 1; ; tries++ {
		v, err := s.View(ctx, previous)
		if err != nil {
			return tries, err
		}
		to, err := choose(v)
		if err == nil {
			_, err = s.Publish(v, decision(id, from, to, did, v.At()))
		}
		v.Close()
		if !errors.Is(err, engine.ErrConflict) {
			return tries, err
		}
		previous = v
	}
}

// crowd decides n calls at once and returns how often each receiver was named.
func crowd(t *testing.T, s *history.Store, n int, didOf func(i int) string, choose func(did string) evaluate) map[string]int64 {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	start := make(chan struct{})
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			<-start
			if _, err := decide(ctx, s, fmt.Sprintf("call-%d", i), number(i), didOf(i), choose(didOf(i))); err != nil {
				t.Errorf("call %d: %v", i, err)
			}
		})
	}
	close(start)
	wg.Wait()
	got := make(map[string]int64)
	for _, a := range agents {
		got[a] = profile(t, s, engine.Receivers, a).Totals.Offered
	}
	return got
}

var agents = []string{number(1), number(2), number(3)}

func TestRoundRobinIsExact(t *testing.T) {
	s := open(t, options(t, newPath(t)))
	roundRobin := func(did string) evaluate {
		return func(v engine.View) (string, error) {
			p, err := v.Profile(engine.DIDs, did)
			if err != nil {
				return "", err
			}
			if p == nil || p.LastByReason["round_robin"] == nil {
				return agents[0], nil
			}
			for i, a := range agents {
				if a == p.LastByReason["round_robin"].Receiver {
					return agents[(i+1)%len(agents)], nil
				}
			}
			return "", errors.New("the last receiver is none of the agents")
		}
	}
	got := crowd(t, s, 600, func(int) string { return did }, roundRobin)
	equal(t, "calls by agent", got, map[string]int64{agents[0]: 200, agents[1]: 200, agents[2]: 200})
}

func TestLeastBusyIsExactOverTwoDIDs(t *testing.T) {
	s := open(t, options(t, newPath(t)))
	leastBusy := func(string) evaluate {
		return func(v engine.View) (string, error) {
			best, least := "", int64(1<<62)
			for _, a := range agents {
				p, err := v.Profile(engine.Receivers, a)
				if err != nil {
					return "", err
				}
				busy := int64(0)
				if p != nil {
					busy = p.InFlight<<32 + p.Totals.Offered
				}
				if busy < least {
					best, least = a, busy
				}
			}
			return best, nil
		}
	}
	got := crowd(t, s, 600, func(i int) string { return []string{did, did2}[i%2] }, leastBusy)
	equal(t, "calls by agent", got, map[string]int64{agents[0]: 200, agents[1]: 200, agents[2]: 200})
}

// conflicted returns a view that comes after three conflicts on the DID.
func conflicted(t *testing.T, s *history.Store) engine.View {
	t.Helper()
	var v engine.View
	for i := range 3 {
		v = view(t, s, v)
		if _, err := v.Profile(engine.DIDs, did); err != nil {
			t.Fatal(err)
		}
		route(t, s, fmt.Sprintf("in-between-%d", i), number(50+i), number(8), did)
		if _, err := s.Publish(v, decision("late", caller, number(1), did, v.At())); !errors.Is(err, engine.ErrConflict) {
			t.Fatalf("try %d: %v", i, err)
		}
		v.Close()
	}
	return v
}

func TestATurnHoldsOthersBack(t *testing.T) {
	s := open(t, options(t, newPath(t)), func(u *history.Tuning) { u.ClaimFor = time.Hour })
	mine := view(t, s, conflicted(t, s))
	if _, err := mine.Profile(engine.DIDs, did); err != nil {
		t.Fatal(err)
	}
	elsewhere := decision("elsewhere", number(60), number(9), did2, noon)
	if _, err := s.Publish(nil, elsewhere); err != nil {
		t.Fatal(err) // and it did not wait for an hour
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		if _, err := s.Publish(nil, decision("here", number(61), number(9), did, noon)); err != nil {
			t.Error(err)
		}
	})
	wg.Go(func() {
		if _, err := s.Complete(t.Context(), completion("in-between-0", number(50), number(8), did, noon)); err != nil {
			t.Error(err)
		}
	})
	if p := profile(t, s, engine.DIDs, did); p.Totals.Offered != 3 {
		t.Errorf("%d offered while the turn is held, want the 3 from before", p.Totals.Offered)
	}
	if _, err := s.Publish(mine, decision("mine", caller, number(1), did, mine.At())); err != nil {
		t.Errorf("Publish with the turn: %v", err)
	}
	wg.Wait()
	equal(t, "offered in the end", profile(t, s, engine.DIDs, did).Totals.Offered, int64(5))
}

func TestTurnsComeInOrderAndEndWithTheirContext(t *testing.T) {
	s := open(t, options(t, newPath(t)), func(u *history.Tuning) { u.ClaimFor = time.Hour })
	tried := conflicted(t, s)
	first := view(t, s, tried)
	ctx, cancel := context.WithCancel(t.Context())
	gone := make(chan error)
	go func() {
		_, err := s.View(ctx, tried)
		gone <- err
	}()
	cancel()
	if err := <-gone; !errors.Is(err, context.Canceled) {
		t.Errorf("View of one who left the queue: %v", err)
	}
	third := make(chan engine.View)
	go func() { third <- view(t, s, tried) }()
	first.Close()
	first.Close()
	(<-third).Close()
	route(t, s, "after", caller, number(1), did)
}

func TestARunawayEvaluationHoldsNobodyUp(t *testing.T) {
	s := open(t, options(t, newPath(t)))
	tried := conflicted(t, s)
	runaway := view(t, s, tried) // has the turn and never ends
	if _, err := runaway.Profile(engine.DIDs, did); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	for i := range 5 {
		route(t, s, fmt.Sprintf("other-%d", i), number(70+i), number(9), did)
	}
	next := view(t, s, tried) // the turn is free again
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("others waited for %v", took)
	}
	next.Close()
	if _, err := s.Publish(runaway, decision("runaway", caller, number(1), did, runaway.At())); !errors.Is(err, engine.ErrConflict) {
		t.Errorf("what it read has changed, but Publish says %v", err)
	}
}
