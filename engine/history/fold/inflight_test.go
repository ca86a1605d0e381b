package fold

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"switchboard/engine"
)

// The counters say what resolving every call would, whatever the order, whether
// or not they went through their encoding or were pruned.
func TestInFlightCountsWhatResolveShows(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rules := someRules.Draw(t, "rules")
		all := someEntries(t)
		groups := map[string]*Group{}
		var f InFlight
		for _, e := range rapid.Permutation(slices.Concat(all, all)).Draw(t, "order") {
			before := groups[e.callID()]
			after, _ := before.With(e)
			groups[e.callID()] = after
			for _, c := range Diff(before, after) {
				f.Replace(c.Old, c.New, rules)
			}
			switch rapid.IntRange(0, 8).Draw(t, "meanwhile") {
			case 0:
				var err error
				if f, err = DecodeInFlight(f.Append(nil)); err != nil {
					t.Fatal(err)
				}
			case 1:
				f.Prune(moments.Draw(t, "pruned"), rules)
			}
		}
		for _, now := range nows(all, rules) {
			if now < f.Exact(rules) {
				continue
			}
			want := int64(0)
			for _, g := range groups {
				for _, c := range g.Calls() {
					if Resolve(c, now, rules.TTL).Status == engine.StatusInFlight {
						want++
					}
				}
			}
			if got := f.At(now, rules); got != want {
				t.Fatalf("%d in flight, want %d", got, want)
			}
		}
	})
}

// The counters are bounded by time, not by calls.
func TestInFlightStaysSmall(t *testing.T) {
	var f InFlight
	for i := range int64(100_000) {
		f.Replace(nil, call("a", i*100e6, engine.StatusInFlight), halfHour) // ten a second for three hours
		if i%1000 == 0 {
			f.Prune(base+i*100e6, halfHour)
		}
	}
	now := base + 100_000*int64(100e6)
	f.Prune(now, halfHour)
	if n := f.At(now, halfHour); n < 17_900 || n > 18_000 {
		t.Errorf("%d in flight", n)
	}
	if b := f.Append(nil); len(b) > 8<<10 {
		t.Errorf("the counters take %d bytes", len(b))
	}
}

func TestInFlightRefusesOtherBytes(t *testing.T) {
	for _, b := range [][]byte{{2, 2}, {2, 2, 0}, {2, 2, 1, 0, 1}, {2, 2, 1, 1, 1}, {2, 0x80}, {0x80}} {
		if f, err := DecodeInFlight(b); err == nil || f.slots != nil {
			t.Errorf("%v: %v, %v", b, f, err)
		}
	}
}
