package history_test

import (
	"errors"
	"testing"
	"time"

	"switchboard/engine"
	"switchboard/engine/history"
)

func TestADecisionIsSeenByTheNextView(t *testing.T) {
	s := open(t, options(t, newPath(t)))
	v := view(t, s, nil)
	if p, err := v.Profile(engine.DIDs, did); p != nil || err != nil {
		t.Fatalf("profile of an unknown DID: %v, %v; want none", p, err)
	}
	if v.KnowsDID(did) {
		t.Error("a DID is known before any call")
	}
	if _, err := s.Publish(view(t, s, nil), decision("c1", caller, number(1), did, v.At())); err != nil {
		t.Fatal(err)
	}
	next := view(t, s, nil)
	p, err := next.Profile(engine.DIDs, did)
	if err != nil || p == nil {
		t.Fatalf("profile after the decision: %v, %v", p, err)
	}
	equal(t, "in flight", p.InFlight, int64(1))
	equal(t, "last by reason", p.LastByReason["round_robin"].Receiver, number(1))
	if !next.KnowsDID(did) || next.KnowsDID(did2) {
		t.Error("KnowsDID does not tell the DID that was called from the other")
	}
	c, err := next.Call("c1")
	if err != nil || c == nil || c.Status != engine.StatusInFlight {
		t.Fatalf("Call: %+v, %v; want one in flight", c, err)
	}
	if c, err := next.Call("c2"); c != nil || err != nil {
		t.Errorf("Call of an unknown id: %v, %v", c, err)
	}
}

func TestWhatWasReadMustNotHaveChanged(t *testing.T) {
	reads := map[string]func(v engine.View) error{
		"DID":          func(v engine.View) error { _, err := v.Profile(engine.DIDs, did); return err },
		"receiver":     func(v engine.View) error { _, err := v.Profile(engine.Receivers, number(1)); return err },
		"caller":       func(v engine.View) error { _, err := v.Profile(engine.Callers, caller); return err },
		"call":         func(v engine.View) error { _, err := v.Call("known"); return err },
		"unseen DID":   func(v engine.View) error { _, err := v.Profile(engine.DIDs, did2); return err },
		"unseen call":  func(v engine.View) error { _, err := v.Call("new"); return err },
		"unseen agent": func(v engine.View) error { _, err := v.Profile(engine.Receivers, number(2)); return err },
	}
	for name, read := range reads {
		t.Run(name, func(t *testing.T) {
			s := open(t, options(t, newPath(t)))
			route(t, s, "known", caller, number(1), did)
			early, late, idle := view(t, s, nil), view(t, s, nil), view(t, s, nil)
			if err := read(early); err != nil {
				t.Fatal(err)
			}
			complete(t, s, completion("known", caller, number(1), did, noon.Add(time.Minute)))
			route(t, s, "new", number(3), number(2), did2)

			if _, err := s.Publish(early, decision("x", number(7), number(8), did, early.At())); !errors.Is(err, engine.ErrConflict) {
				t.Errorf("Publish over a view whose read changed: %v", err)
			}
			if d, err := s.Call(t.Context(), "x"); d != nil || err != nil {
				t.Errorf("a refused decision left a call: %v, %v", d, err)
			}
			if err := read(late); !errors.Is(err, engine.ErrConflict) {
				t.Errorf("reading what changed since the view was opened: %v", err)
			}
			for _, v := range []engine.View{idle, nil} {
				if _, err := s.Publish(v, decision("y", number(7), number(8), did, early.At())); err != nil {
					t.Errorf("Publish of one who read nothing: %v", err)
				}
			}
			equal(t, "conflicts counted", s.Status().Conflicts, uint64(1))
		})
	}
}

