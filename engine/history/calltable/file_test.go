package calltable_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"testing"

	"go.etcd.io/bbolt"

	"switchboard/engine"
	"switchboard/engine/history/boltfile"
	"switchboard/engine/history/calltable"
	"switchboard/engine/history/fold"
)

const (
	bits    = 3 // of an epoch
	someone = "9876543210"
	another = "9876543211"
)

// file is a table in a file.
type file struct {
	t        testing.TB
	db       *bbolt.DB
	table    *calltable.Table
	filtered uint64 // as its user keeps it
}

func newFile(t testing.TB) *file {
	t.Helper()
	db, err := bbolt.Open(filepath.Join(t.TempDir(), "file"), 0o600, &bbolt.Options{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	f := &file{t: t, db: db}
	if err := errors.Join(db.Update(calltable.Create), f.again()); err != nil {
		t.Fatal(err)
	}
	return f
}

// again takes the table in anew, as after a start.
func (f *file) again() error {
	return f.db.View(func(tx *bbolt.Tx) (err error) {
		f.table, err = calltable.Open(tx, bits, f.filtered)
		return err
	})
}

// write puts changes, and keeps the filters where those are stale.
func (f *file) write(every int, through uint64, changes ...calltable.Change) {
	f.t.Helper()
	for _, c := range changes {
		f.table.Note(c)
	}
	keep := f.table.Stale(every)
	err := f.db.Update(func(tx *bbolt.Tx) error {
		for _, c := range changes {
			if err := f.table.Put(tx, c); err != nil {
				return err
			}
			if place := c.Place(); place != 0 && place != c.Was {
				if err := f.table.Name(tx, c.ID, boltfile.Key(place)); err != nil {
					return err
				}
			}
		}
		if keep {
			return f.table.Keep(tx)
		}
		return nil
	})
	if err != nil {
		f.t.Fatal(err)
	}
	if keep {
		f.table.Kept(through)
		f.filtered = through
	}
}

// call finds one by its id.
func (f *file) call(id string) (c calltable.Call) {
	f.t.Helper()
	err := f.db.View(func(tx *bbolt.Tx) (err error) {
		if place := f.table.Find(tx, id); place != nil {
			c, err = f.table.At(tx, place)
		}
		return err
	})
	if err != nil {
		f.t.Fatal(err)
	}
	return c
}

// groupOf is a call from a caller at a moment, which differs with n.
func groupOf(id, caller string, at int64, n int) *fold.Group {
	g, _ := (*fold.Group)(nil).With(fold.Entry{Completion: &engine.Completion{
		CallID: id, Caller: engine.Number{Canonical: caller, Valid: true}, Status: engine.StatusAnswered, Duration: int64(n), ReceivedAt: at, Arrived: at,
	}})
	return g
}

func told(c calltable.Call) string {
	return fmt.Sprintf("%v %x", c.Seqs, fold.AppendGroup(nil, c.Group))
}

// listed is what a list gives, with the filter's caller.
func (f *file) listed(below calltable.Timed, filter engine.CallFilter) (out []string) {
	f.t.Helper()
	list := f.table.List(below, filter)
	for !list.Ended {
		err := f.db.View(func(tx *bbolt.Tx) error {
			some, err := list.Next(tx)
			for _, e := range some {
				c, cerr := e.Call()
				err = errors.Join(err, cerr)
				out = append(out, fmt.Sprint(e.When, " ", told(c)))
			}
			return err
		})
		if err != nil {
			f.t.Fatal(err)
		}
	}
	return out
}

func (f *file) walked(below uint64, any ...fold.Key) (out []string) {
	f.t.Helper()
	walk := f.table.Walk(below, any)
	for !walk.Ended {
		err := f.db.View(func(tx *bbolt.Tx) (err error) {
			for _, e := range walk.Next(tx) {
				c, cerr := e.Call()
				err = errors.Join(err, cerr)
				out = append(out, told(c))
			}
			return err
		})
		if err != nil {
			f.t.Fatal(err)
		}
	}
	return out
}
