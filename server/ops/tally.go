package ops

import (
	"sync"
	"time"

	"switchboard/engine"
)

// step is how finely calls are counted over time.
const step = 10 * time.Second

// tally counts decisions of the latest time.
type tally struct {
	mu      sync.Mutex
	slots   []slot // a ring, by time
	newest  int64  // the number of the newest slot since 1970
	started bool
}

type slot struct{ decided, fellBack int }

func newTally(span time.Duration) *tally {
	return &tally{slots: make([]slot, int(span/step)+2)}
}

// count adds a decision.
func (t *tally) count(now time.Time, fellBack bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := t.at(now)
	s.decided++
	if fellBack {
		s.fellBack++
	}
}

// at is the slot of now; those between the newest one and it are emptied. A
// clock that goes back counts where it was.
func (t *tally) at(now time.Time) *slot {
	n := now.UnixNano() / int64(step)
	if !t.started {
		t.started, t.newest = true, n
	}
	for i := 0; t.newest < n; i++ {
		if i == len(t.slots) {
			t.newest = n // all are empty by now
			break
		}
		t.newest++
		t.slots[t.newest%int64(len(t.slots))] = slot{}
	}
	return &t.slots[t.newest%int64(len(t.slots))]
}

// latest sums what was decided in the span before now.
func (t *tally) latest(now time.Time, span time.Duration) (sum slot) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.at(now)
	n := int64(len(t.slots))
	for i := range min(int64(span/step)+1, n) {
		s := t.slots[((t.newest-i)%n+n)%n]
		sum.decided += s.decided
		sum.fellBack += s.fellBack
	}
	return sum
}

// fellBack reports whether a decision is not what the policies wanted.
func fellBack(d engine.Decision) bool {
	switch d.Source {
	case engine.SourcePolicy, engine.SourceRejected:
		return false
	}
	return true
}
