package pile_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"go.etcd.io/bbolt"
	"pgregory.net/rapid"

	"switchboard/engine"
	"switchboard/engine/history/fold"
	"switchboard/engine/history/pile"
)

// TestAValueIsFoundWhereverItLies holds piles and tree to a map: values that come,
// change and go, rounds that fail or seem to, with everything settled or the file
// opened anew in between.
func TestAValueIsFoundWhereverItLies(t *testing.T) {
	half := 0 // how often a pile was settled in part
	rapid.Check(t, func(rt *rapid.T) {
		f, want := newFile(t), make(map[fold.Key]string)
		f.came = func(k fold.Key, value string) {
			if value != want[k] {
				rt.Errorf("%q came to the tree for %v, and the newest is %q", value, k, want[k])
			}
		}
		for step := range rapid.IntRange(1, 40).Draw(rt, "steps") {
			var changes []change
			changed := make(map[fold.Key]bool)
			for range rapid.IntRange(0, 8).Draw(rt, "changes") {
				k := fold.Key{Kind: rapid.SampledFrom(kinds).Draw(rt, "kind"), Number: fmt.Sprint(rapid.IntRange(0, 9).Draw(rt, "number"))}
				c := change{Key: k}
				if rapid.IntRange(0, 3).Draw(rt, "gone") > 0 {
					c.value = fmt.Sprint(step, " ", len(changes))
				}
				if !changed[k] {
					changes, changed[k] = append(changes, c), true
				}
			}
			took := func() {
				for _, c := range changes {
					want[c.Key] = c.value
				}
			}
			placed := f.placed
			switch rapid.SampledFrom([]string{"write", "write", "write", "write", "write", "write", "fail", "seem to fail", "settle", "open", "killed"}).Draw(rt, "step") {
			case "write":
				f.round(changes...)
				took()
				if all := f.piles(); f.placed > placed && (len(all[laneGrowing]) == 2 || len(all[laneSteady]) == 2) {
					half++
				}
			case "fail":
				if _, err := f.write(changes, errors.New("full")); err == nil {
					rt.Fatal("it did not fail")
				}
			case "seem to fail": // it is written all the same, which nobody knows
				if _, err := f.write(changes, nil); err != nil {
					rt.Fatal(err)
				}
				if rapid.Bool().Draw(rt, "started anew") {
					f.again(true)
				} else {
					f.round(changes...)
				}
				took()
			case "settle":
				if err := f.set.SettleAll(f.db); err != nil {
					rt.Fatal(err)
				}
				if all := f.piles(); len(all[laneGrowing])+len(all[laneSteady]) > 0 {
					rt.Fatalf("left in piles: %v", all)
				}
			case "open":
				f.again(false)
			case "killed":
				f.again(true)
			}
			for _, kind := range kinds {
				for i := range 10 {
					k := fold.Key{Kind: kind, Number: fmt.Sprint(i)}
					if got, err := f.value(k); err != nil || got != want[k] {
						rt.Fatalf("%v is %q (%v), want %q", k, got, err, want[k])
					}
				}
			}
		}
		if err := f.set.SettleAll(f.db); err != nil {
			rt.Fatal(err)
		}
		err := f.db.View(func(tx *bbolt.Tx) error {
			return tx.Bucket(bucketTree).ForEach(func(k, v []byte) error {
				kind, text, _ := strings.Cut(string(k), "\x00")
				if w := want[fold.Key{Kind: engine.ProfileKind(kind), Number: text}]; w != string(v) {
					rt.Errorf("the tree has %q at %s %s, want %q", v, kind, text, w)
				}
				return nil
			})
		})
		if err != nil {
			rt.Fatal(err)
		}
	})
	if half == 0 {
		t.Error("no pile was ever settled in part")
	}
}

// A key that was written is found from then on, while others are written and its
// value goes from pile to tree.
func TestReadersBesideTheWriter(t *testing.T) {
	f, seq := newFile(t), 0
	first := news(growing, &seq, 20)
	first = append(first, news(steady, &seq, 20)...)
	f.round(first...)
	done := make(chan struct{})
	var wg sync.WaitGroup
	for reader := range 4 {
		wg.Go(func() {
			for i := reader; ; i++ {
				select {
				case <-done:
					return
				default:
				}
				c := first[i%len(first)]
				if v, err := f.value(c.Key); err != nil || v != c.value {
					t.Errorf("%v is %q (%v), want %q", c.Key, v, err, c.value)
					return
				}
			}
		})
	}
	for range 200 {
		f.round(append(news(growing, &seq, 3), news(steady, &seq, 3)...)...)
	}
	close(done)
	wg.Wait()
}

