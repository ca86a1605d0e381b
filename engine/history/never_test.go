package history_test

import (
	"errors"
	"fmt"
	"testing"

	"switchboard/engine"
	"switchboard/engine/history"
)

// Each call asks for the sessions of its caller and for facts. Who has none of
// either keeps nothing of that in memory.
func TestWhatNeverWasIsNotInMemory(t *testing.T) {
	s := open(t, options(t, newPath(t)))
	before := s.InMemory()
	v := view(t, s, nil)
	for i := range 100 {
		sessions, err := v.Sessions(did, number(i))
		fact, ferr := v.Fact("paused", number(i))
		if len(sessions) > 0 || fact != nil || err != nil || ferr != nil {
			t.Fatal(sessions, fact, err, ferr)
		}
	}
	equal(t, "states in memory", s.InMemory(), before)
	if _, err := s.Publish(v, decision("c", caller, number(1), did, v.At())); err != nil {
		t.Errorf("Publish: %v", err)
	}
}

// The first session, or fact, that there ever was is a conflict for who read that
// there is none, wherever it is by then; any other is not.
func TestTheFirstLiveDataIsAConflict(t *testing.T) {
	later := map[string]func(t *testing.T, s *history.Store){
		"in memory": func(*testing.T, *history.Store) {},
		"in the index": func(t *testing.T, s *history.Store) {
			if err := s.Flush(t.Context()); err != nil {
				t.Fatal(err)
			}
			equal(t, "states in memory", s.Sweep(), 0)
		},
		"gone": func(t *testing.T, s *history.Store) {
			endSession(t, s, "order-1")
			deleteFact(t, s, "paused", courier)
			if err := s.Flush(t.Context()); err != nil {
				t.Fatal(err)
			}
			s.Sweep()
		},
	}
	for name, read := range map[string]func(engine.View) error{
		"session": func(v engine.View) error { return second(v.Sessions(did, caller)) },
		"fact":    func(v engine.View) error { return second(v.Fact("paused", courier)) },
	} {
		for where, then := range later {
			t.Run(fmt.Sprint(name, " ", where), func(t *testing.T) {
				s := open(t, options(t, newPath(t)))
				early, late := view(t, s, nil), view(t, s, nil)
				if err := read(early); err != nil {
					t.Fatal(err)
				}
				putSession(t, s, pairing("order-1"))
				putFact(t, s, "paused", courier, `true`)
				then(t, s)
				if _, err := s.Publish(early, decision("x", number(7), number(8), did2, early.At())); !errors.Is(err, engine.ErrConflict) {
					t.Errorf("Publish over a view that read nothing: %v", err)
				}
				if err := read(late); !errors.Is(err, engine.ErrConflict) {
					t.Errorf("reading what came since the view was opened: %v", err)
				}
			})
		}
	}
	s := open(t, options(t, newPath(t)))
	v := view(t, s, nil)
	for _, err := range []error{second(v.Sessions(did, number(3))), second(v.Fact("paused", number(3)))} {
		if err != nil {
			t.Fatal(err)
		}
	}
	putSession(t, s, pairing("order-1"))
	putFact(t, s, "paused", courier, `true`)
	if _, err := s.Publish(v, decision("x", number(7), number(8), did2, v.At())); err != nil {
		t.Errorf("Publish over what others' data changed: %v", err)
	}
}
