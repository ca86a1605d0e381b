package calltable_test

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"go.etcd.io/bbolt"
	"pgregory.net/rapid"

	"switchboard/engine"
	"switchboard/engine/history/boltfile"
	"switchboard/engine/history/calltable"
	"switchboard/engine/history/fold"
)

// TestATableIsTheCallsInIt holds a table to a map: calls that come, change, move and
// go, with the file opened anew in between.
func TestATableIsTheCallsInIt(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		f, want, seq := newFile(t), make(map[string]calltable.Call), uint64(0)
		for range rapid.IntRange(1, 25).Draw(rt, "steps") {
			changes := make(map[string]calltable.Change)
			for range rapid.IntRange(0, 6).Draw(rt, "changes") {
				id := fmt.Sprint("c", rapid.IntRange(0, 19).Draw(rt, "id"))
				was := want[id]
				c := calltable.Change{ID: id, Was: was.Place(), Before: was.Group}
				seq++
				if how := rapid.IntRange(0, 4).Draw(rt, "how"); how > 0 {
					caller := rapid.SampledFrom([]string{someone, another}).Draw(rt, "caller")
					c.Group = groupOf(id, caller, rapid.Int64Range(1, 40).Draw(rt, "at"), int(seq))
					c.Seqs = []uint64{seq}
					if how > 2 && was.Place() != 0 { // it stays where it is
						c.Seqs = []uint64{was.Place(), seq}
					}
				}
				changes[id] = c
			}
			f.write(rapid.IntRange(1, 10).Draw(rt, "every"), seq, slices.Collect(maps.Values(changes))...)
			for id, c := range changes {
				if want[id] = c.Call; c.Place() == 0 {
					delete(want, id)
				}
			}
			if rapid.Bool().Draw(rt, "started anew") {
				if err := f.again(); err != nil {
					rt.Fatal(err)
				}
			}
			for i := range 20 {
				id := fmt.Sprint("c", i)
				if got := f.call(id); told(got) != told(want[id]) {
					rt.Fatalf("%s is %s, want %s", id, told(got), told(want[id]))
				}
			}
		}
		filter := engine.CallFilter{Caller: rapid.SampledFrom([]string{"", someone}).Draw(rt, "filter")}
		if from := rapid.Int64Range(0, 20).Draw(rt, "from"); from > 0 {
			filter.From = time.Unix(0, from)
		}
		// The order of places, then that of times, of those that may match.
		calls := slices.SortedFunc(maps.Values(want), func(a, b calltable.Call) int { return cmp.Compare(b.Place(), a.Place()) })
		calls = slices.DeleteFunc(calls, func(c calltable.Call) bool { return filter.Caller != "" && c.Group.Calls()[0].Caller != filter.Caller })
		var order []string
		for _, c := range calls {
			order = append(order, told(c))
		}
		var any []fold.Key
		if filter.Caller != "" {
			any = []fold.Key{{Kind: engine.Callers, Number: filter.Caller}}
		}
		if got := f.walked(seq+1, any...); !slices.Equal(got, order) {
			rt.Errorf("as they lie:\n%q, want\n%q", got, order)
		}
		slices.SortStableFunc(calls, func(a, b calltable.Call) int { return cmp.Compare(b.Group.Calls()[0].At(), a.Group.Calls()[0].At()) })
		order = nil
		for _, c := range calls {
			if at := c.Group.Calls()[0].At(); filter.From.IsZero() || at >= filter.From.UnixNano() {
				order = append(order, fmt.Sprint(at, " ", told(c)))
			}
		}
		if got := f.listed(calltable.Newest, filter); !slices.Equal(got, order) {
			rt.Errorf("by their times:\n%q, want\n%q", got, order)
		}
		_ = f.db.View(func(tx *bbolt.Tx) error {
			if n := f.table.Hidden(tx); n > 0 {
				rt.Errorf("%d calls are hidden", n)
			}
			return nil
		})
	})
}

