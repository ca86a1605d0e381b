package journal_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"switchboard/engine"
	"switchboard/engine/history/boltfile"
	"switchboard/engine/history/journal"
)

var notes = []byte("notes") // a bucket of the owner's

func options() journal.Options {
	return journal.Options{
		Bolt: boltfile.Options{Wait: 20 * time.Millisecond, Mmap: 1 << 20}, Format: 3, Buckets: [][]byte{notes},
		Create: func(next func() error) error { return next() }, Write: func(next func() error) error { return next() },
	}
}

// disk is a disk that can be full.
type disk struct{ full atomic.Bool }

var errNoSpace = errors.New("no space left on device")

func (d *disk) commit(next func() error) error {
	if d.full.Load() {
		return errNoSpace
	}
	return next()
}

func (d *disk) bounds() journal.Bounds {
	return journal.Bounds{MaxPending: 10_000, MaxBytes: 1 << 20, Backoff: time.Millisecond, MaxBackoff: 5 * time.Millisecond, Commit: d.commit}
}

func open(t *testing.T, path string) *journal.File {
	t.Helper()
	f, err := journal.Open(path, options())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

func start(t *testing.T, f *journal.File, b journal.Bounds) *journal.Journal {
	j := journal.Start(f, b)
	t.Cleanup(func() { j.Close(0) }) //nolint:errcheck // closed already, or on purpose not at all
	return j
}

func add(t *testing.T, j *journal.Journal, text string, hasty bool) *journal.Item {
	t.Helper()
	it, err := j.Append([]byte(text), hasty, nil)
	if err != nil {
		t.Fatal(err)
	}
	return it
}

// filled is a log of n records, "1", "2" and so on.
func filled(t *testing.T, path string, n int) *journal.File {
	t.Helper()
	f := open(t, path)
	j := journal.Start(f, new(disk).bounds())
	for i := range n {
		add(t, j, fmt.Sprint(i+1), false)
	}
	if err := j.Close(time.Minute); err != nil {
		t.Fatal(err)
	}
	return f
}

func TestRecordsAreReadInOrderAfterReopening(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log.db")
	const n = 600 // more than is read at once
	f := filled(t, path, n)
	id := f.ID()
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	f = open(t, path)
	if f.First() != 1 || f.Last() != n || f.ID() != id || id == "" {
		t.Errorf("records %d to %d of %q, which was %q", f.First(), f.Last(), f.ID(), id)
	}
	walks := map[string]struct {
		walk func(func(journal.Stored) error) error
		want []uint64 // the first and the last
		n    int
	}{
		"all":              {func(f2 func(journal.Stored) error) error { return f.Ascend(t.Context(), 0, n, f2) }, []uint64{1, n}, n},
		"a part":           {func(f2 func(journal.Stored) error) error { return f.Ascend(t.Context(), 100, 400, f2) }, []uint64{100, 400}, 301},
		"one chunk":        {func(f2 func(journal.Stored) error) error { return f.Ascend(t.Context(), 1, 256, f2) }, []uint64{1, 256}, 256},
		"down":             {func(f2 func(journal.Stored) error) error { return f.Descend(t.Context(), n, f2) }, []uint64{n, 1}, n},
		"down from beyond": {func(f2 func(journal.Stored) error) error { return f.Descend(t.Context(), 10*n, f2) }, []uint64{n, 1}, n},
		"down from within": {func(f2 func(journal.Stored) error) error { return f.Descend(t.Context(), 300, f2) }, []uint64{300, 1}, 300},
		"nothing":          {func(f2 func(journal.Stored) error) error { return f.Ascend(t.Context(), n+1, 2*n, f2) }, nil, 0},
	}
	for name, w := range walks {
		var got []uint64
		err := w.walk(func(st journal.Stored) error {
			if string(st.Data) != fmt.Sprint(st.Seq) {
				t.Errorf("%s: record %d is %q", name, st.Seq, st.Data)
			}
			got = append(got, st.Seq)
			return nil
		})
		if err != nil || len(got) != w.n || w.n > 0 && !slices.Equal([]uint64{got[0], got[w.n-1]}, w.want) {
			t.Errorf("%s: %d records, %v", name, len(got), err)
		}
	}
}

func TestWalksEnd(t *testing.T) {
	f := filled(t, filepath.Join(t.TempDir(), "log.db"), 5)
	broken := errors.New("broken")
	for _, c := range []struct{ by, want error }{{journal.ErrStop, nil}, {broken, broken}} {
		seen := 0
		err := f.Descend(t.Context(), 5, func(journal.Stored) error { seen++; return c.by })
		if !errors.Is(err, c.want) || seen != 1 {
			t.Errorf("ended by %v: %v after %d", c.by, err, seen)
		}
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if err := f.Ascend(gone, 0, 5, func(journal.Stored) error { return nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("nobody waits: %v", err)
	}
	var up, down []uint64
	look := func(into *[]uint64) func(uint64, []byte) bool {
		return func(seq uint64, _ []byte) bool { *into = append(*into, seq); return len(*into) < 2 }
	}
	if err := errors.Join(f.Up(2, look(&up)), f.Down(4, look(&down))); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(up, []uint64{2, 3}) || !slices.Equal(down, []uint64{4, 3}) {
		t.Errorf("up %v, down %v", up, down)
	}
}

func TestAFailingDiskTellsTheHastyAndKeepsAll(t *testing.T) {
	var d disk
	f := open(t, filepath.Join(t.TempDir(), "log.db"))
	j := start(t, f, d.bounds())
	if err := add(t, j, "before", false).Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	d.full.Store(true)
	patient := add(t, j, "patient", false)
	hasty := add(t, j, "hasty", true)
	<-hasty.Done()
	if !errors.Is(hasty.Err(), errNoSpace) || !errors.Is(hasty.Err(), engine.ErrUnavailable) {
		t.Errorf("the hasty one is told %v", hasty.Err())
	}
	if late := add(t, j, "late", true); !errors.Is(late.Err(), errNoSpace) {
		t.Errorf("one that came later is told %v", late.Err())
	}
	if patient.Err() != nil {
		t.Errorf("the patient one is told %v", patient.Err())
	}
	if data, err := j.Get(hasty.Seq); string(data) != "hasty" || err != nil {
		t.Errorf("a record on its way: %q, %v", data, err)
	}
	if s := j.Status(); s.Queue != 3 || s.Unsaved != 2 || s.Durable != 1 || !errors.Is(s.Failing, errNoSpace) {
		t.Errorf("%+v", s)
	}
	short, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if err := j.Wait(short, patient.Seq); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a short wait: %v", err)
	}
	d.full.Store(false)
	if err := errors.Join(patient.Wait(t.Context()), j.Wait(t.Context(), 4)); err != nil {
		t.Error(err)
	}
	if !errors.Is(hasty.Err(), errNoSpace) {
		t.Errorf("it changed its mind: %v", hasty.Err())
	}
	if data, err := f.Get(4); string(data) != "late" || err != nil {
		t.Errorf("on disk: %q, %v", data, err)
	}
	if s := j.Status(); s != (journal.Status{Durable: 4, Records: 4}) {
		t.Errorf("%+v", s)
	}
}

func TestNoMoreIsTakenThanBoundsSay(t *testing.T) {
	for name, c := range map[string]struct {
		bound func(*journal.Bounds)
		take  int
	}{
		"records":                     {func(b *journal.Bounds) { b.MaxPending = 3 }, 3},
		"bytes":                       {func(b *journal.Bounds) { b.MaxBytes = 10 }, 2},
		"one that is larger than all": {func(b *journal.Bounds) { b.MaxBytes = 1 }, 1},
	} {
		t.Run(name, func(t *testing.T) {
			var d disk
			d.full.Store(true)
			b := d.bounds()
			c.bound(&b)
			j := start(t, open(t, filepath.Join(t.TempDir(), "log.db")), b)
			for range c.take {
				add(t, j, "12345", false)
			}
			if _, err := j.Append([]byte("12345"), true, nil); !errors.Is(err, engine.ErrUnavailable) {
				t.Errorf("one more: %v", err)
			}
			j.Lose()
			if s := j.Status(); s.Queue != c.take || s.Unsaved != 2 {
				t.Errorf("%+v", s)
			}
			if last, durable := j.Position(); last != uint64(c.take) || durable != 0 {
				t.Errorf("last %d, durable %d", last, durable)
			}
			if err := j.Close(0); !errors.Is(err, errNoSpace) {
				t.Errorf("closing: %v", err)
			}
		})
	}
}

func TestClosingEndsAllWaits(t *testing.T) {
	var d disk
	d.full.Store(true)
	j := start(t, open(t, filepath.Join(t.TempDir(), "log.db")), d.bounds())
	it := add(t, j, "never", false)
	waited := make(chan error)
	go func() { waited <- j.Wait(t.Context(), it.Seq) }()
	if err := j.Close(0); err == nil {
		t.Error("what was lost is not told")
	}
	if err := <-waited; !errors.Is(err, engine.ErrUnavailable) {
		t.Errorf("a wait: %v", err)
	}
	if err := it.Wait(t.Context()); !errors.Is(err, engine.ErrUnavailable) {
		t.Errorf("the item: %v", err)
	}
	if _, err := j.Append([]byte("late"), false, nil); !errors.Is(err, engine.ErrUnavailable) {
		t.Errorf("appending: %v", err)
	}
}

func TestFailedItemsAreDone(t *testing.T) {
	it := journal.Failed(errNoSpace)
	<-it.Done()
	if !errors.Is(it.Err(), errNoSpace) {
		t.Errorf("%v", it.Err())
	}
}

// What belongs to a record is there with it, or neither is.
func TestTheOwnersBucketsChangeWithTheirRecord(t *testing.T) {
	f := open(t, filepath.Join(t.TempDir(), "log.db"))
	j := start(t, f, new(disk).bounds())
	it, err := j.Append([]byte("r"), false, func(tx *bbolt.Tx, seq uint64) error {
		return tx.Bucket(notes).Put([]byte("at"), boltfile.Key(seq))
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := it.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	others := 0
	err = f.View(func(tx *bbolt.Tx) error {
		if at := boltfile.Number(tx.Bucket(notes).Get([]byte("at"))); at != it.Seq {
			t.Errorf("it says %d, the record is %d", at, it.Seq)
		}
		return journal.Others(tx, func([]byte, *bbolt.Bucket) error { others++; return nil })
	})
	if err != nil || others != 2 {
		t.Errorf("%d other buckets, %v", others, err)
	}
}

func TestALogWhoseRecordsWereDeletedGoesOnCounting(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log.db")
	f := filled(t, path, 3)
	err := f.Update(func(tx *bbolt.Tx) error {
		return errors.Join(journal.Replace(tx, []journal.Stored{{Seq: 2, Data: []byte("two")}, {Seq: 9, Data: []byte("nine")}}),
			journal.Trim(tx, 3), journal.Delete(tx, 1), journal.Delete(tx, 3))
	})
	if err != nil {
		t.Fatal(err)
	}
	if data, err := f.Get(2); string(data) != "two" || err != nil {
		t.Errorf("replaced: %q, %v", data, err)
	}
	if data, err := f.Get(9); data != nil || err != nil {
		t.Errorf("one that never was: %q, %v", data, err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	f = open(t, path)
	if f.First() != 2 || f.Last() != 3 || f.Trimmed() != 3 {
		t.Errorf("records %d to %d, trimmed to %d", f.First(), f.Last(), f.Trimmed())
	}
	j := start(t, f, new(disk).bounds())
	if s := j.Status(); s.Records != 1 {
		t.Errorf("%+v", s)
	}
	if it := add(t, j, "4", false); it.Seq != 4 || it.Wait(t.Context()) != nil {
		t.Errorf("the next is %d: %v", it.Seq, it.Err())
	}
	f.SetTrimmed(2)
	if past := f.UpTo(3); past.Last() != 3 || past.Trimmed() != 3 || past.ID() != f.ID() {
		t.Errorf("up to 3: last %d, trimmed %d", past.Last(), past.Trimmed())
	}
	if err := f.View(func(tx *bbolt.Tx) error {
		if end := journal.End(tx); end != 4 {
			t.Errorf("the end is %d", end)
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
}

func TestFilesThatAreNoLogAreLeftAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log.db")
	if _, err := journal.OpenExisting(path, options()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("none: %v", err)
	}
	filled(t, path, 1).Close()
	old := options()
	old.Format = 2
	if _, err := journal.Open(path, old); !errors.Is(err, journal.ErrNewerFormat) {
		t.Errorf("a newer one: %v", err)
	}
	other := options()
	other.Buckets = [][]byte{[]byte("elsewhere")}
	if _, err := journal.OpenExisting(path, other); !errors.Is(err, boltfile.ErrCorrupt) {
		t.Errorf("one without a bucket of the owner's: %v", err)
	}
	foreign := filepath.Join(t.TempDir(), "foreign.db")
	err := boltfile.Create(foreign, options().Bolt, func(tx *bbolt.Tx) error {
		_, err := tx.CreateBucket([]byte("users"))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := journal.Open(foreign, options()); !errors.Is(err, journal.ErrNotOurs) {
		t.Errorf("another program's: %v", err)
	}
	empty := filepath.Join(t.TempDir(), "empty.db")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if f := filled(t, empty, 1); f.ID() == "" {
		t.Error("an empty file was not begun")
	}
}

// A copy, and one without free pages, say of themselves what the log says.
func TestCopiesAreTheLog(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log.db")
	f := filled(t, path, 50)
	if err := f.Copy(t.Context(), path+".copy", true); err != nil {
		t.Fatal(err)
	}
	compact, err := f.Compacted(path, options().Bolt, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{path + ".copy", compact} {
		o := options()
		o.Bolt.ReadOnly = true
		c, err := journal.OpenExisting(name, o)
		if err != nil {
			t.Fatal(err)
		}
		if data, err := c.Get(50); c.ID() != f.ID() || c.First() != 1 || c.Last() != 50 || string(data) != "50" || err != nil {
			t.Errorf("%s: records %d to %d, %q, %v", name, c.First(), c.Last(), data, err)
		}
		c.Close()
	}
}
