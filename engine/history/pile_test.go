package history

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"go.etcd.io/bbolt"
	"pgregory.net/rapid"

	"switchboard/engine"
	"switchboard/engine/history/boltfile"
	"switchboard/engine/history/filter"
	"switchboard/engine/history/fold"
)

func testRules() fold.Rules { return fold.Rules{Zone: time.UTC, TTL: time.Minute} }

// testTuning has small piles.
func testTuning() tuning {
	t := defaults()
	t.epochBits, t.pileKeys, t.settleMore, t.filterEvery, t.mmap = 4, 6, 1, 5, 1<<24
	return t
}

// testIndex is an empty index with small piles.
func testIndex(t *testing.T) *index {
	t.Helper()
	x, err := newIndex(filepath.Join(t.TempDir(), "index"), "log", true, testRules(), testTuning())
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// again closes an index and opens it anew, or, as if the process had been killed, a
// copy of what its file is.
func again(t *testing.T, x *index, killed bool) *index {
	t.Helper()
	path := x.path
	if killed {
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		path = filepath.Join(t.TempDir(), "index")
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := x.close(); err != nil {
		t.Fatal(err)
	}
	x, err := openIndex(path, "log", testRules(), testTuning())
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// inPiles is how many keys wait in piles.
func inPiles(x *index) (n int) {
	for which := range x.piles {
		p := &x.piles[which]
		n += len(p.filling.spots)
		if p.settling != nil {
			n += len(p.settling.spots)
		}
	}
	return n
}

// groupOf and profileOf are states that differ with n.
func groupOf(id string, n int) *fold.Group {
	g, _ := (*fold.Group)(nil).With(fold.Entry{Completion: &engine.Completion{
		CallID: id, Caller: engine.Number{Canonical: "9876543210", Valid: true}, Status: engine.StatusAnswered, Duration: int64(n), EndedAt: 1,
	}})
	return g
}

func profileOf(k fold.Key, n int) *fold.Profile {
	c := &engine.Call{CallID: fmt.Sprint("c", n), Status: engine.StatusAnswered, Duration: int64(n), RoutedAt: 1}
	c.Caller, c.Receiver, c.DID = k.Number, k.Number, k.Number
	c.CallerIsNumber, c.ReceiverIsNumber, c.DIDIsNumber = true, true, true
	return (*fold.Profile)(nil).Replace(k, nil, c, fold.Rules{TTL: time.Minute})
}

// told is a state as text.
func told(s state) string {
	return fmt.Sprintf("%v %x %x", s.seqs, fold.AppendGroup(nil, s.group), fold.AppendProfile(nil, s.profile))
}

// TestPilesAndTreesAreOneIndex holds an index, wherever its values lie, to a map:
// profiles that come, change and go, calls that move and go, with everything
// settled or the file opened anew in between.
func TestPilesAndTreesAreOneIndex(t *testing.T) {
	half := 0 // how often a pile was settled in part
	defer func() {
		if half == 0 {
			t.Error("no pile was ever settled in part")
		}
	}()
	rapid.Check(t, func(rt *rapid.T) {
		x := testIndex(t)
		defer func() { _ = x.close() }()
		want := make(map[fold.Key]state)
		seq := uint64(0)
		for range rapid.IntRange(1, 40).Draw(rt, "steps") {
			switch rapid.SampledFrom([]string{"write", "write", "write", "write", "write", "write", "settle", "open", "killed"}).Draw(rt, "step") {
			case "write":
				changed := make(map[fold.Key]written)
				for range rapid.IntRange(0, 8).Draw(rt, "changes") {
					kind := rapid.SampledFrom(piledKinds[:]).Draw(rt, "kind")
					k := fold.Key{Kind: kind, Number: fmt.Sprint(rapid.IntRange(0, 9).Draw(rt, "number"))}
					var s state
					seq++
					switch gone := rapid.IntRange(0, 3).Draw(rt, "gone") == 0; {
					case gone:
					case kind == kindCall && len(want[k].seqs) > 0 && rapid.Bool().Draw(rt, "stays"):
						s = state{group: groupOf(k.Number, int(seq)), seqs: append(slices.Clone(want[k].seqs[:1]), seq)}
					case kind == kindCall:
						s = state{group: groupOf(k.Number, int(seq)), seqs: []uint64{seq}}
					default:
						s = state{profile: profileOf(k, int(seq))}
					}
					changed[k] = written{key: k, state: s, place: want[k].at()}
				}
				if err := x.write(slices.Collect(maps.Values(changed)), mark{applied: seq, complete: true}); err != nil {
					rt.Fatal(err)
				}
				for k, w := range changed {
					want[k] = w.state
				}
			case "settle":
				if err := x.settleAll(); err != nil {
					rt.Fatal(err)
				}
				if n := inPiles(x); n > 0 {
					rt.Fatalf("%d keys are left in piles", n)
				}
			case "open":
				x = again(t, x, false)
			case "killed":
				x = again(t, x, true)
			}
			if settlingHalf(x) {
				half++
			}
			for _, kind := range piledKinds {
				for i := range 10 {
					k := fold.Key{Kind: kind, Number: fmt.Sprint(i)}
					got, err := x.load([]fold.Key{k})
					if err != nil {
						rt.Fatal(err)
					}
					if told(got[0]) != told(want[k]) {
						rt.Fatalf("%v is %s, want %s", k, told(got[0]), told(want[k]))
					}
				}
			}
		}
		// Every call_id stands in the tree once, and nothing else does.
		if err := x.settleAll(); err != nil {
			rt.Fatal(err)
		}
		calls := 0
		for k, s := range want {
			if k.Kind == kindCall && s.at() != 0 {
				calls++
			}
		}
		err := x.view(func(tx *bbolt.Tx) error {
			if n := tx.Bucket(bucketIDs).Stats().KeyN; n != calls {
				rt.Errorf("%d call_ids in the tree, want %d", n, calls)
			}
			if n := tx.Bucket(bucketPiles).Stats().KeyN; n != 0 {
				rt.Errorf("%d entries left in piles", n)
			}
			return nil
		})
		if err != nil {
			rt.Fatal(err)
		}
	})
}

// settlingHalf reports whether a pile is settled in part.
func settlingHalf(x *index) bool {
	for which := range x.piles {
		if p := &x.piles[which]; p.settling != nil && p.left != nil && len(p.left.list) < len(p.settling.spots) {
			return true
		}
	}
	return false
}

// news are changes of keys that were never there.
func news(kind engine.ProfileKind, seq *uint64, n int) (cut []written) {
	for range n {
		*seq++
		w := written{key: fold.Key{Kind: kind, Number: fmt.Sprint("new ", *seq)}}
		if kind == kindCall {
			w.state = state{group: groupOf(w.key.Number, int(*seq)), seqs: []uint64{*seq}}
		} else {
			w.profile = profileOf(w.key, int(*seq))
		}
		cut = append(cut, w)
	}
	return cut
}

// A pile is settled before the next is full, whatever is written, also where it is
// settled anew after a start.
func TestThereAreNeverMoreThanTwoPiles(t *testing.T) {
	const most = 40 // keys of each kind in a round
	x := testIndex(t)
	defer func() { _ = x.close() }()
	random, seq := rand.New(rand.NewPCG(1, 2)), uint64(0)
	turned := [pilesKept]map[uint64]bool{{}, {}}
	for i := range 400 {
		if i%50 == 49 {
			x = again(t, x, i%100 == 99)
		}
		cut := append(news(engine.Callers, &seq, random.IntN(most)), news(kindCall, &seq, random.IntN(most))...)
		if err := x.write(cut, mark{complete: true}); err != nil {
			t.Fatal(err)
		}
		for which := range x.piles {
			p := &x.piles[which]
			turned[which][p.filling.number] = true
			if n, room := len(p.filling.spots), x.pileRoom(which); n >= room {
				t.Fatalf("%d keys are in the pile that is written to, with room for %d", n, room)
			}
			if p.settling != nil && len(p.settling.spots) >= x.pileMost(which)+most {
				t.Fatalf("a pile had %d keys", len(p.settling.spots))
			}
		}
	}
	for which := range turned {
		if len(turned[which]) < 20 {
			t.Errorf("only %d piles were filled", len(turned[which]))
		}
	}
}

// A larger history has larger piles of profiles, within bounds; those of call_ids
// stay as they are.
func TestAPileGrowsWithTheHistory(t *testing.T) {
	x := testIndex(t)
	defer func() { _ = x.close() }()
	least, seq := x.tuning.pileKeys, uint64(0)
	var sizes []int // of the piles of profiles
	for range 60 * least {
		was := x.piles[profilePiles].filling
		if err := x.write(append(news(engine.Callers, &seq, 1), news(kindCall, &seq, 1)...), mark{complete: true}); err != nil {
			t.Fatal(err)
		}
		if x.piles[profilePiles].filling != was {
			sizes = append(sizes, len(was.spots))
		}
		if p := x.piles[callPiles].settling; p != nil && len(p.spots) != least {
			t.Fatalf("a pile of call_ids was full with %d keys", len(p.spots))
		}
	}
	if !slices.IsSorted(sizes) || sizes[0] != least || sizes[1] != least || !slices.Contains(sizes, 2*least) || sizes[len(sizes)-1] != 4*least {
		t.Errorf("the piles of profiles had %v keys, with a bound of %d to %d", sizes, least, 4*least)
	}
}

// A pile of few keys that change all the time is settled for its bytes.
func TestAPileIsFullByItsBytes(t *testing.T) {
	x := testIndex(t)
	defer func() { _ = x.close() }()
	x.tuning.pileKeys = 1 << 17
	p := x.piles[profilePiles].filling
	p.spots[pileKeyOf(0, "1")] = spot{}
	for bytes, want := range map[int]bool{pileBytes: false, pileBytes + pileBytesPerKey - 1: false, pileBytes + pileBytesPerKey: true} {
		if p.bytes = bytes; x.full(profilePiles) != want {
			t.Errorf("with %d bytes of one key it is full: %v", bytes, !want)
		}
	}
}

// spoilPile changes what stands under the first key of a part of the piles, in the
// closed file of an index.
func spoilPile(t *testing.T, path string, which int, part byte, spoil func(was []byte) []byte) {
	t.Helper()
	db, err := bbolt.Open(path, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	err = db.Update(func(tx *bbolt.Tx) error {
		all := tx.Bucket(bucketPiles)
		return all.ForEachBucket(func(name []byte) error {
			if int(name[0]) != which || name[len(name)-1] != part {
				return nil
			}
			k, v := all.Bucket(name).Cursor().First()
			return all.Bucket(name).Put(bytes.Clone(k), spoil(bytes.Clone(v)))
		})
	})
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
}

// TestOpeningReadsNoValues spoils a chunk: opening does not see it, and who reads
// a value in it, or brings it to its tree, does.
func TestOpeningReadsNoValues(t *testing.T) {
	for name, spoil := range map[string]func([]byte) []byte{
		"nothing":       func([]byte) []byte { return nil },
		"garbage":       func(was []byte) []byte { return bytes.Repeat([]byte{0xff}, len(was)) },
		"cut short":     func(was []byte) []byte { return was[:len(was)-1] },
		"another key":   func(was []byte) []byte { return bytes.Replace(was, []byte("new 1"), []byte("new 7"), 1) },
		"another kind":  func(was []byte) []byte { was[0] = 1; return was },
		"a longer text": func(was []byte) []byte { was[1]++; return was },
	} {
		t.Run(name, func(t *testing.T) {
			x := testIndex(t)
			seq := uint64(0)
			if err := x.write(append(news(engine.Callers, &seq, 1), news(kindCall, &seq, 1)...), mark{complete: true}); err != nil {
				t.Fatal(err)
			}
			if err := x.close(); err != nil {
				t.Fatal(err)
			}
			spoilPile(t, x.path, profilePiles, partValues, spoil)
			x, err := openIndex(x.path, "log", testRules(), testTuning())
			if err != nil {
				t.Fatalf("opening: %v", err)
			}
			defer func() { _ = x.close() }()
			if s, err := x.load([]fold.Key{callKey("new 2")}); err != nil || s[0].at() != 2 {
				t.Errorf("what lies elsewhere: %v, %v", s, err)
			}
			if s, err := x.load([]fold.Key{{Kind: engine.Callers, Number: "new 1"}}); !errors.Is(err, boltfile.ErrCorrupt) {
				t.Errorf("reading it: %v, %v", s, err)
			}
			if err := x.settleAll(); !errors.Is(err, boltfile.ErrCorrupt) {
				t.Errorf("settling it: %v", err)
			}
		})
	}
}

func TestABrokenDirectoryIsFoundAtOpening(t *testing.T) {
	for name, spoil := range map[string]func([]byte) []byte{
		"nothing":      func([]byte) []byte { return nil },
		"cut short":    func(was []byte) []byte { return was[:len(was)-1] },
		"no end":       func(was []byte) []byte { return append(was, 0xff) },
		"a huge entry": func(was []byte) []byte { return binary.AppendUvarint(was[:16], 1<<40) },
		"an empty one": func(was []byte) []byte { return append(was[:16], 0) },
	} {
		t.Run(name, func(t *testing.T) {
			x := testIndex(t)
			seq := uint64(0)
			if err := errors.Join(x.write(news(kindCall, &seq, 3), mark{complete: true}), x.close()); err != nil {
				t.Fatal(err)
			}
			spoilPile(t, x.path, callPiles, partKeys, spoil)
			if _, err := openIndex(x.path, "log", testRules(), testTuning()); !errors.Is(err, boltfile.ErrCorrupt) {
				t.Errorf("opening: %v", err)
			}
		})
	}
}

func TestABrokenPileIsNotRead(t *testing.T) {
	good := appendEntry(appendEntry(nil, 0, "9876543210", []byte("value")), 3, "c1", nil)
	kind, number, value, rest, err := takeEntry(good)
	if err != nil || kind != 0 || string(number) != "9876543210" || string(value) != "value" {
		t.Fatal(kind, string(number), string(value), err)
	}
	if kind, number, value, rest, err = takeEntry(rest); err != nil || kind != 3 || string(number) != "c1" || len(value)+len(rest) != 0 {
		t.Fatal(kind, string(number), string(value), err)
	}
	first := appendEntry(nil, 0, "9876543210", []byte("value"))
	for n := range first {
		if _, _, _, _, err := takeEntry(first[:n]); err == nil {
			t.Errorf("%d bytes of %d were taken for an entry", n, len(first))
		}
	}
	if _, _, _, _, err := takeEntry(append([]byte{byte(len(piledKinds))}, first[1:]...)); err == nil {
		t.Error("an unknown kind was taken")
	}
}

func keyOf(i int) fold.Key { return callKey(fmt.Sprintf("1ascaba13abcaav-%d", i)) }

func TestKnownHidesNothingAndLetsLittleThrough(t *testing.T) {
	const n = 1 << 14
	f := &known{room: 1 << 10}
	for i := range n {
		f.add(filter.Hash(keyOf(i)))
	}
	wrong := 0
	for i := range 4 * n {
		switch has := f.has(filter.Hash(keyOf(i))); {
		case i < n && !has:
			t.Fatalf("key %d is hidden", i)
		case i >= n && has:
			wrong++
		}
	}
	if rate := float64(wrong) / (3 * n); rate > 0.03 {
		t.Errorf("%.4f of unknown keys are let through", rate)
	}
	if got := len(f.all()); got != 5 {
		t.Errorf("%d layers", got)
	}
}
