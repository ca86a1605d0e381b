package main

import (
	"math/bits"
	"time"
)

// Buckets of a histogram: exact below 64 µs, then 64 to every doubling, so that
// a percentile is at most 1/64 (1.6 %) above the truth. The last bucket begins
// beyond an hour.
const (
	subBuckets = 64
	doublings  = 26
)

// histogram counts durations in memory that does not grow with the run. Zero is
// ready for use; it is not safe for concurrent use.
type histogram struct {
	buckets [subBuckets * (doublings + 1)]int64
	count   int64
	largest time.Duration
}

func (h *histogram) add(d time.Duration) {
	h.buckets[bucketOf(d)]++
	h.count++
	h.largest = max(h.largest, d)
}

func bucketOf(d time.Duration) int {
	us := uint64(max(d, 0) / time.Microsecond)
	if us < subBuckets {
		return int(us)
	}
	doubling := bits.Len64(us) - 7 // 64..127 µs are the first
	if doubling >= doublings {
		return subBuckets*(doublings+1) - 1
	}
	return subBuckets*(doubling+1) + int(us>>doubling) - subBuckets
}

// upper is the longest duration that falls into a bucket.
func upper(bucket int) time.Duration {
	if bucket < subBuckets {
		return time.Duration(bucket+1)*time.Microsecond - 1
	}
	doubling := bucket/subBuckets - 1
	us := uint64(bucket%subBuckets+subBuckets+1) << doubling
	return time.Duration(us)*time.Microsecond - 1
}

// percentile is a duration that at least the share p of all stays within.
func (h *histogram) percentile(p float64) time.Duration {
	rank := max(int64(p*float64(h.count)+0.999999), 1)
	var seen int64
	for i, n := range h.buckets {
		// The last bucket has no upper end.
		if seen += n; seen >= rank && i < len(h.buckets)-1 {
			return min(upper(i), h.largest)
		}
	}
	return h.largest
}

// latency is a histogram's summary in milliseconds.
type latency struct {
	Count int64   `json:"count"`
	P50   float64 `json:"p50_ms"`
	P90   float64 `json:"p90_ms"`
	P99   float64 `json:"p99_ms"`
	Max   float64 `json:"max_ms"`
}

func (h *histogram) summary() latency {
	ms := func(d time.Duration) float64 { return float64(d.Round(time.Microsecond)) / float64(time.Millisecond) }
	if h.count == 0 {
		return latency{}
	}
	return latency{h.count, ms(h.percentile(0.50)), ms(h.percentile(0.90)), ms(h.percentile(0.99)), ms(h.largest)}
}
