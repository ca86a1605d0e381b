package pieces_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.etcd.io/bbolt"
	"pgregory.net/rapid"

	"switchboard/engine/history/pieces"
)

// tester is what testing.TB and rapid.T have in common.
type tester interface {
	Helper()
	Fatal(args ...any)
}

func open(t testing.TB) *bbolt.DB {
	t.Helper()
	db, err := bbolt.Open(filepath.Join(t.TempDir(), "log.db"), 0o600, &bbolt.Options{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// kept keeps a set and tells how many bytes that took, in how many parts.
func kept(t tester, db *bbolt.DB, files map[string][]byte) (list []pieces.Name, size, parts int) {
	t.Helper()
	s, err := pieces.Of(files)
	if err != nil {
		t.Fatal(err)
	}
	if size, err = s.Pack(db.View); err != nil {
		t.Fatal(err)
	}
	for _, part := range s.Parts() {
		parts++
		if err := db.Update(part.Put); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Update(s.Put); err != nil {
		t.Fatal(err)
	}
	return s.List, size, parts
}

func directory(entries int) []byte {
	var b bytes.Buffer
	for i := range entries {
		fmt.Fprintf(&b, "  \"9180%08d\":\n    name: Line %d\n    team: [\"98765%05d\"]\n    sticky_days: 30\n", i, i, i)
	}
	return b.Bytes()
}

// sets are some that are easy to get wrong.
func sets() map[string]map[string][]byte {
	noise := make([]byte, 1<<20)
	_, _ = rand.NewChaCha8([32]byte{}).Read(noise)
	return map[string]map[string][]byte{
		"an empty file": {"a": {}}, "one byte": {"a": []byte("x")}, "equal ones": {"a": []byte("x"), "b": []byte("x")},
		"a large one": {"d/data.yaml": directory(20_000)}, "of one letter": {"a": bytes.Repeat([]byte("x"), 1<<20)}, "that does not shrink": {"noise": noise},
		"paths that are hard to write": {"\"\n\u2028/ü": []byte("x"), "": []byte("y")},
	}
}

func TestFilesAreWhatTheyWere(t *testing.T) {
	for name, files := range sets() {
		t.Run(name, func(t *testing.T) {
			db := open(t)
			list, _, _ := kept(t, db, files)
			got, err := pieces.Files(db.View, list)
			if err != nil || !maps.EqualFunc(got, files, bytes.Equal) {
				t.Error("they are others: ", err)
			}
			if again, size, parts := kept(t, db, files); size != 0 || parts != 0 || !slices.Equal(again, list) {
				t.Errorf("the same set again takes %d bytes in %d parts", size, parts)
			}
		})
	}
}

// An edit takes what it changes, wherever it is; no transaction takes much.
func TestAnEditTakesLittle(t *testing.T) {
	files := map[string][]byte{"directory/data.yaml": directory(100_000), "routing/a.rego": []byte("package routing\n")}
	for i := range 60 {
		files[fmt.Sprintf("recipes/r%d/r.rego", i)] = fmt.Appendf(nil, "package recipes.r%d\n", i)
	}
	db := open(t)
	_, first, parts := kept(t, db, files)
	if first > 1<<20 || parts < 4 || parts > 20 {
		t.Errorf("the first takes %d bytes in %d parts", first, parts)
	}
	for name, edit := range map[string]func(map[string][]byte){
		"nothing": func(map[string][]byte) {},
		"a rule":  func(f map[string][]byte) { f["routing/a.rego"] = []byte("package routing\n\nedit := 1\n") },
		"a rename": func(f map[string][]byte) {
			f["d/data.yaml"] = f["directory/data.yaml"]
			delete(f, "directory/data.yaml")
		},
		"an entry": func(f map[string][]byte) {
			f["directory/data.yaml"] = bytes.Replace(f["directory/data.yaml"], []byte("name: Line 50000\n"), []byte("name: Somebody else\n"), 1)
		},
		"an entry before all": func(f map[string][]byte) {
			f["directory/data.yaml"] = append([]byte("  \"918000000000\": {team: []}\n"), f["directory/data.yaml"]...)
		},
	} {
		edited := maps.Clone(files)
		edit(edited)
		_, size, _ := kept(t, db, edited)
		t.Logf("%s takes %d bytes", name, size)
		if size > 48<<10 || strings.HasPrefix(name, "a r") && size > 6<<10 || name == "nothing" && size > 0 {
			t.Errorf("%s takes %d bytes", name, size)
		}
	}
}

// What a set needs stays; what no set needs goes; and a set brings what was taken
// away after it had looked.
func TestOnlyWhatIsNeededStays(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		db := open(t)
		defer db.Close()
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(rt, "seed"), 1))
		type keptSet struct {
			files map[string][]byte
			list  []pieces.Name
		}
		var listed []keptSet
		text := directory(1000)
		for range rapid.IntRange(1, 8).Draw(rt, "sets") {
			at := rng.IntN(len(text))
			text = slices.Concat(text[:at], []byte("edit"), text[at:])
			files := map[string][]byte{"data.yaml": text, "same": []byte("same")}
			list, _, _ := kept(rt, db, files)
			listed = append(listed, keptSet{files, list})
		}
		var late *pieces.Set
		if rapid.Bool().Draw(rt, "one that comes late") {
			var err error
			if late, err = pieces.Of(listed[0].files); err != nil {
				rt.Fatal(err)
			}
			if size, err := late.Pack(db.View); size != 0 || err != nil {
				rt.Fatal(size, err)
			}
		}
		stay := listed[rapid.IntRange(0, len(listed)).Draw(rt, "dropped"):]
		sweep := func() int {
			marks := make(pieces.Marks)
			var needless []pieces.Name
			err := db.View(func(tx *bbolt.Tx) (err error) {
				for _, s := range stay {
					err = errors.Join(err, marks.Add(tx, s.list))
				}
				return err
			})
			if err == nil {
				needless, err = marks.Unmarked(rt.Context(), db.View)
			}
			if err == nil {
				err = db.Update(func(tx *bbolt.Tx) error { return marks.Delete(tx, needless) })
			}
			if err != nil {
				rt.Fatal(err)
			}
			return len(needless)
		}
		sweep()
		if late != nil {
			if err := db.Update(late.Put); err != nil {
				rt.Fatal(err)
			}
			stay = append(stay, keptSet{listed[0].files, late.List})
		}
		for _, s := range stay {
			if got, err := pieces.Files(db.View, s.list); err != nil || !maps.EqualFunc(got, s.files, bytes.Equal) {
				rt.Fatal("a listed set is not whole: ", err)
			}
		}
		if n := sweep(); n > 0 {
			rt.Fatalf("%d pieces were left", n)
		}
	})
}

