package journal_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"testing"

	"go.etcd.io/bbolt"

	"switchboard/engine"
	"switchboard/engine/history/boltfile"
	"switchboard/engine/history/journal"
)

// Between two changes without a record all records that wait have their turn.
func TestChangesAsideTakeTurnsWithRecords(t *testing.T) {
	f := open(t, filepath.Join(t.TempDir(), "log.db"))
	b := new(disk).bounds()
	begin, end := make(chan struct{}), make(chan struct{})
	b.Commit = func(next func() error) error { begin <- struct{}{}; <-end; return next() }
	j := start(t, f, b)
	change := func(key string) func(*bbolt.Tx) error {
		return func(tx *bbolt.Tx) error {
			return tx.Bucket(notes).Put([]byte(key), boltfile.Key(journal.End(tx)))
		}
	}
	done := make(chan error)
	go func() {
		err := j.Beside(t.Context(), change("first"))
		done <- err
	}()
	<-begin // the first change is being made
	var last *journal.Item
	for i := range 3 {
		last = add(t, j, fmt.Sprint(i), false)
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if err := j.Beside(gone, change("second")); !errors.Is(err, context.Canceled) {
		t.Errorf("nobody waits: %v", err)
	}
	end <- struct{}{}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	<-begin // the records
	end <- struct{}{}
	if err := last.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	<-begin // the second change
	end <- struct{}{}
	go func() { done <- j.Close(0) }()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	err := f.View(func(tx *bbolt.Tx) error {
		for key, want := range map[string]uint64{"first": 0, "second": 3} {
			if v := tx.Bucket(notes).Get([]byte(key)); v == nil || boltfile.Number(v) != want {
				t.Errorf("the %s change was made behind record %v, want %d", key, v, want)
			}
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	if err := j.Beside(t.Context(), change("late")); !errors.Is(err, engine.ErrUnavailable) {
		t.Errorf("a closed one: %v", err)
	}
}

// While the disk fails a change is not made and not tried again, whether it came
// before or after that was known.
func TestChangesAsideAreNotTriedAgain(t *testing.T) {
	var d disk
	f := open(t, filepath.Join(t.TempDir(), "log.db"))
	j := start(t, f, d.bounds())
	d.full.Store(true)
	change := func(*bbolt.Tx) error { t.Error("it is made"); return nil }
	if err := j.Beside(t.Context(), change); !errors.Is(err, errNoSpace) || !errors.Is(err, engine.ErrUnavailable) {
		t.Errorf("on a full disk: %v", err)
	}
	it := add(t, j, "hasty", true)
	<-it.Done()
	if err := j.Beside(t.Context(), change); !errors.Is(err, errNoSpace) {
		t.Errorf("when that is known: %v", err)
	}
	d.full.Store(false)
	if err := j.Wait(t.Context(), it.Seq); err != nil {
		t.Fatal(err)
	}
	made := false
	if err := j.Beside(t.Context(), func(*bbolt.Tx) error { made = true; return nil }); err != nil || !made {
		t.Errorf("when there is room: %v, %v", made, err)
	}
}

// What waits counts with what it brings along.
func TestWhatARecordBringsCounts(t *testing.T) {
	var d disk
	d.full.Store(true)
	b := d.bounds()
	b.MaxBytes = 1000
	j := start(t, open(t, filepath.Join(t.TempDir(), "log.db")), b)
	nothing := func(*bbolt.Tx, uint64) error { return nil }
	if _, err := j.AppendHolding([]byte("large"), 900, false, nothing); err != nil {
		t.Fatal(err)
	}
	if _, err := j.AppendHolding([]byte("larger"), 900, false, nothing); !errors.Is(err, engine.ErrUnavailable) {
		t.Errorf("one more: %v", err)
	}
	d.full.Store(false)
	if err := j.Wait(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	it, err := j.AppendHolding([]byte("larger"), 900, false, nothing)
	if err != nil {
		t.Fatal(err)
	}
	if err := it.Wait(t.Context()); err != nil {
		t.Error(err)
	}
}
