package history_test

import (
	"errors"
	"fmt"
	"os"
	"testing"
	"time"

	"pgregory.net/rapid"

	"switchboard/engine"
	"switchboard/engine/history"
)

// livePicture is all that a store shows of sessions and facts.
func livePicture(t testing.TB, s *history.Store) map[string]any {
	t.Helper()
	out := make(map[string]any)
	page, err := s.Sessions(t.Context(), engine.SessionFilter{Limit: engine.MaxPage})
	if err != nil {
		t.Fatal(err)
	}
	out["sessions"] = page.Sessions
	for _, p := range page.Sessions {
		for _, n := range p.Parties {
			out["pair "+p.DID+n] = paired(t, s, p.DID, n)
		}
	}
	out["facts"] = factNames(t, s, "")
	return out
}

// change makes the i-th of many changes of live data.
func change(t testing.TB, s *history.Store, i int) {
	t.Helper()
	in := pairing(fmt.Sprint("order-", i*7%11))
	v := view(t, s, nil)
	in.Expires = v.At().Add(time.Duration(1+i%4) * time.Hour).UnixNano()
	v.Close()
	in.DID, in.Parties[1] = []string{did, did2}[i%2], number(i%5)
	if i%3 == 0 {
		in.Expires += int64(i) * int64(time.Minute)
	}
	putSession(t, s, in)
	if i%4 == 0 {
		endSession(t, s, fmt.Sprint("order-", i%11))
	}
	putFact(t, s, "c", fmt.Sprint(i%6), fmt.Sprint(i))
	if i%5 == 0 {
		deleteFact(t, s, "c", fmt.Sprint((i+1)%6))
	}
}

