package history_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"switchboard/engine"
	"switchboard/engine/history"
)

func sums(t testing.TB, s *history.Store, f engine.StatsFilter) *engine.Stats {
	t.Helper()
	out, err := s.Stats(t.Context(), f)
	if err != nil {
		t.Fatalf("Stats: %v", err)
	}
	return out
}

func TestStatisticsFollowTheCalls(t *testing.T) {
	c := newClock()
	o := options(t, newPath(t))
	o.Now = c.now
	s := open(t, o, small)
	route(t, s, "c1", caller, number(1), did) // 17:30 in Kolkata, a Saturday
	got := sums(t, s, engine.StatsFilter{})
	zero := 0.0
	equal(t, "in flight", got.Totals, engine.StatsTotals{Offered: 1, Open: 1, AnswerRate: &zero})
	equal(t, "complete", got.Complete, true)
	equal(t, "zone", got.Zone, "Asia/Kolkata")

	if err := s.Flush(t.Context()); err != nil { // part of the sum is in the index, part is laid over it
		t.Fatal(err)
	}
	s.Sweep()
	complete(t, s, completion("c1", caller, number(1), did, noon.Add(2*time.Minute)))
	complete(t, s, completion("orphan", caller, number(2), did2, noon.Add(50*time.Minute)))
	rejected := decision("no", caller, "", did, noon.Add(time.Minute))
	rejected.Decision = engine.Decision{Reject: true, Source: engine.SourceRejected, Reason: "blocked"}
	publish(t, s, rejected)
	one := 1.0
	check := func(when string) {
		t.Helper()
		got := sums(t, s, engine.StatsFilter{})
		equal(t, "totals "+when, got.Totals, engine.StatsTotals{Offered: 2, Answered: 2, Rejected: 1, TalkSeconds: 100, AnswerRate: &one})
		equal(t, "hours "+when, got.Hours, []engine.StatsHour{
			{Weekday: "saturday", Hour: 17, StatsTotals: engine.StatsTotals{Offered: 1, Answered: 1, Rejected: 1, TalkSeconds: 50, AnswerRate: &one}},
			{Weekday: "saturday", Hour: 18, StatsTotals: engine.StatsTotals{Offered: 1, Answered: 1, TalkSeconds: 50, AnswerRate: &one}},
		})
		equal(t, "days "+when, len(got.Days), 1)
		equal(t, "receivers "+when, len(got.Receivers), 3) // nobody, for the rejected call
		equal(t, "of a DID "+when, sums(t, s, engine.StatsFilter{DID: did2}).Totals.Offered, int64(1))
		equal(t, "of a receiver "+when, sums(t, s, engine.StatsFilter{Receiver: number(1)}).Totals.Offered, int64(1))
		equal(t, "of nobody "+when, sums(t, s, engine.StatsFilter{Receiver: number(3)}).Totals.Offered, int64(0))
	}
	check("over the index")
	if err := s.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.Sweep()
	check("from the index")

	// Bounds count in whole local hours.
	from := noon.Add(45 * time.Minute) // 18:15
	got = sums(t, s, engine.StatsFilter{From: from})
	equal(t, "from", got.Totals.Offered, int64(1))
	equal(t, "as rounded", *got.From, noon.Add(30*time.Minute).Unix())
	got = sums(t, s, engine.StatsFilter{To: noon.Add(30 * time.Minute)})
	equal(t, "to", got.Totals.Offered, int64(1))
	equal(t, "on the hour", *got.To, noon.Add(30*time.Minute).Unix())
	equal(t, "an empty period", sums(t, s, engine.StatsFilter{From: from, To: from.Add(-2 * time.Hour)}).Totals, engine.StatsTotals{})
}

// Statistics are asked for while calls come in and cuts are written: no call is
// counted twice.
func TestStatisticsWhileCallsComeIn(t *testing.T) {
	s := open(t, options(t, newPath(t)), func(u *history.Tuning) { u.RoundEvery = time.Millisecond })
	done := make(chan struct{})
	const calls = 400
	go func() {
		defer close(done)
		for i := range calls {
			complete(t, s, completion(number(i), caller, number(i%5), did, noon.Add(time.Duration(i)*time.Second)))
		}
	}()
	for last := int64(0); ; {
		got := sums(t, s, engine.StatsFilter{}).Totals
		if got.Offered < last || got.Offered > calls || got.Answered != got.Offered {
			t.Fatalf("%d offered and %d answered after %d", got.Offered, got.Answered, last)
		}
		last = got.Offered
		select {
		case <-done:
			equal(t, "in the end", sums(t, s, engine.StatsFilter{}).Totals.Offered, int64(calls))
			return
		default:
		}
	}
}

// Statistics are summed up one at a time, and who asks while another's are waits
// no longer than they care to.
func TestStatisticsWaitForTheirTurn(t *testing.T) {
	s := open(t, options(t, newPath(t)), small)
	route(t, s, "c1", caller, number(1), did)
	done := s.HoldStatistics()
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if _, err := s.Stats(ctx, engine.StatsFilter{}); !errors.Is(err, context.Canceled) {
		t.Errorf("beside another's, called off: %v", err)
	}
	got := make(chan int64)
	go func() { got <- sums(t, s, engine.StatsFilter{}).Totals.Offered }()
	select {
	case <-got:
		t.Error("two are summed up at once")
	default:
	}
	done()
	equal(t, "after the other's", <-got, int64(1))
	equal(t, "and again", sums(t, s, engine.StatsFilter{}).Totals.Offered, int64(1))
}