func TestAViewOutlivesMemory(t *testing.T) {
	s := open(t, options(t, newPath(t)))
	route(t, s, "c1", caller, number(1), did)
	changed, same := view(t, s, nil), view(t, s, nil)
	for _, v := range []engine.View{changed, same} {
		if _, err := v.Profile(engine.DIDs, did); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.Publish(same, decision("c2", caller, number(1), did2, same.At())); err != nil {
		t.Fatalf("Publish over what did not change: %v", err)
	}
	route(t, s, "c3", caller, number(1), did)
	if err := s.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if left := s.Sweep(); left != 0 {
		t.Fatalf("%d entries stay in memory after nobody used them", left)
	}
	if _, err := s.Publish(changed, decision("c4", caller, number(1), did, changed.At())); !errors.Is(err, engine.ErrConflict) {
		t.Errorf("Publish over a change that memory forgot: %v", err)
	}
	equal(t, "offered", profile(t, s, engine.DIDs, did).Totals.Offered, int64(2))
}

func TestMomentsOfViewsGrow(t *testing.T) {
	o, c := options(t, newPath(t)), newClock()
	o.Now = c.now
	s, err := history.OpenTuned(o)
	if err != nil {
		t.Fatal(err)
	}
	first := view(t, s, nil).At()
	second := view(t, s, nil).At() // the clock stands
	c.advance(-time.Second)
	third := view(t, s, nil).At() // and is set back a little
	if !second.After(first) || !third.After(second) {
		t.Errorf("moments %v, %v, %v don't grow", first, second, third)
	}
	c.advance(time.Second)
	last := route(t, s, "c1", caller, number(1), did).RoutedAt
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}

	c.advance(-time.Second)
	s = open(t, o)
	if at := view(t, s, nil).At().UnixNano(); at <= last {
		t.Errorf("the first moment after a restart is %d, not after the last decision's %d", at, last)
	}
	c.advance(-time.Hour)
	if at := view(t, s, nil).At(); !at.Equal(c.now()) {
		t.Errorf("a clock set back by an hour gives %v, want %v", at, c.now())
	}
}

func TestAnAnswerIsRepeatedWhereverItLies(t *testing.T) {
	path := newPath(t)
	s, err := history.OpenTuned(options(t, path))
	if err != nil {
		t.Fatal(err)
	}
	want := route(t, s, "c1", caller, number(1), did)
	none := decision("c2", caller, "", did, noon)
	none.Decision, none.ReceiverIsNumber = engine.Decision{Source: engine.SourceNone}, false
	if _, err := s.Publish(nil, none); err != nil {
		t.Fatal(err)
	}
	check := func(where string, s *history.Store) {
		t.Helper()
		got, _ := s.Answered("c1", did)
		equal(t, "answer "+where, got, want)
		for _, q := range [][2]string{{"c1", did2}, {"c2", did}, {"c3", did}} {
			if got, _ := s.Answered(q[0], q[1]); got != nil {
				t.Errorf("Answered(%s, %s) %s: %+v, want none", q[0], q[1], where, got)
			}
		}
	}
	check("in memory", s)
	if err := s.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	check("written behind", s)
	s.Sweep()
	check("on disk only", s)
	if err := s.Crash(); err != nil {
		t.Fatal(err)
	}
	check("after a restart", open(t, options(t, path)))
}

func TestAnswersAreToldWithTheirWayToTheDisk(t *testing.T) {
	gate := make(chan struct{})
	s := open(t, options(t, newPath(t)), func(u *history.Tuning) {
		u.Commit = func(next func() error) error { <-gate; return next() }
	})
	rec := decision("c1", caller, number(1), did, noon)
	if _, err := s.Publish(nil, rec); err != nil {
		t.Fatal(err)
	}
	got, commit := s.Answered("c1", did)
	if got != rec || commit == nil {
		t.Fatalf("Answered before the disk: %v, %v", got, commit)
	}
	select {
	case <-commit.Done():
		t.Error("the commit is done before the disk has it")
	default:
	}
	close(gate)
	<-commit.Done()
	if err := commit.Err(); err != nil {
		t.Error(err)
	}
}
