package history_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"switchboard/engine"
	"switchboard/engine/history"
)

// Of very many sessions that end the oldest go, with what is derived from them,
// whether they were ended, expired or were extended before; those that have not
// ended stay.
func TestEndedSessionsAreBounded(t *testing.T) {
	c, path := newClock(), newPath(t)
	c.set(noon)
	o := options(t, path)
	o.Now = c.now
	few := func(u *history.Tuning) { small(u); u.Ended, u.EvictEvery = 5, time.Hour }
	s, err := history.OpenTuned(o, few)
	if err != nil {
		t.Fatal(err)
	}
	sweep := func() map[string]int {
		t.Helper()
		for range 3 {
			if err := errors.Join(s.Flush(t.Context()), s.SweepLive(t.Context())); err != nil {
				t.Fatal(err)
			}
		}
		n, err := s.LiveEntries()
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	known := func() (out []int) {
		t.Helper()
		for i := range 20 {
			got, err := s.Session(t.Context(), fmt.Sprint("order-", i))
			if err != nil {
				t.Fatal(err)
			}
			if got != nil {
				out = append(out, i)
			}
		}
		return out
	}
	order := func(i int) engine.Session {
		in := pairing(fmt.Sprint("order-", i))
		in.Parties = [2]string{number(2 * i), number(2*i + 1)}
		in.Expires = c.now().Add(time.Hour).UnixNano()
		return in
	}
	long := order(19)
	long.Expires = noon.Add(40 * 24 * time.Hour).UnixNano()
	putSession(t, s, long)
	for i := range 12 {
		in := order(i)
		putSession(t, s, in)
		if i%3 == 0 {
			in.Expires += int64(time.Minute)
			putSession(t, s, in)
		}
		c.advance(time.Minute)
		if i%2 == 0 {
			endSession(t, s, in.Ref) // the others expire in an hour
		}
	}
	c.advance(10 * time.Second)
	sweep()
	equal(t, "known while only six have ended", known(), []int{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 19})
	c.advance(2 * time.Hour)
	n := sweep()
	equal(t, "known when all have", known(), []int{3, 5, 7, 9, 11, 19})
	for bucket, most := range map[string]int{"refs": 6, "sessions": 6, "listed": 18, "pairs": 12, "due": 18 + 4} {
		if n[bucket] > most {
			t.Errorf("%d entries in %s", n[bucket], bucket)
		}
	}
	// Who had one of those that are gone begins anew; who had another does not.
	equal(t, "an earlier end that is gone", putSession(t, s, order(0)).LastEnded, int64(0))
	again := order(11)
	again.Ref = "again"
	if putSession(t, s, again).LastEnded == 0 {
		t.Error("an earlier end that is kept is not told")
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	equal(t, "index", verify(t, path).Index, history.IndexEqual)

	s, err = history.OpenTuned(o, few)
	if err != nil {
		t.Fatal(err)
	}
	sweep()
	equal(t, "known after a restart", known(), []int{0, 3, 5, 7, 9, 11, 19})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	remove(t, history.IndexPath(path))
	s = open(t, o, few)
	eventually(t, "the index is rebuilt", func() bool { return !s.Status().Rebuilding })
	sweep()
	equal(t, "known after a rebuild", known(), []int{0, 3, 5, 7, 9, 11, 19})
}