func TestLiveDataAreThereAfterACrash(t *testing.T) {
	path := newPath(t)
	s, err := history.OpenTuned(options(t, path), small)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 60 {
		change(t, s, i)
		if i == 30 {
			if err := s.Flush(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	}
	want := livePicture(t, s)
	if err := s.Crash(); err != nil {
		t.Fatal(err)
	}
	copied, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	s = open(t, options(t, path), small)
	equal(t, "after a crash", livePicture(t, s), want)
	if err := s.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.Sweep()
	equal(t, "from the index alone", livePicture(t, s), want)

	alone := newPath(t)
	if err := os.WriteFile(alone, copied, 0o600); err != nil {
		t.Fatal(err)
	}
	s, err = history.OpenTuned(options(t, alone), small)
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "the index is rebuilt", func() bool { return !s.Status().Rebuilding })
	equal(t, "rebuilt", livePicture(t, s), want)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	equal(t, "index", verify(t, alone).Index, history.IndexEqual)
}

// What expired goes from the index, and nothing else does.
func TestWhatExpiredIsSwept(t *testing.T) {
	c := newClock()
	path := newPath(t)
	o := options(t, path)
	o.Now = c.now
	s, err := history.OpenTuned(o, small)
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
	for i := range 10 {
		in := pairing(fmt.Sprint("order-", i))
		in.Parties[1] = number(i)
		in.Expires = noon.Add(time.Duration(i+1) * time.Hour).UnixNano()
		putSession(t, s, in)
	}
	endSession(t, s, "order-9")
	ever := pairing("ever")
	ever.Parties, ever.Expires = [2]string{courier, other}, 0
	putSession(t, s, ever)
	putFact(t, s, "c", "stays", "1")
	if _, err := s.PutFact(t.Context(), engine.Fact{Collection: "c", Key: "goes", Value: []byte("1"), Expires: noon.Add(time.Hour).UnixNano()}); err != nil {
		t.Fatal(err)
	}
	equal(t, "at first", sweep(), map[string]int{"pairs": 13, "refs": 11, "sessions": 11, "listed": 3 * 11, "facts": 2, "due": 11 + 10 + 1})
	c.set(noon.Add(5*time.Hour + time.Minute))
	n := sweep()
	equal(t, "facts", n["facts"], 1)
	equal(t, "refs of ended ones", n["refs"], 11)
	equal(t, "left", len(paired(t, s, did, caller)), 4)
	c.set(noon.Add(31 * 24 * time.Hour))
	equal(t, "in the end", sweep(), map[string]int{"pairs": 2, "refs": 1, "sessions": 1, "listed": 3, "facts": 1, "due": 0})
	equal(t, "what stays", paired(t, s, did, courier), []string{"ever"})
	if gone, err := s.Session(t.Context(), "order-3"); gone != nil || err != nil {
		t.Errorf("%+v, %v", gone, err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	equal(t, "index", verify(t, path).Index, history.IndexEqual)
}

// Retention takes the records of calls and of what ended, not what counts.
func TestRetentionKeepsLiveData(t *testing.T) {
	c := newClock()
	path := newPath(t)
	o := options(t, path)
	o.Now, o.Retention = c.now, 24*time.Hour
	quiet := func(u *history.Tuning) { small(u); u.TrimEvery, u.TrimBatch = time.Hour, 3 }
	s, err := history.OpenTuned(o, quiet)
	if err != nil {
		t.Fatal(err)
	}
	ever := pairing("ever")
	ever.Expires = 0
	kept := putSession(t, s, ever)
	putSession(t, s, func() engine.Session { p := pairing("ended"); p.Parties[1] = other; return p }())
	putFact(t, s, "c", "stays", "1")
	putFact(t, s, "c", "goes", "1")
	deleteFact(t, s, "c", "goes")
	for i := range 5 {
		route(t, s, fmt.Sprint("call-", i), caller, number(i), did)
	}
	for range 3 {
		c.advance(25 * time.Hour)
		if err := s.Trim(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	check := func(when string) {
		t.Helper()
		equal(t, "sessions "+when, paired(t, s, did, caller), []string{"ever"})
		equal(t, "facts "+when, factNames(t, s, ""), []string{"c/stays=1"})
		got, err := s.Session(t.Context(), "ever")
		if err != nil {
			t.Fatal(err)
		}
		equal(t, "the session "+when, got, kept)
	}
	check("after retention")
	list := auditTrail(t, s, 100)
	if len(list) != 0 {
		t.Errorf("the trail tells of records that nobody made: %v", list)
	}
	if n := records(s); n > 12 {
		t.Errorf("%d records are left", n)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	equal(t, "index", verify(t, path).Index, history.IndexEqual)
	remove(t, history.IndexPath(path))
	if s, err = history.OpenTuned(o, quiet); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the index is rebuilt", func() bool { return !s.Status().Rebuilding })
	check("after a rebuild")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestLiveDataWhileTheDiskFails(t *testing.T) {
	d := &disk{}
	s, err := history.OpenTuned(options(t, newPath(t)), d.tune, func(u *history.Tuning) { u.CompleteWait = 20 * time.Millisecond })
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "the first session is on disk", func() bool {
		_, err := s.PutSession(t.Context(), pairing("order-1"), nil, "")
		return err == nil
	})
	d.full.Store(true)
	_, err = s.PutSession(t.Context(), pairing("order-2"), nil, "")
	_, ferr := s.PutFact(t.Context(), engine.Fact{Collection: "c", Key: "k", Value: []byte("1")})
	_, eerr := s.EndSession(t.Context(), "order-1", "")
	for _, err := range []error{err, ferr, eerr} {
		if !errors.Is(err, engine.ErrUnavailable) {
			t.Errorf("error %v, want unavailable", err)
		}
	}
	d.full.Store(false)
	eventually(t, "the record that was queued is on disk", func() bool {
		_, err := s.PutSession(t.Context(), pairing("order-2"), nil, "")
		return err == nil
	})
	equal(t, "afterwards", paired(t, s, did, caller), []string{"order-2"})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := s.PutSession(t.Context(), pairing("order-3"), nil, ""); !errors.Is(err, engine.ErrUnavailable) {
		t.Errorf("after closing: %v", err)
	}
}

// Whatever happens to live data, an index made anew shows the same.
func TestLiveDataAreAFoldOfTheLog(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		c, path := newClock(), newPath(t)
		o := options(t, path)
		o.Now = c.now
		s, err := history.OpenTuned(o, small)
		if err != nil {
			t.Fatal(err)
		}
		for range rapid.IntRange(1, 40).Draw(r, "changes") {
			switch rapid.IntRange(0, 6).Draw(r, "what") {
			case 0, 1, 2:
				change(t, s, rapid.IntRange(0, 60).Draw(r, "change"))
			case 3:
				if err := s.Flush(t.Context()); err != nil {
					t.Fatal(err)
				}
				s.Sweep()
			case 5:
				c.advance(time.Duration(rapid.IntRange(1, 200).Draw(r, "minutes")) * time.Minute)
			case 6:
				if err := s.SweepLive(t.Context()); err != nil {
					t.Fatal(err)
				}
			case 4:
				if err := s.Crash(); err != nil {
					t.Fatal(err)
				}
				if s, err = history.OpenTuned(o, small); err != nil {
					t.Fatal(err)
				}
			}
		}
		want := livePicture(t, s)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		equal(t, "index", verify(t, path).Index, history.IndexEqual)
		remove(t, history.IndexPath(path))
		if s, err = history.OpenTuned(o, small); err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		eventually(t, "the index is rebuilt", func() bool { return !s.Status().Rebuilding })
		equal(t, "an index made anew", livePicture(t, s), want)
	})
}
