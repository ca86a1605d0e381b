package history_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"switchboard/engine"
	"switchboard/engine/history"
)

// register makes the targets the configured ones.
func register(t *testing.T, s *history.Store, ids ...string) map[string]engine.RelayState {
	t.Helper()
	states, err := s.RelayRegister(ids)
	if err != nil {
		t.Fatal(err)
	}
	return states
}

// entries reads all that is to be relayed after a sequence number, a few at a
// time.
func entries(t *testing.T, s *history.Store, after uint64) (out []engine.RelayEntry) {
	t.Helper()
	for after < s.RelayEnd() {
		got, through, err := s.RelayEntries(t.Context(), after, 2)
		if err != nil || through <= after || len(got) > 2 {
			t.Fatalf("RelayEntries after %d: %v, %d, %v", after, got, through, err)
		}
		out, after = append(out, got...), through
	}
	return out
}

func callIDs(all []engine.RelayEntry) (out []string) {
	for _, e := range all {
		out = append(out, e.CallID)
	}
	return out
}

func relayed(t *testing.T, s *history.Store, e engine.RelayEntry) *engine.RelayedCall {
	t.Helper()
	c, err := s.RelayedCall(t.Context(), e)
	if err != nil || c == nil {
		t.Fatalf("RelayedCall of %+v: %v, %v", e, c, err)
	}
	return c
}

func TestTheRelayIsToldOfCompletionsWithTheirDecision(t *testing.T) {
	s := open(t, options(t, newPath(t)))
	route(t, s, "c1", caller, number(1), did)
	complete(t, s, completion("c1", caller, number(1), did, noon.Add(time.Minute)))
	complete(t, s, completion("c1", caller, number(1), did, noon.Add(time.Minute))) // a repeat is no news
	route(t, s, "c2", caller, number(1), did)
	complete(t, s, completion("c1", caller, number(1), did, noon.Add(2*time.Minute)))
	complete(t, s, completion("orphan", caller, number(1), did, noon.Add(time.Minute)))
	route(t, s, "orphan", caller, number(2), did) // late: what was told lacked it
	all := entries(t, s, 0)
	equal(t, "entries", callIDs(all), []string{"c1", "c1", "orphan", "orphan"})

	first, second := relayed(t, s, all[0]), relayed(t, s, all[1])
	if first.Update || first.Decision == nil || first.Decision.Decision.Number != number(1) || first.Call.EndedAt != noon.Add(time.Minute).UnixNano() {
		t.Errorf("the first completion, as it was then: %+v %+v", first, first.Call)
	}
	if !second.Update || second.Call.EndedAt != noon.Add(2*time.Minute).UnixNano() || second.Completion.EndedAt != second.Call.EndedAt {
		t.Errorf("the second completion: %+v", second)
	}
	orphan, joined := relayed(t, s, all[2]), relayed(t, s, all[3])
	if orphan.Update || orphan.Decision != nil || orphan.Call.Source != "" {
		t.Errorf("an orphan: %+v", orphan)
	}
	if !joined.Update || joined.Decision == nil || joined.Completion == nil || joined.Call.Source != engine.SourcePolicy {
		t.Errorf("its decision: %+v", joined)
	}
	if c, err := s.RelayedCall(t.Context(), engine.RelayEntry{Seq: 99, CallID: "never"}); c != nil || err != nil {
		t.Errorf("a record that is not there: %v, %v", c, err)
	}
}

func TestTheRelayWaitsForTheDisk(t *testing.T) {
	fail := make(chan struct{})
	s := open(t, options(t, newPath(t)), func(u *history.Tuning) {
		u.Commit = func(next func() error) error {
			select {
			case <-fail:
				return next()
			default:
				return errors.New("no space left on device")
			}
		}
	})
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := s.Publish(nil, decision("c1", caller, number(1), did, noon)); err != nil {
		t.Fatal(err)
	}
	if err := s.RelayWait(ctx, 0); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("RelayWait while nothing is on disk: %v", err)
	}
	if all, through, err := s.RelayEntries(t.Context(), 0, 10); len(all) != 0 || through != 0 || err != nil {
		t.Errorf("what is not on disk is relayed: %v, %d, %v", all, through, err)
	}
	if _, err := s.RelayRegister([]string{"crm"}); !errors.Is(err, engine.ErrUnavailable) {
		t.Errorf("registering on a full disk: %v", err)
	}
	close(fail)
	if err := s.RelayWait(t.Context(), 0); err != nil {
		t.Error(err)
	}
}

