package history_test

import (
	"cmp"
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"switchboard/engine"
	"switchboard/engine/history"
)

// Calls that are told of long after they were stand where they belong, by their
// own time: received, else ended, else when the report came.
func TestImportedCallsStandByTheirOwnTime(t *testing.T) {
	path := newPath(t)
	s, err := history.OpenTuned(options(t, path), small)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 30 {
		route(t, s, fmt.Sprintf("live%02d", i), number(i), number(100), did)
	}
	at := func(id string, received, ended time.Time) {
		c := completion(id, number(50), number(100), did, noon.Add(time.Hour))
		c.ReceivedAt, c.EndedAt = 0, 0
		if !received.IsZero() {
			c.ReceivedAt = received.UnixNano()
		}
		if !ended.IsZero() {
			c.EndedAt = ended.UnixNano()
		}
		complete(t, s, c)
	}
	day := 24 * time.Hour
	at("old2", noon.Add(-2*day), noon.Add(-day))
	at("old9", noon.Add(-9*day), time.Time{})
	at("old3", time.Time{}, noon.Add(-3*day))
	at("none", time.Time{}, time.Time{})
	at("old1", noon.Add(-day), noon.Add(-day))
	check := func(when string) {
		t.Helper()
		got, _ := list(t, s, engine.CallFilter{Limit: 4})
		names := ids(got)
		if len(names) != 35 || names[0] != "none" || !slices.Equal(names[31:], []string{"old1", "old2", "old3", "old9"}) {
			t.Errorf("%s the order is %v", when, names)
		}
		got, _ = list(t, s, engine.CallFilter{Limit: 1, From: noon.Add(-3 * day), To: noon.Add(-day)})
		equal(t, when+" a period", ids(got), []string{"old2", "old3"})
		got, _ = list(t, s, engine.CallFilter{Limit: 1, Caller: number(50), To: noon.Add(-2 * day)})
		equal(t, when+" a caller until then", ids(got), []string{"old3", "old9"})
	}
	check("in memory")
	if err := s.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	check("in the index")
	// An initiation that comes late gives an orphan another time.
	publish(t, s, decision("old9", number(50), number(100), did, noon.Add(-day/2)))
	want := []string{"old9", "old1", "old2", "old3"}
	for _, when := range []string{"in memory", "in the index"} {
		got, _ := list(t, s, engine.CallFilter{To: noon.Add(-time.Hour)})
		equal(t, "after a late initiation, "+when, ids(got), want)
		if err := s.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	verifyClosed(t, s, path)
}

// Whatever order calls of any time come in, and wherever they are, every filter
// and page size lists each matching call once, newest first, and pages go on while
// others come.
func TestCallsAreListedByTime(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		path := newPath(t)
		s, err := history.OpenTuned(options(t, path), func(u *history.Tuning) { u.EpochBits, u.FilterEvery = 3, 4 })
		if err != nil {
			rt.Fatal(err)
		}
		defer s.Close()
		known := map[string]bool{}
		add := func(n int, from, to int64) {
			for range n {
				id := fmt.Sprintf("c%d", rapid.IntRange(0, 40).Draw(rt, "call"))
				known[id] = true
				when := noon.Add(time.Duration(rapid.Int64Range(from, to).Draw(rt, "minute")) * time.Minute)
				who, line := number(rapid.IntRange(0, 2).Draw(rt, "caller")), rapid.SampledFrom([]string{did, did2}).Draw(rt, "did")
				if rapid.Bool().Draw(rt, "decided") {
					publish(t, s, decision(id, who, number(100), line, when))
				} else {
					c := completion(id, who, number(100), line, noon)
					c.ReceivedAt, c.EndedAt = when.UnixNano(), 0
					complete(t, s, c)
				}
				if rapid.IntRange(0, 5).Draw(rt, "then") == 0 {
					if err := s.Flush(t.Context()); err != nil {
						rt.Fatal(err)
					}
					s.Sweep()
				}
			}
		}
		add(rapid.IntRange(0, 40).Draw(rt, "calls"), -5000, 0)
		all := map[string]*engine.Call{}
		for id := range known {
			for _, line := range []string{did, did2} {
				got, _ := list(t, s, engine.CallFilter{DID: line, Limit: engine.MaxPage})
				for _, c := range got {
					if c.CallID == id && c.DID == line {
						all[id+line] = c
					}
				}
			}
		}
		f := engine.CallFilter{Limit: rapid.SampledFrom([]int{1, 2, 5, 100}).Draw(rt, "limit")}
		if rapid.Bool().Draw(rt, "by caller") {
			f.Caller = number(1)
		}
		if rapid.Bool().Draw(rt, "by time") {
			f.From, f.To = noon.Add(-3000*time.Minute), noon.Add(-1000*time.Minute)
		}
		if rapid.Bool().Draw(rt, "in a hurry") {
			f.Within = 1
		}
		var want []string
		for _, c := range all {
			if (f.Caller == "" || c.Caller == f.Caller) && (f.From.IsZero() || c.At() >= f.From.UnixNano() && c.At() < f.To.UnixNano()) {
				want = append(want, fmt.Sprint(c.At(), c.CallID, c.DID))
			}
		}
		var got []*engine.Call
		for {
			page, err := s.Calls(t.Context(), f)
			if err != nil {
				rt.Fatal(err)
			}
			got = append(got, page.Calls...)
			if f.Cursor = page.Next; f.Cursor == "" {
				break
			}
			if len(got) == 1 { // newer ones that come meanwhile disturb nothing
				publish(t, s, decision(fmt.Sprint("new", len(got)), number(1), number(100), did, noon.Add(time.Hour)))
			}
		}
		if !slices.IsSortedFunc(got, func(a, b *engine.Call) int { return cmp.Compare(b.At(), a.At()) }) {
			rt.Fatalf("not newest first: %v", ids(got))
		}
		var had []string
		for _, c := range got {
			had = append(had, fmt.Sprint(c.At(), c.CallID, c.DID))
		}
		slices.Sort(want)
		slices.Sort(had)
		equal(t, "what is listed", had, want)
		if err := s.Close(); err != nil {
			rt.Fatal(err)
		}
		equal(t, "the index", verify(t, path).Index, history.IndexEqual)
	})
}
