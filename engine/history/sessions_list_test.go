package history_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"switchboard/engine"
	"switchboard/engine/history"
)

// listed are the refs of all pages of a filter.
func listed(t testing.TB, s *history.Store, f engine.SessionFilter) []string {
	t.Helper()
	out := []string{}
	for {
		page, err := s.Sessions(t.Context(), f)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range page.Sessions {
			out = append(out, p.Ref)
		}
		if f.Cursor = page.Next; page.Next == "" {
			return out
		}
	}
}

// Listing by DID or party shows what looking through all sessions does, however
// refs move between numbers, end, expire and are swept.
func TestSessionsByTheirNumbers(t *testing.T) {
	clock, path := newClock(), newPath(t)
	o := options(t, path)
	o.Now = clock.now
	s, err := history.OpenTuned(o)
	if err != nil {
		t.Fatal(err)
	}
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	dids := []string{did, did2, "91864565869"} // one is the beginning of another
	people := []string{"9876543210", "9876543211", "9876543212", "987654321"}
	last := make(map[string]*engine.Session)
	check := func() {
		t.Helper()
		now := clock.now().UnixNano()
		for _, d := range append(dids, "") {
			for _, p := range append(people, "") {
				for _, ended := range []bool{true, false} {
					var want []*engine.Session
					for _, v := range last {
						if (d == "" || v.DID == d) && (p == "" || slices.Contains(v.Parties[:], p)) && (ended || v.Live(now)) {
							want = append(want, v)
						}
					}
					slices.SortFunc(want, func(a, b *engine.Session) int {
						if a.Created != b.Created {
							return int(b.Created - a.Created)
						}
						return -1
					})
					refs := []string{}
					for _, v := range want {
						refs = append(refs, v.Ref)
					}
					equal(t, fmt.Sprintf("did %q party %q ended %v", d, p, ended),
						listed(t, s, engine.SessionFilter{DID: d, Party: p, Ended: ended, Limit: 3}), refs)
				}
			}
		}
	}
	for step := range 120 {
		clock.advance(time.Duration(1+random.IntN(90)) * time.Second)
		ref := fmt.Sprintf("order-%d", random.IntN(20))
		switch random.IntN(5) {
		case 0:
			if out := endSession(t, s, ref); out != nil {
				last[ref] = out
			}
		case 1:
			if err := s.SweepLive(t.Context()); err != nil {
				t.Fatal(err)
			}
		default:
			two := random.Perm(len(people))
			in := engine.Session{Ref: ref, DID: dids[random.IntN(len(dids))], Parties: [2]string{people[two[0]], people[two[1]]},
				Expires: clock.now().Add(time.Duration(1+random.IntN(20)) * time.Minute).UnixNano()}
			last[ref] = putSession(t, s, in)
		}
		if step%20 == 19 {
			check()
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	equal(t, "problems", verify(t, path).Problems, []string{})
	if s, err = history.OpenTuned(o); err != nil {
		t.Fatal(err)
	}
	check()
	clock.advance(31 * 24 * time.Hour) // nothing is kept for longer
	if err := s.SweepLive(t.Context()); err != nil {
		t.Fatal(err)
	}
	equal(t, "after a month", listed(t, s, engine.SessionFilter{DID: did, Ended: true}), []string{})
	entries, err := s.LiveEntries()
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "left in the index", [2]int{entries["sessions"], entries["listed"]}, [2]int{})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// The bound holds for open sessions; what ended or expired makes room, also
// after a restart.
func TestSessionsAreBounded(t *testing.T) {
	clock, path := newClock(), newPath(t)
	o := options(t, path)
	o.Now = clock.now
	tune := func(u *history.Tuning) { u.Sessions = 3 }
	s, err := history.OpenTuned(o, tune)
	if err != nil {
		t.Fatal(err)
	}
	pair := func(i int) engine.Session {
		in := pairing(fmt.Sprintf("order-%d", i))
		in.Parties = [2]string{number(2 * i), number(2*i + 1)}
		in.Expires = clock.now().Add(time.Duration(i+1) * time.Minute).UnixNano()
		return in
	}
	refused := func(when string, i int) {
		t.Helper()
		if _, err := s.PutSession(t.Context(), pair(i), nil, ""); !errors.Is(err, engine.ErrTooMany) {
			t.Errorf("%s: error %v", when, err)
		}
	}
	for i := range 3 {
		putSession(t, s, pair(i))
	}
	refused("a fourth", 3)
	putSession(t, s, pair(2)) // one that is there may change
	endSession(t, s, "order-2")
	putSession(t, s, pair(4))
	refused("a fourth beside one that ended", 5)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if s, err = history.OpenTuned(o, tune); err != nil {
		t.Fatal(err)
	}
	refused("after a restart", 5)
	clock.advance(time.Minute + 10*time.Second) // the first has expired
	if err := s.SweepLive(t.Context()); err != nil {
		t.Fatal(err)
	}
	putSession(t, s, pair(6))
	refused("beside one that expired", 7)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}
