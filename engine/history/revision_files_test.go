package history_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.etcd.io/bbolt"
	"pgregory.net/rapid"

	"switchboard/engine"
	"switchboard/engine/history"
)

// lines is a text of so many lines, of which each is another.
func lines(n int) []byte {
	var b bytes.Buffer
	for i := range n {
		fmt.Fprintf(&b, "  \"%d\": {name: Line %d}\n", 40_000_000_000_000+i, i)
	}
	return b.Bytes()
}

// tree is a set with a large file and a small one.
func tree(large []byte, small string) map[string][]byte {
	return map[string][]byte{"directory/data.yaml": large, "routing/a.rego": []byte(small)}
}

func archive(t testing.TB, s *history.Store, id string, at int64, files map[string][]byte) {
	t.Helper()
	if err := s.SaveRevision(t.Context(), &engine.Revision{ID: id, At: at, Origin: "folder", Files: files}); err != nil {
		t.Fatal(err)
	}
}

func sameFiles(a, b map[string][]byte) bool { return maps.EqualFunc(a, b, bytes.Equal) }

// archived checks that exactly these sets are listed and have their files.
func archived(t testing.TB, s *history.Store, want map[string]map[string][]byte) {
	t.Helper()
	all, err := s.Revisions(t.Context())
	if err != nil || len(all) != len(want) {
		t.Fatalf("%d sets are listed, want %d, %v", len(all), len(want), err)
	}
	for id, files := range want {
		if r, err := s.Revision(t.Context(), id); err != nil || r == nil || !sameFiles(r.Files, files) {
			t.Fatalf("the set %s is not what it was: %v", id, err)
		}
	}
}