// A pile is settled before the next is full, whatever is written, also where it is
// settled anew after a start.
func TestThereAreNeverMoreThanTwoPiles(t *testing.T) {
	const most = 40 // keys of each lane in a round
	f, seq, random := newFile(t), 0, rand.New(rand.NewPCG(1, 2))
	for i := range 400 {
		if i%50 == 49 {
			f.again(i%100 == 99)
		}
		f.round(append(news(growing, &seq, random.IntN(most)), news(steady, &seq, random.IntN(most))...)...)
		for lane, piles := range f.piles() {
			full := f.o.Keys * f.o.Lanes[lane].Times
			if len(piles) > 2 {
				t.Fatalf("there are %d piles", len(piles))
			}
			for j, p := range piles {
				switch {
				case j == 1 && p.keys >= full:
					t.Fatalf("%d keys are in the pile that is written to, with room for %d, before the last one is settled", p.keys, full)
				case p.keys >= full+most:
					t.Fatalf("a pile had %d keys", p.keys)
				}
			}
		}
	}
	f.round(append(news(growing, &seq, 1), news(steady, &seq, 1)...)...)
	for lane, piles := range f.piles() {
		if len(piles) == 0 || piles[len(piles)-1].number < 20 {
			t.Errorf("too few piles were filled in lane %d: %v", lane, piles)
		}
	}
}

// Larger trees have larger piles, within bounds, where their lane says so.
func TestAPileGrowsWithItsTrees(t *testing.T) {
	f, seq := newFile(t), 0
	var sizes [lanes][]int // of pile number one and on
	for range 60 * f.o.Keys {
		f.round(append(news(growing, &seq, 1), news(steady, &seq, 1)...)...)
		for lane, piles := range f.piles() {
			for _, p := range piles {
				if int(p.number) > len(sizes[lane]) {
					sizes[lane] = append(sizes[lane], 0)
				}
				sizes[lane][p.number-1] = p.keys
			}
		}
	}
	for lane := range sizes { // the last ones are not full yet
		sizes[lane] = sizes[lane][:len(sizes[lane])-1]
	}
	least, got := f.o.Keys, sizes[laneGrowing]
	if !slices.IsSorted(got) || got[0] != least || got[1] != least || !slices.Contains(got, 2*least) || got[len(got)-1] != 4*least {
		t.Errorf("the piles had %v keys, with a bound of %d to %d", got, least, 4*least)
	}
	if got := slices.Compact(sizes[laneSteady]); !slices.Equal(got, []int{least}) {
		t.Errorf("where they don't grow the piles had %v keys, with a bound of %d", got, least)
	}
}

// A pile of few keys that change all the time is settled for its bytes, those of the
// options and a KiB for each of its keys.
func TestAPileIsFullByItsBytes(t *testing.T) {
	f, seq := newFile(t), 0
	f.o.Keys, f.o.Bytes = 1<<17, 4<<10
	f.again(false)
	c := news(growing, &seq, 1)[0]
	c.value = strings.Repeat("v", 1<<10-len("new 1")-4) // with what stands around it in the pile
	for i := range 12 {
		f.round(c)
		piles := f.piles()[laneGrowing]
		if got, want := piles[len(piles)-1].number, uint64(1+i/5); got != want {
			t.Fatalf("after %d KiB of one key pile %d is written to, want %d", i+1, got, want)
		}
	}
}

// What the trees have is never hidden, and most of what they lack is nowhere.
func TestMostThatIsNewIsNowhere(t *testing.T) {
	const n = 1 << 14
	f, seq := newFile(t, func(o *pile.Options) { o.Keys, o.Known = 1<<12, 1<<10 }), 0
	for range 8 {
		f.round(news(growing, &seq, n/8)...)
	}
	if err := f.set.SettleAll(f.db); err != nil {
		t.Fatal(err)
	}
	f.again(false)
	for seq = 0; seq < n; {
		if c := news(growing, &seq, 1)[0]; f.set.Find(c.Key).Nowhere {
			t.Fatalf("%v is hidden", c.Key)
		}
	}
	wrong := 0
	for seq < 4*n {
		if c := news(growing, &seq, 1)[0]; !f.set.Find(c.Key).Nowhere {
			wrong++
		}
	}
	if rate := float64(wrong) / (3 * n); rate > 0.03 {
		t.Errorf("%.4f of unknown keys are let through", rate)
	}
}
