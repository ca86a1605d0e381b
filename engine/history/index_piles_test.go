package history

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"go.etcd.io/bbolt"
	"pgregory.net/rapid"

	"switchboard/engine"
	"switchboard/engine/history/fold"
)

func testRules() fold.Rules { return fold.Rules{Zone: time.UTC, TTL: time.Minute} }

// testTuning has small piles.
func testTuning() tuning {
	t := defaults()
	t.epochBits, t.pileKeys, t.settleMore, t.filterEvery, t.mmap = 4, 6, 1, 5, 1<<24
	return t
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
		x, err := newIndex(filepath.Join(t.TempDir(), "index"), "log", true, testRules(), testTuning())
		if err != nil {
			rt.Fatal(err)
		}
		defer func() { _ = x.close() }()
		want, piledKinds := make(map[fold.Key]state), append(slices.Clone(profileKinds), kindCall)
		seq := uint64(0)
		for range rapid.IntRange(1, 40).Draw(rt, "steps") {
			switch rapid.SampledFrom([]string{"write", "write", "write", "write", "write", "write", "settle", "open", "killed"}).Draw(rt, "step") {
			case "write":
				changed := make(map[fold.Key]written)
				for range rapid.IntRange(0, 8).Draw(rt, "changes") {
					kind := rapid.SampledFrom(piledKinds).Draw(rt, "kind")
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
			case "open":
				x = again(t, x, false)
			case "killed":
				x = again(t, x, true)
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
		err = x.view(func(tx *bbolt.Tx) error {
			if n := tx.Bucket([]byte("ids")).Stats().KeyN; n != calls {
				rt.Errorf("%d call_ids in the tree, want %d", n, calls)
			}
			return nil
		})
		if err != nil {
			rt.Fatal(err)
		}
	})
}
