package history_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"switchboard/engine"
	"switchboard/engine/history"
)

// list goes through all pages.
func list(t testing.TB, s *history.Store, f engine.CallFilter) (out []*engine.Call, pages int) {
	t.Helper()
	for {
		page, err := s.Calls(t.Context(), f)
		if err != nil {
			t.Fatalf("Calls: %v", err)
		}
		out, pages = append(out, page.Calls...), pages+1
		if page.Next == "" {
			return out, pages
		}
		f.Cursor = page.Next
	}
}

func TestCallsAreListedNewestFirst(t *testing.T) {
	s := open(t, options(t, newPath(t)), small)
	if page, err := s.Calls(t.Context(), engine.CallFilter{}); err != nil || page.Calls == nil || len(page.Calls) > 0 || page.Next != "" {
		t.Errorf("an empty history: %+v, %v", page, err)
	}
	var want []string
	for i := range 100 {
		id := fmt.Sprintf("c%d", i)
		publish(t, s, decision(id, number(i%10), number(100+i%3), did, noon.Add(time.Duration(i)*time.Second)))
		want = append(want, id)
		switch i { // some in the index alone, some changed since, some in memory alone
		case 30:
			if err := s.Flush(t.Context()); err != nil {
				t.Fatal(err)
			}
			s.Sweep()
		case 60:
			complete(t, s, completion("c5", number(5), number(102), did, noon.Add(time.Hour)))
			if err := s.Flush(t.Context()); err != nil {
				t.Fatal(err)
			}
			complete(t, s, completion("c7", number(7), number(101), did, noon.Add(time.Hour)))
		}
	}
	slices.Reverse(want)
	for _, limit := range []int{1, 7, 50, 99, 100, 1000} {
		got, pages := list(t, s, engine.CallFilter{Limit: limit})
		equal(t, fmt.Sprintf("in pages of %d", limit), ids(got), want)
		if wanted := (len(want) + limit - 1) / limit; pages != wanted {
			t.Errorf("pages of %d: %d, want %d", limit, pages, wanted)
		}
	}
}

func TestCallsAreFiltered(t *testing.T) {
	s := open(t, options(t, newPath(t)), small)
	play(t, s, 0, 200)
	if err := s.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	rejected := decision("rejected", caller, "", did2, noon.Add(time.Hour))
	rejected.ReceiverIsNumber, rejected.Decision = false, engine.Decision{Reject: true, Reason: "blocked", Source: engine.SourcePolicy}
	publish(t, s, rejected)
	play(t, s, 200, 30)
	all, _ := list(t, s, engine.CallFilter{Limit: engine.MaxPage})
	filters := map[string]struct {
		f  engine.CallFilter
		is func(c *engine.Call) bool
	}{
		"caller":   {engine.CallFilter{Caller: number(3)}, func(c *engine.Call) bool { return c.Caller == number(3) }},
		"rare":     {engine.CallFilter{Caller: caller}, func(c *engine.Call) bool { return c.CallID == "rejected" }},
		"nobody":   {engine.CallFilter{Caller: "1"}, func(c *engine.Call) bool { return false }},
		"receiver": {engine.CallFilter{Receiver: number(101)}, func(c *engine.Call) bool { return c.Receiver == number(101) }},
		"DID":      {engine.CallFilter{DID: did2}, func(c *engine.Call) bool { return c.DID == did2 }},
		"status":   {engine.CallFilter{Status: engine.StatusInFlight}, func(c *engine.Call) bool { return c.Status == engine.StatusInFlight }},
		"rejected": {engine.CallFilter{Status: engine.StatusRejected}, func(c *engine.Call) bool { return c.CallID == "rejected" }},
		"reason":   {engine.CallFilter{Reason: "blocked"}, func(c *engine.Call) bool { return c.Reason == "blocked" }},
		"source":   {engine.CallFilter{Source: engine.SourcePolicy}, func(c *engine.Call) bool { return c.Source == engine.SourcePolicy }},
		"time": {engine.CallFilter{From: noon.Add(50 * time.Second), To: noon.Add(90 * time.Second)}, func(c *engine.Call) bool {
			return c.At() >= noon.Add(50*time.Second).UnixNano() && c.At() < noon.Add(90*time.Second).UnixNano()
		}},
		"both": {engine.CallFilter{Caller: number(3), Receiver: number(101)}, func(c *engine.Call) bool { return c.Caller == number(3) && c.Receiver == number(101) }},
	}
	for name, f := range filters {
		var want []string
		for _, c := range all {
			if f.is(c) {
				want = append(want, c.CallID)
			}
		}
		f.f.Limit = 3
		got, _ := list(t, s, f.f)
		equal(t, name, append([]string(nil), ids(got)...), want)
	}
}