// A step gives some calls only, and the next goes on where it ended.
func TestListsAndWalksGoInSteps(t *testing.T) {
	const n = 1000
	f := newFile(t)
	var changes []calltable.Change
	for i := range uint64(n) {
		id := fmt.Sprint("c", i)
		changes = append(changes, calltable.Change{ID: id, Call: calltable.Call{Group: groupOf(id, someone, int64(1+i), 1), Seqs: []uint64{1 + i}}})
	}
	f.write(1, n, changes...)
	err := f.db.View(func(tx *bbolt.Tx) error {
		some, err := f.table.List(calltable.Newest, engine.CallFilter{}).Next(tx)
		if len(some) == 0 || len(some) == n {
			t.Errorf("a step of a list gave %d of %d", len(some), n)
		}
		if some := f.table.Walk(n+1, nil).Next(tx); len(some) == 0 || len(some) == n {
			t.Errorf("a step of a walk gave %d of %d", len(some), n)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := len(f.listed(calltable.Newest, engine.CallFilter{})); got != n {
		t.Errorf("%d were listed", got)
	}
	if got := len(f.walked(n + 1)); got != n {
		t.Errorf("%d were walked through", got)
	}
	if got := len(f.listed(calltable.Timed{When: 11, Place: 11}, engine.CallFilter{})); got != 10 {
		t.Errorf("%d were listed below the eleventh", got)
	}
}

// Filters are kept when so many calls are new to them, and at once where opening would
// not look for what they lack.
func TestFiltersAreKeptInTime(t *testing.T) {
	f := newFile(t)
	first := calltable.Change{ID: "c1", Call: calltable.Call{Group: groupOf("c1", someone, 42, 1), Seqs: []uint64{1}}}
	f.table.Note(first)
	if f.table.Stale(2) || !f.table.Stale(1) {
		t.Error("one call is not one call")
	}
	f.write(1, 1, first)
	check := func(when string) {
		t.Helper()
		first := first
		first.Was, first.Before = 1, first.Group
		if f.table.Note(first); f.table.Stale(1) {
			t.Errorf("%s: what the filters have is news to them", when)
		}
		first.Group = groupOf("c1", another, 42, 1)
		if f.table.Note(first); !f.table.Stale(1 << 20) {
			t.Errorf("%s: a number that the kept filter lacks is no reason to keep it", when)
		}
	}
	check("as it was written")
	if err := f.again(); err != nil {
		t.Fatal(err)
	}
	check("opened anew")
}

func TestWhatIsBrokenIsFoundAtOpening(t *testing.T) {
	for name, spoil := range map[string]func(tx *bbolt.Tx) error{
		"no calls":  func(tx *bbolt.Tx) error { return tx.DeleteBucket([]byte("calls")) },
		"no ids":    func(tx *bbolt.Tx) error { return tx.DeleteBucket([]byte("ids")) },
		"no epochs": func(tx *bbolt.Tx) error { return tx.DeleteBucket([]byte("epochs")) },
		"no times":  func(tx *bbolt.Tx) error { return tx.DeleteBucket([]byte("times")) },
		"a filter of another size": func(tx *bbolt.Tx) error {
			return tx.Bucket([]byte("epochs")).Put(boltfile.Key(0), make([]byte, 40))
		},
		"a new call that is none": func(tx *bbolt.Tx) error { return tx.Bucket([]byte("calls")).Put(boltfile.Key(9), []byte{0xff}) },
	} {
		t.Run(name, func(t *testing.T) {
			f := newFile(t)
			f.write(1, 1, calltable.Change{ID: "c1", Call: calltable.Call{Group: groupOf("c1", someone, 42, 1), Seqs: []uint64{1}}})
			if err := f.db.Update(spoil); err != nil {
				t.Fatal(err)
			}
			if err := f.again(); !errors.Is(err, boltfile.ErrCorrupt) {
				t.Errorf("opening: %v", err)
			}
		})
	}
}

// A call that stands in the order of times and not in the table breaks off a list.
func TestAListMissesNothing(t *testing.T) {
	f := newFile(t)
	f.write(1, 1, calltable.Change{ID: "c1", Call: calltable.Call{Group: groupOf("c1", someone, 42, 1), Seqs: []uint64{1}}})
	if err := f.db.Update(func(tx *bbolt.Tx) error { return tx.Bucket([]byte("calls")).Delete(boltfile.Key(1)) }); err != nil {
		t.Fatal(err)
	}
	err := f.db.View(func(tx *bbolt.Tx) error {
		_, err := f.table.List(calltable.Newest, engine.CallFilter{}).Next(tx)
		return err
	})
	if !errors.Is(err, boltfile.ErrCorrupt) {
		t.Errorf("it gave %v", err)
	}
}

// What can be read is written as something that reads the same.
func FuzzCall(f *testing.F) {
	table := newFile(f)
	at := func(put func(calls *bbolt.Bucket) error) (c calltable.Call, err error) {
		undo := errors.New("undo")
		uerr := table.db.Update(func(tx *bbolt.Tx) error {
			if err = put(tx.Bucket([]byte("calls"))); err == nil {
				c, err = table.table.At(tx, boltfile.Key(3))
			}
			return undo
		})
		if uerr != undo {
			f.Fatal(uerr)
		}
		return c, err
	}
	good := newFile(f)
	good.write(1, 3, calltable.Change{ID: "c", Call: calltable.Call{Group: groupOf("c", someone, 42, 1), Seqs: []uint64{3, 4, 900}}})
	_ = good.db.View(func(tx *bbolt.Tx) error {
		f.Add(bytes.Clone(tx.Bucket([]byte("calls")).Get(boltfile.Key(3))))
		return nil
	})
	f.Add([]byte{})
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1})
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := at(func(calls *bbolt.Bucket) error { return calls.Put(boltfile.Key(3), b) })
		if err != nil {
			return
		}
		again, err := at(func(calls *bbolt.Bucket) error {
			return table.table.Put(calls.Tx(), calltable.Change{ID: "c", Call: c})
		})
		if err != nil || told(again) != told(c) {
			t.Errorf("%s became %s (%v)", told(c), told(again), err)
		}
	})
}
