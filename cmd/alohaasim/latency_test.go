package main

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// Percentiles are never below the truth and at most 1/64 (and a microsecond)
// above it.
func TestPercentilesAgainstASortedSlice(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all := rapid.SliceOfN(rapid.Map(rapid.Int64Range(0, int64(time.Hour)), func(n int64) time.Duration {
			return time.Duration(n) >> (uint(n) % 40) // as many short ones as long ones
		}), 1, 300).Draw(t, "durations")
		var h histogram
		for _, d := range all {
			h.add(d)
		}
		slices.Sort(all)
		for _, percent := range []int{1, 50, 90, 99, 100} {
			truth := all[max((percent*len(all)+99)/100, 1)-1]
			got := h.percentile(float64(percent) / 100)
			if got < truth || got > truth+truth/64+time.Microsecond {
				t.Fatalf("p%d is %s, want %s", percent, got, truth)
			}
		}
	})
}

func TestBucketsHoldTheirDurations(t *testing.T) {
	last := 0
	for d := time.Duration(0); d < 2*time.Hour; d += d/50 + 700*time.Nanosecond {
		b := bucketOf(d)
		if b < last || b >= len(histogram{}.buckets) {
			t.Fatalf("%s is in bucket %d, after %d", d, b, last)
		}
		if b < len(histogram{}.buckets)-1 && (upper(b) < d || b > 0 && upper(b-1) >= d) {
			t.Fatalf("%s is in bucket %d, which holds (%s, %s]", d, b, upper(b-1), upper(b))
		}
		last = b
	}
}

func TestSummary(t *testing.T) {
	var h histogram
	if h.summary() != (latency{}) || h.summary().String() != "-" {
		t.Errorf("empty: %+v", h.summary())
	}
	h.add(-time.Second) // a clock that jumped
	h.add(40 * time.Hour)
	if s := h.summary(); s.Count != 2 || s.P50 > 0.001 || s.Max != float64(40*time.Hour/time.Millisecond) || s.P99 != s.Max {
		t.Errorf("got %+v", s)
	}
}
