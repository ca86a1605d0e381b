package main

import (
	"maps"
	"sync"
	"time"
)

// Bounds of what a run remembers: beyond them only counts grow.
const (
	maxExamples  = 5
	maxReceivers = 1000
)

// otherReceivers stands for all receivers beyond the first maxReceivers.
const otherReceivers = "others"

// tally counts what happened. It is safe for concurrent use, and its memory does
// not grow with the run.
type tally struct {
	mu sync.Mutex

	started, played    int
	answered, rejected int
	retries            int
	abandoned          int
	hungUp             int

	initiations, completions traffic
	receivers                map[string]int
	results                  map[string]int
	broken                   map[promise]*breach
	behind                   time.Duration // latest start against the schedule of --rate
}

// traffic is one webhook's side of a tally.
type traffic struct {
	sent     int
	byStatus map[int]int
	latency  histogram
}

// breach counts one broken promise and keeps the first examples.
type breach struct {
	count    int
	examples []example
}

// example is one broken promise as it happened.
type example struct {
	CallID string `json:"call_id"`
	Detail string `json:"detail"`
}

func newTally() *tally {
	return &tally{
		initiations: traffic{byStatus: map[int]int{}},
		completions: traffic{byStatus: map[int]int{}},
		receivers:   map[string]int{},
		results:     map[string]int{},
		broken:      map[promise]*breach{},
	}
}

// change runs f alone.
func (t *tally) change(f func(*tally)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	f(t)
}

func (t *tally) breakPromise(callID string, faults ...fault) {
	if len(faults) == 0 {
		return
	}
	t.change(func(t *tally) {
		for _, f := range faults {
			b := t.broken[f.promise]
			if b == nil {
				b = &breach{}
				t.broken[f.promise] = b
			}
			b.count++
			if len(b.examples) < maxExamples {
				b.examples = append(b.examples, example{callID, f.detail})
			}
		}
	})
}

// decided counts a call's answer once, however often it was repeated.
func (t *tally) decided(a answer) {
	t.change(func(t *tally) {
		switch {
		case a.rejected:
			t.rejected++
		case a.number != "":
			t.answered++
			if _, known := t.receivers[a.number]; !known && len(t.receivers) >= maxReceivers {
				a.number = otherReceivers
			}
			t.receivers[a.number]++
		}
	})
}

// replied counts an answer on one of the two webhooks.
func (tr *traffic) replied(r reply) {
	tr.byStatus[r.status]++
	tr.latency.add(r.took)
}

// breakages is how often each promise was broken so far.
func (t *tally) breakages() map[promise]int {
	counts := map[promise]int{}
	t.change(func(t *tally) {
		for p, b := range maps.All(t.broken) {
			counts[p] = b.count
		}
	})
	return counts
}
