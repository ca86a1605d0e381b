package history_test

import (
	"encoding/binary"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"switchboard/engine"
	"switchboard/engine/history"
)

// verify fails the test where the files at path have a problem.
func verify(t testing.TB, path string) history.VerifyReport {
	t.Helper()
	r, err := history.Verify(background(), path)
	if err != nil {
		t.Fatalf("Verify: %v", err)
	}
	for _, p := range r.Problems {
		t.Errorf("Verify: %s", p)
	}
	return r
}

func key(seq uint64) []byte { return binary.BigEndian.AppendUint64(nil, seq) }

// damage changes a closed bbolt file.
func damage(t *testing.T, path string, f func(tx *bbolt.Tx) error) {
	t.Helper()
	db, err := bbolt.Open(path, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(db.Update(f), db.Close()); err != nil {
		t.Fatal(err)
	}
}

// filled makes a database with a bit of everything, and closes it.
func filled(t *testing.T) string {
	t.Helper()
	path := newPath(t)
	s, err := history.OpenTuned(options(t, path))
	if err != nil {
		t.Fatal(err)
	}
	for i := range 20 {
		route(t, s, "c"+number(i), number(i), number(100+i%3), did)
		complete(t, s, completion("c"+number(i), number(i), number(100+i%3), did, noon))
	}
	if err := s.SaveRevision(t.Context(), &engine.Revision{ID: "r1", Files: map[string][]byte{"a.rego": []byte("package a")}}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Quarantine(t.Context(), engine.QuarantineItem{Kind: "completion", Raw: engine.Payload{Body: []byte("?")}}); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(s.Flush(t.Context()), s.Settle(t.Context())); err != nil { // the index is complete, everything in its place
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestVerifyOfASoundDatabase(t *testing.T) {
	path := filled(t)
	before, indexBefore := read(t, path), read(t, history.IndexPath(path))
	r := verify(t, path)
	equal(t, "index", r.Index, history.IndexEqual)
	equal(t, "kinds", r.Kinds, map[string]uint64{"decision": 20, "completion": 20, "revision": 1, "quarantine": 1})
	equal(t, "numbers", []uint64{r.Records, r.First, r.Last, r.Calls, r.Profiles, r.Applied}, []uint64{42, 1, 42, 20, 20 + 3 + 1, 42})
	if before != read(t, path) || indexBefore != read(t, history.IndexPath(path)) {
		t.Error("Verify changed a file")
	}
}

func TestVerifyFindsDamage(t *testing.T) {
	cases := map[string]struct {
		index bool
		do    func(tx *bbolt.Tx) error
		want  string
	}{
		"a missing record": {false, func(tx *bbolt.Tx) error { return tx.Bucket([]byte("log")).Delete(key(7)) }, "records 7 to 7 are missing"},
		"a broken record":  {false, func(tx *bbolt.Tx) error { return tx.Bucket([]byte("log")).Put(key(7), []byte(`{"kind":`)) }, "record 7 is damaged"},
		"an unknown kind":  {false, func(tx *bbolt.Tx) error { return tx.Bucket([]byte("log")).Put(key(7), []byte(`{"kind":"?"}`)) }, "record 7 is damaged"},
		"an empty kind": {false, func(tx *bbolt.Tx) error {
			return tx.Bucket([]byte("log")).Put(key(7), []byte(`{"kind":"decision"}`))
		}, "record 7 is damaged"},
		"a lost revision":   {false, func(tx *bbolt.Tx) error { return tx.Bucket([]byte("log")).Delete(key(41)) }, "archived policy set r1"},
		"a lost quarantine": {false, func(tx *bbolt.Tx) error { return tx.Bucket([]byte("log")).Delete(key(42)) }, "quarantined payload"},
		"a lost profile":    {true, func(tx *bbolt.Tx) error { return tx.Bucket([]byte("dids")).Delete([]byte(did)) }, "dids 1 entries are missing"},
		"an extra profile":  {true, func(tx *bbolt.Tx) error { return tx.Bucket([]byte("dids")).Put([]byte("1"), []byte("x")) }, "1 are too many"},
		"a changed profile": {true, func(tx *bbolt.Tx) error {
			b := tx.Bucket([]byte("receivers"))
			k, _ := b.Cursor().First()
			_, other := b.Cursor().Last()
			return b.Put(k, append([]byte{}, other...))
		}, "1 differ"},
		"lost statistics": {true, func(tx *bbolt.Tx) error {
			k, _ := tx.Bucket([]byte("stats")).Cursor().First()
			return tx.Bucket([]byte("stats")).Delete(k)
		}, "stats 1 entries are missing"},
		"a lost call": {true, func(tx *bbolt.Tx) error { return tx.Bucket([]byte("calls")).Delete(key(1)) }, "calls 1 entries are missing"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			path := filled(t)
			file := path
			if c.index {
				file = history.IndexPath(path)
			}
			damage(t, file, c.do)
			r, err := history.Verify(t.Context(), path)
			if err != nil {
				t.Fatal(err)
			}
			if r.OK() || !strings.Contains(strings.Join(r.Problems, "\n"), c.want) {
				t.Errorf("problems %q lack %q", r.Problems, c.want)
			}
			if c.index {
				equal(t, "index", r.Index, history.IndexDifferent)
			}
		})
	}
}

func TestVerifyTellsFilesApart(t *testing.T) {
	if _, err := history.Verify(t.Context(), newPath(t)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a missing file: %v", err)
	}
	path := filled(t)
	if err := os.Truncate(path, 5*4096); err != nil {
		t.Fatal(err)
	}
	if r, err := history.Verify(t.Context(), path); err != nil || r.OK() {
		t.Errorf("a truncated file: %+v, %v", r, err)
	}
	path = filled(t)
	if err := os.Remove(history.IndexPath(path)); err != nil {
		t.Fatal(err)
	}
	equal(t, "without an index", verify(t, path).Index, history.IndexAbsent)

	s := open(t, options(t, path))
	if _, err := history.Verify(t.Context(), path); !errors.Is(err, history.ErrInUse) {
		t.Errorf("a file in use: %v", err)
	}
	route(t, s, "c1", caller, number(1), did)
}

func read(t testing.TB, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// A rebuild folds the newest records first. A profile that was full before a
// call left it then never was: no reason to call the index damaged.
func TestVerifyKnowsThatOrderLeavesTraces(t *testing.T) {
	path := newPath(t)
	s, err := history.OpenTuned(options(t, path))
	if err != nil {
		t.Fatal(err)
	}
	for i := range 33 { // one more than a profile keeps
		complete(t, s, completion(number(i), caller, number(100), did, noon.Add(time.Duration(i)*time.Minute)))
	}
	publish(t, s, decision(number(32), number(7), number(100), did, noon.Add(31*time.Minute))) // somebody else called
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := history.Rebuild(t.Context(), options(t, path), nil); err != nil {
		t.Fatal(err)
	}
	equal(t, "index", verify(t, path).Index, history.IndexEqual)
}