// altered changes a database that nobody has open.
func altered(t testing.TB, path string, f func(tx *bbolt.Tx) error) {
	t.Helper()
	db, err := bbolt.Open(path, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(db.Update(f), db.Close()); err != nil {
		t.Fatal(err)
	}
}

// pieceCount is how many pieces lie in a database that nobody has open.
func pieceCount(t testing.TB, path string) (n int) {
	t.Helper()
	altered(t, path, func(tx *bbolt.Tx) error {
		if b := tx.Bucket([]byte("pieces")); b != nil {
			n = b.Stats().KeyN
		}
		return nil
	})
	return n
}

// sequence is a key of the log.
func sequence(seq uint64) []byte { return binary.BigEndian.AppendUint64(nil, seq) }

// early archives a set in the way of programs that had the files in the record.
func early(t testing.TB, path, id string, at int64, files map[string][]byte) {
	t.Helper()
	rev := engine.Revision{ID: id, At: at, Origin: "folder", Tests: engine.TestSummary{Passed: 3}, Files: files}
	text, err := json.Marshal(struct {
		Kind     string           `json:"kind"`
		At       int64            `json:"at"`
		Revision *engine.Revision `json:"revision"`
		Was      string           `json:"was,omitempty"`
	}{"revision", at, &rev, ""})
	if err != nil {
		t.Fatal(err)
	}
	altered(t, path, func(tx *bbolt.Tx) error {
		log := tx.Bucket([]byte("log"))
		seq := uint64(1)
		if k, _ := log.Cursor().Last(); k != nil {
			seq = binary.BigEndian.Uint64(k) + 1
		}
		ref := fmt.Sprintf(`{"seq":%d,"order":%d,"at":%d,"origin":"folder","tests":{"passed":3,"failed":0,"skipped":0,"took_ns":0}}`, seq, seq, at)
		return errors.Join(log.Put(sequence(seq), text), tx.Bucket([]byte("revisions")).Put([]byte(id), []byte(ref)))
	})
}

// What an early program archived is read, compared and gone back to, erased and
// deleted by age.
func TestSetsOfEarlyProgramsAreRead(t *testing.T) {
	path, c := newPath(t), newClock()
	o := options(t, path)
	o.Now, o.Retention = c.now, 24*time.Hour
	if err := open(t, o).Close(); err != nil {
		t.Fatal(err)
	}
	want := map[string]map[string][]byte{
		"plain": tree(lines(3000), "package routing"), "person": {"data.yaml": []byte("number: " + gone)}, "last": {"a.rego": []byte("package a")},
	}
	for i, id := range []string{"plain", "person", "last"} {
		early(t, path, id, noon.UnixNano()+int64(i), want[id])
	}
	equal(t, "sets", verify(t, path).Revisions, 3)
	shelved, err := history.OpenShelved(o)
	if err != nil {
		t.Fatal(err)
	}
	if r, err := shelved.Revision(t.Context(), "plain"); err != nil || !sameFiles(r.Files, want["plain"]) {
		t.Errorf("on the shelf: %+v, %v", r, err)
	}
	if err := shelved.Close(); err != nil {
		t.Fatal(err)
	}
	s := open(t, o)
	archived(t, s, want)
	if last, err := s.LastRevision(t.Context()); err != nil || last.ID != "last" || last.Tests.Passed != 3 {
		t.Errorf("the last is %+v, %v", last, err)
	}
	archive(t, s, "plain", c.now().UnixNano(), want["plain"]) // a rollback
	want["edited"] = tree(lines(3000), "package routing\n\nx := 1")
	archive(t, s, "edited", c.now().UnixNano(), want["edited"])
	equal(t, "erased sets", forget(t, s).Revisions, []string{"person"})
	delete(want, "person")
	archived(t, s, want)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	verify(t, path)
	s = open(t, o)
	archived(t, s, want)
	c.advance(25 * time.Hour)
	archive(t, s, "new", c.now().UnixNano(), want["edited"])
	c.advance(25 * time.Hour)
	if err := s.Trim(t.Context()); err != nil {
		t.Fatal(err)
	}
	archived(t, s, map[string]map[string][]byte{"new": want["edited"]})
}

// A program that knows nothing of pieces finds a record of the kind that it knows,
// of a set without files, and takes revisions without their pieces: these go at
// the next start.
func TestWhatAnEarlyProgramLeavesIsTakenAway(t *testing.T) {
	path := newPath(t)
	s := open(t, options(t, path))
	stays := tree(lines(3000), "package routing")
	archive(t, s, "goes", 1, tree(lines(4000), "package routing\n\nx := 1"))
	archive(t, s, "stays", 2, stays)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	before := pieceCount(t, path)
	altered(t, path, func(tx *bbolt.Tx) error {
		var ref struct{ Seq uint64 }
		if err := json.Unmarshal(tx.Bucket([]byte("revisions")).Get([]byte("goes")), &ref); err != nil {
			return err
		}
		var text struct {
			Kind     string
			Revision struct {
				ID    string `json:"revision"`
				Files map[string][]byte
			}
		}
		if err := json.Unmarshal(tx.Bucket([]byte("log")).Get(sequence(ref.Seq)), &text); err != nil || text.Kind != "revision" || text.Revision.ID != "goes" || text.Revision.Files != nil {
			return fmt.Errorf("it reads %+v, %w", text, err)
		}
		return tx.Bucket([]byte("revisions")).Delete([]byte("goes"))
	})
	s = open(t, options(t, path))
	archived(t, s, map[string]map[string][]byte{"stays": stays})
	again := func() int {
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		n := pieceCount(t, path)
		s = open(t, options(t, path))
		return n
	}
	eventually(t, "what nobody lists is gone", func() bool { return again() < before })
	archived(t, s, map[string]map[string][]byte{"stays": stays})
}

// counting is a disk that takes so many commits and no more, and tells when it
// refuses one.
type counting struct {
	left    atomic.Int64
	refuses func()
}

var errTornDown = errors.New("the machine stands still")

func (c *counting) tune(u *history.Tuning) {
	u.Commit = func(next func() error) error {
		if c.left.Add(-1) < 0 {
			c.refuses()
			return errTornDown
		}
		return next()
	}
}

// Wherever a crash comes between the pieces of a set and its record, the set is
// whole or not listed, and archiving it again completes it.
func TestACrashBetweenThePiecesOfASet(t *testing.T) {
	noise := make([]byte, 600_000)
	_, _ = rand.NewChaCha8([32]byte{}).Read(noise)
	old, edited := tree(noise[:150_000], "old"), tree(noise, "new")
	whole := false
	for n := int64(0); !whole; n++ {
		ctx, giveUp := context.WithCancel(t.Context())
		path, c := newPath(t), &counting{refuses: giveUp}
		c.left.Store(1 << 40)
		s, err := history.OpenTuned(options(t, path), c.tune)
		if err != nil {
			t.Fatal(err)
		}
		archive(t, s, "old", 1, old)
		settled := pieceCountOf(t, s, path)
		c.left.Store(n)
		want := map[string]map[string][]byte{"old": old}
		err = s.SaveRevision(ctx, &engine.Revision{ID: "edited", At: 2, Files: edited})
		if whole = err == nil; whole {
			want["edited"] = edited
		} else if !errors.Is(err, context.Canceled) {
			t.Fatalf("after %d commits: %v", n, err)
		}
		if r, err := s.Revision(t.Context(), "edited"); err != nil || r == nil || !sameFiles(r.Files, edited) {
			t.Fatalf("after %d commits the set that waits can't be read: %v", n, err)
		}
		_ = s.Crash() // which says what was lost
		verify(t, path)
		s = open(t, options(t, path))
		archived(t, s, want)
		if !whole {
			eventually(t, "the pieces are gone", func() bool {
				if err := s.Close(); err != nil {
					t.Fatal(err)
				}
				left := pieceCount(t, path)
				s = open(t, options(t, path))
				return left == settled
			})
		}
		archive(t, s, "edited", 3, edited)
		archived(t, s, map[string]map[string][]byte{"old": old, "edited": edited})
		if whole && n < 3 {
			t.Errorf("a large set took %d commits", n)
		}
		giveUp()
	}
}

// pieceCountOf is pieceCount beside a store, by a copy.
func pieceCountOf(t testing.TB, s *history.Store, path string) int {
	t.Helper()
	copied := newPath(t)
	if err := s.Backup(t.Context(), copied); err != nil {
		t.Fatal(err)
	}
	return pieceCount(t, copied)
}

// A set that waits for a full disk is there, is saved when there is room, and is
// whole after a restart.
func TestASetWaitsForAFullDisk(t *testing.T) {
	var d disk
	path := newPath(t)
	s, err := history.OpenTuned(options(t, path), d.tune, func(u *history.Tuning) { u.CompleteWait = 500 * time.Millisecond })
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]map[string][]byte{"before": tree(lines(2000), "before"), "during": tree(lines(3000), "during")}
	archive(t, s, "before", 1, want["before"])
	d.full.Store(true)
	for range 2 {
		err := s.SaveRevision(t.Context(), &engine.Revision{ID: "during", At: 2, Files: want["during"]})
		if !errors.Is(err, engine.ErrUnavailable) {
			t.Fatalf("on a full disk: %v", err)
		}
		archived(t, s, want)
	}
	d.full.Store(false)
	archive(t, s, "before", 3, want["before"]) // which waits for those before it
	archived(t, s, want)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	verify(t, path)
	archived(t, open(t, options(t, path)), want)
}