func TestATargetKeepsItsPlace(t *testing.T) {
	path := newPath(t)
	clock := newClock()
	o := options(t, path)
	o.Now = clock.now
	s, err := history.OpenTuned(o)
	if err != nil {
		t.Fatal(err)
	}
	complete(t, s, completion("before", caller, number(1), did, noon))
	st := register(t, s, "crm", "other")["crm"]
	if !st.New || st.Cursor != 1 || len(st.Waiting) != 0 {
		t.Errorf("a new target begins with what comes: %+v", st)
	}
	complete(t, s, completion("a", caller, number(1), did, noon))
	complete(t, s, completion("b", caller, number(1), did, noon))
	all := entries(t, s, 1)
	letter := engine.RelayLetter{RelayEntry: all[0], Attempts: 3, First: 5, Next: 7, Status: 500, Error: "500"}
	dying := engine.RelayLetter{RelayEntry: all[1], Attempts: 1, Error: "400", Died: 9}
	if dead, err := s.RelaySave("crm", engine.RelayChanges{Cursor: 3, Waiting: []engine.RelayLetter{letter}, Dead: []engine.RelayLetter{dying}}); err != nil || dead != 1 {
		t.Fatal(dead, err)
	}
	if _, err := s.RelaySave("nobody", engine.RelayChanges{}); err == nil {
		t.Error("a target that was never registered was saved")
	}
	backup := filepath.Join(t.TempDir(), "backup.db")
	if err := s.Backup(t.Context(), backup); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	compacted := filepath.Join(t.TempDir(), "compact.db")
	if err := history.CompactFile(path, compacted); err != nil {
		t.Fatal(err)
	}
	for name, file := range map[string]string{"a restart": path, "a restored backup": backup, "compacting": compacted} {
		o.Path = file
		s := open(t, o)
		st = register(t, s, "crm", "other")["crm"]
		equal(t, "after "+name, st, engine.RelayState{Cursor: 3, Waiting: []engine.RelayLetter{letter}, Dead: 1})
	}
}

func TestARemovedTarget(t *testing.T) {
	clock := newClock()
	o := options(t, newPath(t))
	o.Now = clock.now
	s := open(t, o)
	register(t, s, "crm", "other")
	complete(t, s, completion("a", caller, number(1), did, noon))
	dead := engine.RelayLetter{RelayEntry: entries(t, s, 0)[0], Died: 9}
	if _, err := s.RelaySave("crm", engine.RelayChanges{Cursor: 1, Dead: []engine.RelayLetter{dead}}); err != nil {
		t.Fatal(err)
	}
	register(t, s, "other")
	complete(t, s, completion("b", caller, number(1), did, noon))
	removed, err := s.RelayRemoved()
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "removed", removed, map[string]int{"crm": 1})
	clock.advance(6 * 24 * time.Hour)
	equal(t, "back after six days", register(t, s, "crm", "other")["crm"], engine.RelayState{Cursor: 1, Dead: 1})
	if removed, _ := s.RelayRemoved(); len(removed) != 0 {
		t.Errorf("removed: %v", removed)
	}
	register(t, s, "other")
	clock.advance(8 * 24 * time.Hour)
	equal(t, "back after eight days", register(t, s, "crm", "other")["crm"], engine.RelayState{Cursor: 2, New: true, Skipped: 1})
	register(t, s)
	clock.advance(8 * 24 * time.Hour)
	register(t, s)
	if removed, _ := s.RelayRemoved(); len(removed) != 0 {
		t.Errorf("places of targets removed long ago: %v", removed)
	}
}

func TestDeadLettersAreListedRevivedAndDeleted(t *testing.T) {
	s := open(t, options(t, newPath(t)))
	register(t, s, "a", "b")
	for i := range 5 {
		complete(t, s, completion("c"+string(rune('0'+i)), caller, number(1), did, noon))
	}
	all := entries(t, s, 0)
	for _, id := range []string{"a", "b"} {
		c := engine.RelayChanges{Cursor: 5}
		for _, e := range all {
			c.Dead = append(c.Dead, engine.RelayLetter{RelayEntry: e, Died: 1, Attempts: 8, First: 3})
		}
		if dead, err := s.RelaySave(id, c); err != nil || dead != 5 {
			t.Fatal(dead, err)
		}
	}
	page := func(only, target string, seq uint64, limit int) (out []string) {
		found, err := s.RelayDead(only, target, seq, limit)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range found {
			out = append(out, d.Target+"."+string(rune('0'+d.Letter.Seq)))
		}
		return out
	}
	equal(t, "a page over two targets", page("", "a", 3, 4), []string{"a.4", "a.5", "b.1", "b.2"})
	equal(t, "of one target", page("b", "", 0, 100), []string{"b.1", "b.2", "b.3", "b.4", "b.5"})
	l, dead, err := s.RelayRevive("a", 2)
	if err != nil || dead != 4 {
		t.Fatal(dead, err)
	}
	equal(t, "revived", *l, engine.RelayLetter{RelayEntry: all[1]})
	if found, dead, err := s.RelayDelete("a", 4); !found || dead != 3 || err != nil {
		t.Error(found, dead, err)
	}
	for _, id := range []string{"a", "nobody"} {
		if l, _, err := s.RelayRevive(id, 4); l != nil || err != nil {
			t.Errorf("revive of none: %v, %v", l, err)
		}
		if found, _, err := s.RelayDelete(id, 4); found || err != nil {
			t.Errorf("delete of none: %v, %v", found, err)
		}
	}
	st := register(t, s, "a", "b")["a"]
	if len(st.Waiting) != 1 || st.Waiting[0].Seq != 2 || st.Dead != 3 {
		t.Errorf("state %+v", st)
	}
}