func TestDamageIsTold(t *testing.T) {
	db := open(t)
	list, _, _ := kept(t, db, map[string][]byte{"a": []byte("text"), "b": directory(20_000)})
	whole, err := pieces.Whole(t.Context(), db.View)
	if err != nil || whole.Lacks(db.View, list) {
		t.Fatal("what is whole lacks something: ", err)
	}
	for i, damage := range []func(b *bbolt.Bucket, k, v []byte) error{
		func(b *bbolt.Bucket, k, v []byte) error {
			return b.Put(k, append(bytes.Clone(v[:len(v)-1]), v[len(v)-1]^1))
		},
		func(b *bbolt.Bucket, k, _ []byte) error { return b.Delete(k) },
	} {
		err := db.Update(func(tx *bbolt.Tx) error {
			b := tx.Bucket([]byte("pieces"))
			k, v := b.Cursor().First()
			return damage(b, k, v)
		})
		if err != nil {
			t.Fatal(err)
		}
		if files, err := pieces.Files(db.View, list); !errors.Is(err, pieces.ErrMissing) {
			t.Errorf("damage %d: %d files, %v", i, len(files), err)
		}
		if whole, err := pieces.Whole(t.Context(), db.View); err != nil || !whole.Lacks(db.View, list) {
			t.Errorf("damage %d is not found, %v", i, err)
		}
	}
	if _, err := pieces.Files(func(func(*bbolt.Tx) error) error { return nil }, list); !errors.Is(err, pieces.ErrMissing) {
		t.Errorf("without a file: %v", err)
	}
}

// A name is never taken for somebody's number.
func TestNamesHaveNoDigits(t *testing.T) {
	s, err := pieces.Of(map[string][]byte{"a": directory(5000)})
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(s.List)
	if err != nil || bytes.ContainsAny(text, "0123456789") {
		t.Errorf("%s, %v", text, err)
	}
	var back []pieces.Name
	if err := json.Unmarshal(text, &back); err != nil || !slices.Equal(back, s.List) {
		t.Errorf("%v became %v, %v", s.List, back, err)
	}
	for _, bad := range []string{`["abc"]`, `["` + strings.Repeat("q", 64) + `"]`} {
		if json.Unmarshal([]byte(bad), &back) == nil {
			t.Errorf("%s is taken for a name", bad)
		}
	}
}
