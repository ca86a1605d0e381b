package stats

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// An axis finds a name again among any others, and says it as it was.
func TestAxisKeepsNamesApart(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		// Numbers in a row, far apart, and texts that are nearly numbers.
		name := rapid.OneOf(
			rapid.Map(rapid.IntRange(0, 3000), func(i int) string { return fmt.Sprint(9_876_540_000 + i) }),
			rapid.Map(rapid.Uint64(), func(n uint64) string { return fmt.Sprint(n) }),
			rapid.SampledFrom([]string{"", "0", "007", "+919876543210", "98xxx", "999999999999999999", "1000000000000000000"}),
		)
		names := rapid.SliceOfN(name, 0, 2000).Draw(t, "names")
		var a axis
		want := map[string]int64{}
		for _, n := range names {
			texts := [][]byte{[]byte(n)}
			a.begin(1)
			a.of(texts, 0).Offered++
			a.of(texts, 0).Talk += 2
			want[n]++
		}
		got := map[string]int64{}
		for s := range a.all {
			got[a.name(s)] += s.Offered
			if s.Talk != 2*s.Offered {
				t.Fatalf("%s: %+v", a.name(s), s.Tally)
			}
		}
		if len(got) != len(want) {
			t.Fatalf("%d names of %d", len(got), len(want))
		}
		for n, offered := range want {
			if got[n] != offered {
				t.Fatalf("%q: %d, want %d", n, got[n], offered)
			}
		}
	})
}

func TestSumsAreOrderedByCallsThenName(t *testing.T) {
	var a axis
	for _, n := range []string{"b", "20", "3", "a", "3"} {
		a.begin(1)
		a.of([][]byte{[]byte(n)}, 0).Offered++
	}
	var list []*sum
	for s := range a.all {
		list = append(list, s)
	}
	slices.SortFunc(list, a.compare)
	var got []string
	for _, s := range list {
		got = append(got, a.name(s))
	}
	if want := []string{"3", "a", "b", "20"}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}
