package history_test

import (
	"fmt"
	"testing"
	"time"

	"switchboard/engine"
	"switchboard/engine/history"
)

// The machine's clock is set forth and back, by seconds, over the call's time to
// live and over years. Each call still gets its answer recorded, the sums add up
// at every moment, and a restart tells the same.
func TestTheClockJumps(t *testing.T) {
	path, c := newPath(t), newClock()
	o := options(t, path)
	o.Now = c.now
	s, err := history.OpenTuned(o, small)
	if err != nil {
		t.Fatal(err)
	}
	const agents = 3
	offered := int64(0)
	for round, jump := range []time.Duration{
		0, -time.Nanosecond, -time.Second, -time.Hour, 24 * time.Hour, 31 * time.Minute, -48 * time.Hour, 366 * 24 * time.Hour, -366 * 24 * time.Hour, -20 * 366 * 24 * time.Hour, time.Minute,
	} {
		c.advance(jump)
		for i := range 4 {
			id := fmt.Sprintf("%d-%d", round, i)
			rec := route(t, s, id, number(i), number(100+i%agents), did)
			offered++
			if again, _ := s.Answered(id, did); again == nil || again.RoutedAt != rec.RoutedAt {
				t.Errorf("jump %s: a retry of %s finds %+v", jump, id, again)
			}
			if i%2 == 0 {
				complete(t, s, completion(id, number(i), number(100+i%agents), did, c.now()))
			}
		}
		p := profile(t, s, engine.DIDs, did)
		sum := p.Totals.Answered + p.Totals.Unanswered + p.Totals.Other + p.Totals.Expired + p.InFlight
		if p.Totals.Offered != offered || sum != offered || p.InFlight < 0 {
			t.Errorf("jump %s: %d were offered, the profile says %+v and %d in flight", jump, offered, p.Totals, p.InFlight)
		}
		days := int64(0)
		for _, day := range p.Days {
			days += day.Offered
		}
		if days > offered {
			t.Errorf("jump %s: the days have %d calls of %d", jump, days, offered)
		}
	}
	want := picture(t, s)
	if err := s.Crash(); err != nil {
		t.Fatal(err)
	}
	equal(t, "index", verify(t, path).Index, history.IndexEqual)
	s = open(t, o, small)
	equal(t, "history after a restart", picture(t, s), want)
}