func TestRetentionTellsOfWhatWasNotRelayed(t *testing.T) {
	clock := newClock()
	o := options(t, newPath(t))
	o.Now, o.Retention = clock.now, 24*time.Hour
	s := open(t, o, func(u *history.Tuning) { u.TrimEvery, u.TrimBatch = time.Hour, 3 })
	register(t, s, "crm", "quick", "removed")
	for i := range 6 {
		c := completion("c"+string(rune('1'+i)), caller, number(1), did, noon)
		c.Arrived = noon.UnixNano()
		complete(t, s, c)
	}
	all := entries(t, s, 0)
	// crm: 1 is delivered, 2 is dead, 3 waits, the others were not read yet.
	waits := engine.RelayLetter{RelayEntry: all[2], Attempts: 4, Error: "503 Service Unavailable"}
	if _, err := s.RelaySave("crm", engine.RelayChanges{Cursor: 3, Waiting: []engine.RelayLetter{waits},
		Dead: []engine.RelayLetter{{RelayEntry: all[1], Died: 1, Error: "400"}}}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.RelaySave("quick", engine.RelayChanges{Cursor: 6}); err != nil {
		t.Fatal(err)
	}
	register(t, s, "crm", "quick")
	clock.advance(48 * time.Hour)
	if err := s.Trim(t.Context()); err != nil {
		t.Fatal(err)
	}
	found, err := s.RelayDead("", "", 0, 100)
	if err != nil {
		t.Fatal(err)
	}
	var got []uint64
	for _, d := range found {
		if d.Target != "crm" || !d.Letter.Gone || d.Letter.Error == "" || d.Letter.CallID != all[d.Letter.Seq-1].CallID {
			t.Errorf("dead letter %+v", d)
		}
		got = append(got, d.Letter.Seq)
	}
	equal(t, "dead letters", got, []uint64{2, 3, 4, 5, 6})
	st := register(t, s, "crm", "quick")
	if len(st["crm"].Waiting) != 0 || st["crm"].Dead != 5 || st["quick"].Dead != 0 {
		t.Errorf("states %+v", st)
	}
	if l, dead, err := s.RelayRevive("crm", 4); err != nil || l == nil || !l.Gone || dead != 5 {
		t.Errorf("revive of what is gone: %+v, %d, %v", l, dead, err)
	}
	if left := entries(t, s, st["crm"].Cursor); slices.ContainsFunc(left, func(e engine.RelayEntry) bool { return e.Seq <= 6 }) {
		t.Errorf("entries that are gone: %v", left)
	}
}

// TestWhatIsForgottenIsInNoOutbox: a call_id that holds the number goes too, and
// the call is told without the person.
func TestWhatIsForgottenIsInNoOutbox(t *testing.T) {
	path := newPath(t)
	s, err := history.OpenTuned(options(t, path))
	if err != nil {
		t.Fatal(err)
	}
	register(t, s, "crm")
	for _, id := range []string{caller + "-1", caller + "-2"} {
		route(t, s, id, caller, number(1), did)
		complete(t, s, completion(id, caller, number(1), did, noon.Add(time.Minute)))
	}
	all := entries(t, s, 0)
	if _, err := s.RelaySave("crm", engine.RelayChanges{Cursor: all[1].Seq, Waiting: []engine.RelayLetter{{RelayEntry: all[0], Attempts: 1}},
		Dead: []engine.RelayLetter{{RelayEntry: all[1], Died: 1}}}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Forget(t.Context(), person(caller), "test"); err != nil {
		t.Fatal(err)
	}
	// Who still has the entry as it was is told the call as it is.
	c := relayed(t, s, all[0])
	if c.Call.Caller != engine.Erased || c.Call.Receiver != number(1) || len(c.Completion.Raw.Body) != 0 || c.Decision == nil {
		t.Errorf("told %+v %+v", c.Call, c.Completion)
	}
	if _, err := s.RelaySave("crm", engine.RelayChanges{Cursor: all[1].Seq, Waiting: []engine.RelayLetter{{RelayEntry: all[0], Attempts: 2}}}); err != nil {
		t.Fatal(err)
	}
	waiting := register(t, s, "crm")["crm"].Waiting
	dead, err := s.RelayDead("", "", 0, 10)
	if err != nil || len(waiting) != 1 || len(dead) != 1 {
		t.Fatal(waiting, dead, err)
	}
	for _, l := range []engine.RelayLetter{waiting[0], dead[0].Letter} {
		if l.CallID == "" || strings.Contains(l.CallID, caller) {
			t.Errorf("a letter of call %q", l.CallID)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	compacted := filepath.Join(t.TempDir(), "compact.db")
	if err := history.CompactFile(path, compacted); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(compacted)
	if err != nil || bytes.Contains(text, []byte(caller)) {
		t.Errorf("the number is in the compacted file (%v)", err)
	}
}
