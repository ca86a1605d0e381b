package outbox_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.etcd.io/bbolt"

	"switchboard/engine"
	"switchboard/engine/history/outbox"
)

// file is an empty database; in runs a transaction in it.
type file struct {
	t  *testing.T
	db *bbolt.DB
}

func open(t *testing.T) file {
	t.Helper()
	db, err := bbolt.Open(filepath.Join(t.TempDir(), "test.db"), 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return file{t, db}
}

func (f file) in(do func(tx *bbolt.Tx) error) {
	f.t.Helper()
	if err := f.db.Update(do); err != nil {
		f.t.Fatal(err)
	}
}

func (f file) register(last uint64, now int64, ids ...string) (states map[string]engine.RelayState, dropped map[string]int) {
	f.t.Helper()
	f.in(func(tx *bbolt.Tx) (err error) {
		states, dropped, err = outbox.Register(tx, ids, last, now)
		return err
	})
	return states, dropped
}

func letter(seq uint64) engine.RelayLetter {
	return engine.RelayLetter{RelayEntry: engine.RelayEntry{Seq: seq, CallID: "c", At: 1}}
}

func TestWhoHasNoRelayHasNoOutbox(t *testing.T) {
	f := open(t)
	f.register(7, 1)
	f.in(func(tx *bbolt.Tx) error {
		if tx.Bucket([]byte("relay")) != nil {
			t.Error("a bucket was made for nobody")
		}
		x, err := outbox.Expire(tx, []engine.RelayEntry{{Seq: 1}}, 1)
		if err != nil || x != (outbox.Expired{}) {
			t.Errorf("expired %+v, %v", x, err)
		}
		if dead, err := outbox.Dead(tx, "", "", 0, 10); len(dead) != 0 || err != nil {
			t.Errorf("dead %v, %v", dead, err)
		}
		if removed, err := outbox.Removed(tx); len(removed) != 0 || err != nil {
			t.Errorf("removed %v, %v", removed, err)
		}
		return nil
	})
}

// TestALogThatWentBack: a restored backup ends before the cursor that somebody
// else's copy had.
func TestALogThatWentBack(t *testing.T) {
	f := open(t)
	f.register(10, 1, "crm")
	f.in(func(tx *bbolt.Tx) error {
		_, err := outbox.Save(tx, "crm", engine.RelayChanges{Cursor: 500})
		return err
	})
	states, _ := f.register(20, 2, "crm")
	if diff := cmp.Diff(engine.RelayState{Cursor: 20}, states["crm"]); diff != "" {
		t.Error(diff)
	}
}

func TestTheDeadAreCounted(t *testing.T) {
	f := open(t)
	f.register(0, 1, "crm")
	save := func(want int, c engine.RelayChanges) {
		t.Helper()
		f.in(func(tx *bbolt.Tx) error {
			got, err := outbox.Save(tx, "crm", c)
			if got != want {
				t.Errorf("%d dead, want %d", got, want)
			}
			return err
		})
	}
	save(2, engine.RelayChanges{Dead: []engine.RelayLetter{letter(1), letter(2)}})
	save(2, engine.RelayChanges{Dead: []engine.RelayLetter{letter(2)}}) // written again after a failure
	f.in(func(tx *bbolt.Tx) error {
		l, dead, err := outbox.Revive(tx, "crm", 2)
		if l == nil || dead != 1 {
			t.Errorf("revived %v, %d left", l, dead)
		}
		return err
	})
	save(2, engine.RelayChanges{Dead: []engine.RelayLetter{letter(2)}})
	states, _ := f.register(0, 2, "crm")
	if s := states["crm"]; s.Dead != 2 || len(s.Waiting) != 0 {
		t.Errorf("state %+v", s)
	}
	f.register(0, 3)
	if _, dropped := f.register(0, 3+int64(outbox.Keep)); dropped["crm"] != 2 {
		t.Errorf("dropped %v", dropped)
	}
	f.in(func(tx *bbolt.Tx) error {
		if _, err := outbox.Save(tx, "crm", engine.RelayChanges{}); err != outbox.ErrUnknown {
			t.Errorf("saving what was dropped: %v", err)
		}
		return nil
	})
}

func TestWhatExpiresIsListedUpToABound(t *testing.T) {
	f := open(t)
	f.register(0, 1, "crm")
	const room = 2
	c := engine.RelayChanges{Cursor: engine.MaxDeadLetters, Waiting: []engine.RelayLetter{letter(engine.MaxDeadLetters)}}
	for seq := range uint64(engine.MaxDeadLetters - room) {
		c.Dead = append(c.Dead, letter(seq+1))
	}
	f.in(func(tx *bbolt.Tx) error {
		_, err := outbox.Save(tx, "crm", c)
		return err
	})
	entries := []engine.RelayEntry{
		{Seq: 1, CallID: "dead"}, {Seq: engine.MaxDeadLetters - 1, CallID: "delivered"}, {Seq: engine.MaxDeadLetters, CallID: "waits"},
		{Seq: engine.MaxDeadLetters + 1, CallID: "unread"}, {Seq: engine.MaxDeadLetters + 2, CallID: "too many"},
	}
	f.in(func(tx *bbolt.Tx) error {
		x, err := outbox.Expire(tx, entries, 9)
		if diff := cmp.Diff(outbox.Expired{Undelivered: 3, Unlisted: 1, Dead: 1}, x); diff != "" {
			t.Error(diff)
		}
		return err
	})
	f.in(func(tx *bbolt.Tx) error {
		first, err := outbox.Dead(tx, "", "", 0, 1)
		if err != nil || !first[0].Letter.Gone || first[0].Letter.CallID != "dead" {
			t.Errorf("first %+v, %v", first, err)
		}
		last, err := outbox.Dead(tx, "crm", "crm", engine.MaxDeadLetters-room, 10)
		if err != nil || len(last) != 2 || last[0].Letter.CallID != "waits" || last[1].Letter.CallID != "unread" ||
			!strings.Contains(last[1].Letter.Error, "retention") || last[1].Letter.Died != 9 {
			t.Errorf("last %+v, %v", last, err)
		}
		return nil
	})
	if states, _ := f.register(0, 10, "crm"); len(states["crm"].Waiting) != 0 || states["crm"].Dead != engine.MaxDeadLetters {
		t.Errorf("%d dead, waiting %v", states["crm"].Dead, states["crm"].Waiting)
	}
}
