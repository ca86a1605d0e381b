package history

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"go.etcd.io/bbolt"
	"pgregory.net/rapid"

	"switchboard/engine"
	"switchboard/engine/history/fold"
)

// testIndex is an empty index with small piles.
func testIndex(t *testing.T) (x *index, again func(*index) *index) {
	t.Helper()
	folder := t.TempDir()
	rules, tune := fold.Rules{Zone: time.UTC, TTL: time.Minute}, defaults()
	tune.epochBits, tune.pileKeys, tune.filterEvery, tune.mmap = 4, 6, 5, 1<<24
	x, err := newIndex(filepath.Join(folder, "index"), "log", true, rules, tune)
	if err != nil {
		t.Fatal(err)
	}
	return x, func(x *index) *index {
		if err := x.close(); err != nil {
			t.Fatal(err)
		}
		x, err := openIndex(x.path, "log", rules, tune)
		if err != nil {
			t.Fatal(err)
		}
		return x
	}
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
	rapid.Check(t, func(rt *rapid.T) {
		x, again := testIndex(t)
		defer func() { _ = x.close() }()
		want := make(map[fold.Key]state)
		seq := uint64(0)
		for range rapid.IntRange(1, 25).Draw(rt, "steps") {
			switch rapid.SampledFrom([]string{"write", "write", "write", "write", "settle", "open"}).Draw(rt, "step") {
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
				if x.piles.filling.keys() > 0 || x.piles.settling != nil {
					rt.Fatal("something is left in a pile")
				}
			case "open":
				x = again(x)
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

// A pile is settled before the next is full, whatever is written.
func TestThereAreNeverMoreThanTwoPiles(t *testing.T) {
	x, _ := testIndex(t)
	defer func() { _ = x.close() }()
	x.full = 4 * settleMore
	for i := range 60 {
		var cut []written
		for n := range settleMore {
			k := fold.Key{Kind: engine.Callers, Number: fmt.Sprintf("%04d-%d", i, n)}
			cut = append(cut, written{key: k, state: state{profile: profileOf(k, n)}})
		}
		if err := x.write(cut, mark{complete: true}); err != nil {
			t.Fatal(err)
		}
		if n := x.piles.filling.keys(); n > x.full {
			t.Fatalf("%d keys are in the pile that is written to, with room for %d", n, x.full)
		}
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

func TestKnownHidesNothingAndLetsLittleThrough(t *testing.T) {
	const n = 1 << 14
	f := &known{room: 1 << 10}
	for i := range n {
		f.add(keyHash(keyOf(i)))
	}
	wrong := 0
	for i := range 4 * n {
		switch has := f.has(keyHash(keyOf(i))); {
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
