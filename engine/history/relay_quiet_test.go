package history_test

import (
	"testing"
	"time"

	"switchboard/engine"
	"switchboard/engine/history"
)

// What was imported is not relayed, whatever comes of it; what the provider
// reports is, also where it says what was imported before.
func TestTheRelayIsNotToldOfQuietCompletions(t *testing.T) {
	path := newPath(t)
	s, err := history.OpenTuned(options(t, path))
	if err != nil {
		t.Fatal(err)
	}
	quiet := func(id string, ended time.Time) engine.CompletionResult {
		t.Helper()
		c := completion(id, caller, number(1), did, ended)
		c.Quiet = true
		result, err := s.Complete(t.Context(), c)
		if err != nil {
			t.Fatal(err)
		}
		return result
	}
	loud := func(id string, ended time.Time) engine.CompletionResult {
		t.Helper()
		result, err := s.Complete(t.Context(), completion(id, caller, number(1), did, ended))
		if err != nil {
			t.Fatal(err)
		}
		return result
	}
	minute := noon.Add(time.Minute)
	equal(t, "the first of it", quiet("old", minute), engine.Stored)
	equal(t, "again", quiet("old", minute), engine.Duplicate)
	equal(t, "more of it", quiet("old", minute.Add(time.Minute)), engine.Updated)
	route(t, s, "old", caller, number(1), did) // nobody was told of the call
	equal(t, "one that is reported later", quiet("both", minute), engine.Stored)
	equal(t, "the same report by the provider", loud("both", minute), engine.Duplicate)
	equal(t, "and again", loud("both", minute), engine.Duplicate)
	equal(t, "one that was reported before", loud("live", minute), engine.Stored)
	equal(t, "the same report imported", quiet("live", minute), engine.Duplicate)
	equal(t, "more of it imported", quiet("live", minute.Add(time.Minute)), engine.Updated)
	all := entries(t, s, 0)
	equal(t, "entries", callIDs(all), []string{"both", "live"})
	for _, e := range all {
		if c := relayed(t, s, e); c.Update || c.Completion.Quiet || c.Call.EndedAt != minute.UnixNano() {
			t.Errorf("%s: %+v", e.CallID, c)
		}
	}
	equal(t, "totals", profile(t, s, engine.DIDs, did).Totals, engine.Totals{Offered: 3, Answered: 3, TalkSeconds: 150})
	verifyClosed(t, s, path)
}