// A number is found wherever it is in a large file, in a path, and across the
// places where it is cut; sets that share files with an erased one stay whole.
func TestForgettingFindsNumbersInPieces(t *testing.T) {
	path, c := newPath(t), newClock()
	o := options(t, path)
	o.Now = c.now
	s, err := history.OpenTuned(o, small)
	if err != nil {
		t.Fatal(err)
	}
	text := lines(20_000)
	want := map[string]map[string][]byte{"without": tree(text, "package routing")}
	archive(t, s, "without", 1, want["without"])
	var erased []string
	with := func(id string, files map[string][]byte) {
		archive(t, s, id, c.now().UnixNano(), files)
		erased = append(erased, id)
	}
	for i := range 40 {
		at := len(text) / 40 * i
		with(fmt.Sprintf("at-%02d", i), tree(slices.Concat(text[:at], []byte("+91 99889 12345"), text[at:]), "package routing"))
	}
	// Without any place where its content says to cut, it is cut at fixed ones.
	for i, shift := range []int{0, 3, 6, 9} {
		blank := bytes.Repeat([]byte("x"), 300_000)
		copy(blank[128<<10-shift:], gone)
		with(fmt.Sprint("cut-", i), map[string][]byte{"blank": blank})
	}
	with("path", map[string][]byte{"people/" + gone + ".rego": []byte("package a")})
	slices.Sort(erased)
	equal(t, "erased sets", forget(t, s).Revisions, erased)
	archived(t, s, want)
	equal(t, "found again", forget(t, s).Empty(), true)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	verify(t, path)
	left := pieceCount(t, path)
	alone := open(t, options(t, newPath(t)))
	archive(t, alone, "without", 1, want["without"])
	equal(t, "pieces", left, pieceCountOf(t, alone, path))
}