func TestACursorStaysRightWhileCallsComeIn(t *testing.T) {
	path := newPath(t)
	s, err := history.OpenTuned(options(t, path), small)
	if err != nil {
		t.Fatal(err)
	}
	play(t, s, 0, 50)
	want, _ := list(t, s, engine.CallFilter{})
	first, err := s.Calls(t.Context(), engine.CallFilter{Limit: 20})
	if err != nil {
		t.Fatal(err)
	}
	play(t, s, 50, 20)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, options(t, path), small)
	rest, _ := list(t, s, engine.CallFilter{Limit: 20, Cursor: first.Next})
	equal(t, "the pages after", ids(append(first.Calls, rest...)), ids(want))
}

func TestBadCursorsAreRefused(t *testing.T) {
	s, other := open(t, options(t, newPath(t))), open(t, options(t, newPath(t)))
	play(t, s, 0, 10)
	play(t, other, 0, 10)
	page, err := other.Calls(t.Context(), engine.CallFilter{Limit: 2})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []string{"x", "!", page.Next, page.Next + "A", "AAAAAAAAAAAAAAAAAAAA"} {
		if _, err := s.Calls(t.Context(), engine.CallFilter{Cursor: c}); !errors.Is(err, engine.ErrBadCursor) {
			t.Errorf("cursor %q: %v", c, err)
		}
	}
}

func TestDetail(t *testing.T) {
	s := open(t, options(t, newPath(t)))
	if d, err := s.Call(t.Context(), "none"); d != nil || err != nil {
		t.Errorf("an unknown call: %v, %v", d, err)
	}
	first := decision("c1", caller, number(1), did, noon)
	second := decision("c1", caller, number(2), did2, noon.Add(time.Second))
	publish(t, s, first)
	publish(t, s, second)
	a := completion("c1", caller, number(2), did2, noon.Add(time.Minute))
	b := completion("c1", caller, number(2), did2, noon.Add(2*time.Minute))
	complete(t, s, a)
	complete(t, s, b)
	for range 2 {
		d, err := s.Call(t.Context(), "c1")
		if err != nil {
			t.Fatal(err)
		}
		equal(t, "decision", d.Decision, second)
		equal(t, "completions", d.Completions, []*engine.Completion{a, b})
		equal(t, "status", d.Call.Status, engine.StatusAnswered)
		if err := s.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		s.Sweep()
	}
}

func TestExpiryIsSeenWhenRead(t *testing.T) {
	o, c := options(t, newPath(t)), newClock()
	o.Now = c.now
	s := open(t, o)
	route(t, s, "c1", caller, number(1), did)
	status := func() engine.Status {
		d, err := s.Call(t.Context(), "c1")
		if err != nil {
			t.Fatal(err)
		}
		return d.Call.Status
	}
	equal(t, "at first", status(), engine.StatusInFlight)
	c.advance(time.Hour)
	equal(t, "an hour later", status(), engine.StatusExpired)
	equal(t, "totals", profile(t, s, engine.DIDs, did).Totals, engine.Totals{Offered: 1, Expired: 1})
	expired, _ := list(t, s, engine.CallFilter{Status: engine.StatusExpired})
	equal(t, "listed", ids(expired), []string{"c1"})
	complete(t, s, completion("c1", caller, number(1), did, c.now()))
	equal(t, "after a late report", profile(t, s, engine.DIDs, did).Totals, engine.Totals{Offered: 1, Answered: 1, TalkSeconds: 50})
}

func TestRecent(t *testing.T) {
	s := open(t, options(t, newPath(t)))
	for i := range 5 {
		rec := route(t, s, fmt.Sprintf("c%d", i), number(i), number(100), did)
		complete(t, s, completion(rec.CallID, number(i), number(100), did, noon))
	}
	got := s.Recent(3)
	if len(got) != 3 || got[0].CallID != "c4" || got[2].CallID != "c2" || got[0].DID.Canonical != did || got[0].Caller != person(number(4)) {
		t.Errorf("Recent: %+v", got)
	}
	if n := len(s.Recent(100)); n != 5 {
		t.Errorf("Recent(100) has %d", n)
	}
}
