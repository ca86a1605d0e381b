package history_test

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"switchboard/engine"
	"switchboard/engine/history"
)

// fromPool is a session that leaves the DID to the store.
func fromPool(ref, a, b string) engine.Session {
	return engine.Session{Ref: ref, Parties: [2]string{a, b}, Expires: noon.Add(time.Hour).UnixNano()}
}

func poolOf(n int) (out []string) {
	for i := range n {
		out = append(out, fmt.Sprintf("9186456586%02d", i))
	}
	return out
}

func TestADIDFromThePool(t *testing.T) {
	c := newClock()
	o := options(t, newPath(t))
	o.Now = c.now
	s := open(t, o)
	pool := poolOf(3)
	var taken []string
	for i := range pool {
		c.advance(time.Second)
		got := putSession(t, s, fromPool(fmt.Sprint("order-", i), caller, number(i)), pool...)
		if slices.Contains(taken, got.DID) || !slices.Contains(pool, got.DID) {
			t.Fatalf("%s after %v", got.DID, taken)
		}
		taken = append(taken, got.DID)
	}
	if _, err := s.PutSession(t.Context(), fromPool("order-9", number(9), caller), pool, ""); !errors.Is(err, engine.ErrPoolExhausted) {
		t.Errorf("a fourth: %v", err)
	}
	putSession(t, s, fromPool("strangers", number(8), number(9)), pool...)
	equal(t, "put again", putSession(t, s, fromPool("order-1", caller, number(1)), pool...).DID, taken[1])
	longer := fromPool("order-1", caller, number(1))
	longer.Expires = 0
	equal(t, "extended", putSession(t, s, longer, pool...).DID, taken[1])
	equal(t, "another courier", putSession(t, s, fromPool("order-1", caller, number(7)), pool...).DID, taken[1])

	// What ended the longest ago is taken first.
	for _, i := range []int{1, 2, 0} {
		c.advance(time.Minute)
		endSession(t, s, fmt.Sprint("order-", i))
	}
	for n, i := range []int{1, 2, 0} {
		got := putSession(t, s, fromPool(fmt.Sprint("later-", n), caller, number(20+n)), pool...)
		equal(t, "the DID", got.DID, taken[i])
		if got.LastEnded == 0 {
			t.Error("nothing tells when the one before ended")
		}
	}
	c.set(noon.Add(2 * time.Hour))
	putSession(t, s, engine.Session{Ref: "later", Parties: [2]string{caller, courier}}, pool...)
}

// Nobody ever gets two sessions on one DID, and no DID is left over.
func TestAPoolIsGivenAwayExactly(t *testing.T) {
	s := open(t, options(t, newPath(t)))
	pool := poolOf(10)
	got := make([]string, 30)
	var wg sync.WaitGroup
	for i := range got {
		wg.Go(func() {
			p, err := s.PutSession(t.Context(), fromPool(fmt.Sprint("order-", i), caller, number(i)), pool, "")
			if err == nil {
				got[i] = p.DID
			} else if !errors.Is(err, engine.ErrPoolExhausted) {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	got = slices.DeleteFunc(got, func(d string) bool { return d == "" })
	slices.Sort(got)
	equal(t, "DIDs", got, pool)
}

func TestSessionsAreListed(t *testing.T) {
	c := newClock()
	path := newPath(t)
	o := options(t, path)
	o.Now = c.now
	s, err := history.OpenTuned(o, small)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 700 {
		c.advance(time.Second)
		in := engine.Session{Ref: fmt.Sprintf("order-%03d", i), DID: []string{did, did2}[i%2], Parties: [2]string{number(i % 7), number(1000 + i)}}
		putSession(t, s, in)
		if i == 400 {
			if err := s.Flush(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if i%10 == 0 {
			endSession(t, s, fmt.Sprintf("order-%03d", i/2))
		}
	}
	want := func(f engine.SessionFilter) (out []string) {
		for i := 699; i >= 0; i-- {
			if ended := i <= 345 && i%5 == 0; ended && !f.Ended || f.DID == did2 && i%2 == 0 || f.Party == number(3) && i%7 != 3 {
				continue
			}
			out = append(out, fmt.Sprintf("order-%03d", i))
		}
		return out
	}
	list := func(f engine.SessionFilter) (out []string) {
		for {
			page, err := s.Sessions(t.Context(), f)
			if err != nil {
				t.Fatal(err)
			}
			for _, p := range page.Sessions {
				out = append(out, p.Ref)
			}
			if f.Cursor = page.Next; f.Cursor == "" {
				return out
			}
		}
	}
	for _, f := range []engine.SessionFilter{{Limit: 7}, {}, {Ended: true, Limit: 50}, {DID: did2}, {Party: number(3), Limit: 10}, {DID: did2, Party: number(3), Ended: true}} {
		equal(t, fmt.Sprintf("%+v", f), list(f), want(f))
	}
	page, err := s.Sessions(t.Context(), engine.SessionFilter{Limit: 5})
	if err != nil {
		t.Fatal(err)
	}
	putSession(t, s, pairing("newer"))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, o, small)
	next, err := s.Sessions(t.Context(), engine.SessionFilter{Limit: 2, Cursor: page.Next})
	if err != nil || len(next.Sessions) != 2 || next.Sessions[0].Ref != "order-694" {
		t.Errorf("after a restart: %+v, %v", next, err)
	}
	for _, cursor := range []string{"?", "AAAA", page.Next + "AA"} {
		if _, err := s.Sessions(t.Context(), engine.SessionFilter{Cursor: cursor}); !errors.Is(err, engine.ErrBadCursor) {
			t.Errorf("cursor %q: %v", cursor, err)
		}
	}
}
