package history_test

import (
	"errors"
	"testing"

	"switchboard/engine"
)

// A cursor is one that the store handed out, and leads to the rest, or is
// refused as none.
func FuzzCursors(f *testing.F) {
	s := open(f, options(f, newPath(f)))
	for i := range 4 {
		route(f, s, number(i), number(i), number(9), did)
		putFact(f, s, "paused", number(i), "1")
	}
	page, err := s.Calls(f.Context(), engine.CallFilter{Limit: 2})
	if err != nil || page.Next == "" {
		f.Fatalf("%+v, %v", page, err)
	}
	facts, err := s.Facts(f.Context(), engine.FactFilter{Limit: 2})
	if err != nil || facts.Next == "" {
		f.Fatalf("%+v, %v", facts, err)
	}
	for _, seed := range []string{"", page.Next, facts.Next, page.Next + "A", page.Next[1:], "AAAAAAAAAAAAAAAAAAAAAA", "=", "\x00"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, cursor string) {
		if got, err := s.Calls(t.Context(), engine.CallFilter{Limit: 10, Cursor: cursor}); err == nil && cursor != "" && len(got.Calls) > 3 ||
			err != nil && !errors.Is(err, engine.ErrBadCursor) {
			t.Fatalf("calls by %q: %d, %v", cursor, len(got.Calls), err)
		}
		if _, err := s.Facts(t.Context(), engine.FactFilter{Limit: 10, Cursor: cursor}); err != nil && !errors.Is(err, engine.ErrBadCursor) {
			t.Fatalf("facts by %q: %v", cursor, err)
		}
		if _, err := s.Sessions(t.Context(), engine.SessionFilter{Limit: 10, Cursor: cursor}); err != nil && !errors.Is(err, engine.ErrBadCursor) {
			t.Fatalf("sessions by %q: %v", cursor, err)
		}
	})
}