// Whatever happens to sets that share most of their files, those that are listed
// are whole, also in a backup, and nothing else is kept of the others.
func TestListedSetsAreWhole(t *testing.T) {
	base := lines(4000)
	rapid.Check(t, func(rt *rapid.T) {
		path, c := newPath(t), newClock()
		o := options(t, path)
		o.Now, o.Retention = c.now, 24*time.Hour
		tune := func(u *history.Tuning) { u.TrimEvery = time.Hour }
		s, err := history.OpenTuned(o, small, tune)
		if err != nil {
			rt.Fatal(err)
		}
		made := map[string]map[string][]byte{}
		check := func(s *history.Store) {
			all, err := s.Revisions(t.Context())
			if err != nil {
				rt.Fatal(err)
			}
			for _, r := range all {
				got, err := s.Revision(t.Context(), r.ID)
				if now, _ := s.Revisions(t.Context()); got == nil && len(now) < len(all) {
					continue // the retention of a start took it meanwhile
				}
				if err != nil || got == nil || !sameFiles(got.Files, made[r.ID]) {
					rt.Fatalf("the set %s is not whole: %v", r.ID, err)
				}
			}
		}
		for range rapid.IntRange(1, 12).Draw(rt, "steps") {
			c.advance(time.Duration(rapid.IntRange(1, 20).Draw(rt, "hours")) * time.Hour)
			switch rapid.IntRange(0, 5).Draw(rt, "step") {
			case 0, 1, 2:
				n := rapid.IntRange(0, 9).Draw(rt, "set")
				at := len(base) / 10 * n
				edit := []byte("edit")
				if n > 7 {
					edit = []byte(gone)
				}
				id := fmt.Sprint("r", n)
				made[id] = tree(slices.Concat(base[:at], edit, base[at:]), fmt.Sprint("package r", n%3))
				if err := s.SaveRevision(t.Context(), &engine.Revision{ID: id, At: c.now().UnixNano(), Files: made[id]}); err != nil {
					rt.Fatal(err)
				}
			case 3:
				if err := s.Trim(t.Context()); err != nil {
					rt.Fatal(err)
				}
			case 4:
				forget(t, s)
			case 5:
				if err := s.Crash(); err != nil {
					rt.Fatal(err)
				}
				if s, err = history.OpenTuned(o, small, tune); err != nil {
					rt.Fatal(err)
				}
			}
			check(s)
		}
		copied := newPath(t)
		if err := s.Backup(t.Context(), copied); err != nil {
			rt.Fatal(err)
		}
		forget(t, s)
		if err := s.Close(); err != nil {
			rt.Fatal(err)
		}
		verify(t, path)
		if err := history.Compact(t.Context(), path, nil); err != nil {
			rt.Fatal(err)
		}
		verify(t, path)
		o.Retention = 0 // which a start would begin with, and not be done when it ends
		if s, err = history.OpenTuned(o, small, tune); err != nil {
			rt.Fatal(err)
		}
		check(s)
		forget(t, s)
		left, err := s.Revisions(t.Context())
		if err = errors.Join(err, s.Close()); err != nil {
			rt.Fatal(err)
		}
		alone, err := history.OpenTuned(options(t, newPath(t)), small)
		if err != nil {
			rt.Fatal(err)
		}
		defer alone.Close()
		for _, r := range left {
			archive(t, alone, r.ID, r.At, made[r.ID])
		}
		if got, want := pieceCount(t, path), pieceCountOf(t, alone, path); got != want {
			rt.Fatalf("%d pieces are left, %d are needed", got, want)
		}
		if s, err = history.OpenTuned(options(t, copied), small); err != nil {
			rt.Fatal(err)
		}
		check(s)
		if err := s.Close(); err != nil {
			rt.Fatal(err)
		}
	})
}

// A piece that is missing is told, by who verifies and by who reads.
func TestAMissingPieceIsTold(t *testing.T) {
	path := newPath(t)
	s := open(t, options(t, path))
	archive(t, s, "one", 1, tree(lines(20_000), "package routing"))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	altered(t, path, func(tx *bbolt.Tx) error {
		b := tx.Bucket([]byte("pieces"))
		k, _ := b.Cursor().First()
		return b.Delete(k)
	})
	r, err := history.Verify(t.Context(), path)
	if err != nil || len(r.Problems) != 1 || !strings.Contains(r.Problems[0], "set one files are missing or damaged") {
		t.Errorf("verified: %q, %v", r.Problems, err)
	}
	s = open(t, options(t, path))
	if r, err := s.Revision(t.Context(), "one"); r != nil && r.Files != nil || err == nil || !strings.Contains(err.Error(), "verify the database") {
		t.Errorf("read: %v, %v", r, err)
	}
}
