package engine

import (
	"context"
	"runtime"
	"slices"
	"sync"
	"time"
)

// defaultEvaluations is how many evaluations run at once.
func defaultEvaluations() int { return max(4*runtime.GOMAXPROCS(0), 8) }

// places bounds how many evaluations run at once. They do nothing but compute:
// many more of them than processors finish no earlier, and take the processors
// from those who would read requests and write answers, fallbacks included.
//
// A free place goes to who came last. When runaway rules keep the places
// occupied, a queue would make everybody late; this way those who can be in
// time are.
type places struct {
	mu      sync.Mutex
	free    int
	waiting []chan struct{} // newest last
}

func newPlaces(n int) *places { return &places{free: n} }

// enter takes a place, to be given back with leave. It gives up when less than
// need is left until ctx ends: too late for a whole evaluation, and where places
// are short the machine is busy, so that the fallback needs what is left.
func (p *places) enter(ctx context.Context, need time.Duration) error {
	p.mu.Lock()
	if p.free > 0 {
		p.free--
		p.mu.Unlock()
		return nil
	}
	mine := make(chan struct{})
	p.waiting = append(p.waiting, mine)
	p.mu.Unlock()
	if end, ok := ctx.Deadline(); ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, end.Add(-need))
		defer cancel()
	}
	select {
	case <-mine:
		return nil
	case <-ctx.Done():
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if i := slices.Index(p.waiting, mine); i >= 0 {
		p.waiting = slices.Delete(p.waiting, i, i+1)
	} else {
		p.next() // it came in the same moment
	}
	return ctx.Err()
}

// leave gives a place back.
func (p *places) leave() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.next()
}

// next hands a place on. The mutex is held.
func (p *places) next() {
	last := len(p.waiting) - 1
	if last < 0 {
		p.free++
		return
	}
	close(p.waiting[last])
	p.waiting = p.waiting[:last]
}
