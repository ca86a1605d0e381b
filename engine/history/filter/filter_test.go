package filter_test

import (
	"fmt"
	"testing"

	"switchboard/engine"
	"switchboard/engine/history/filter"
	"switchboard/engine/history/fold"
)

func hashOf(i int) uint64 {
	return filter.Hash(fold.Key{Kind: engine.Callers, Number: fmt.Sprintf("1ascaba13abcaav-%d", i)})
}

func TestAFilterHidesNothingAndLetsLittleThrough(t *testing.T) {
	const n = 1 << 12
	f := filter.New(16 * n)
	for i := range n {
		f.Add(hashOf(i))
	}
	for i := range n {
		if !f.Has(hashOf(i)) {
			t.Fatalf("key %d is hidden", i)
		}
		if f.Add(hashOf(i)) {
			t.Fatalf("key %d is news to it", i)
		}
	}
	wrong := 0
	for i := n; i < 11*n; i++ {
		if f.Has(hashOf(i)) {
			wrong++
		}
	}
	if rate := float64(wrong) / (10 * n); rate > 0.01 {
		t.Errorf("%.4f of unknown keys are let through", rate)
	}
}

func TestAFilterSurvivesTheDisk(t *testing.T) {
	f := filter.New(512)
	if !f.Add(hashOf(1)) {
		t.Error("what it lacks is no news to it")
	}
	kept := f.Append([]byte("before"))[len("before"):]
	got := filter.New(512)
	if !got.Read(kept) || !got.Has(hashOf(1)) || got.Has(hashOf(2)) {
		t.Error("it is another one now")
	}
	for _, wrong := range [][]byte{nil, kept[1:], append(kept, 0)} {
		if got.Read(wrong) {
			t.Errorf("%d bytes were taken for a filter of %d", len(wrong), len(kept))
		}
	}
}

// Filters on disk depend on the hashes.
func TestHashesStay(t *testing.T) {
	if got := filter.Hash(fold.Key{Kind: engine.Callers, Number: "9876543210"}); got != 0x47af46eee00e0953 {
		t.Errorf("the hash is %#x now; filters of existing indexes would hide calls", got)
	}
}
