package main

import (
	"context"
	"sync"
	"time"
)

// playAll plays every call of the plan with the run's concurrency, and returns
// when the last one has ended or ctx has.
func playAll(ctx context.Context, p *player, plan *planner) {
	o := p.opts
	positions := make(chan int)
	var crew sync.WaitGroup
	for range min(o.Concurrency, o.Calls) {
		crew.Go(func() {
			for i := range positions {
				p.play(ctx, plan.call(i))
			}
		})
	}
	start := time.Now()
	for i := range o.Calls {
		if !p.await(ctx, start, i) {
			break
		}
		select {
		case positions <- i:
		case <-ctx.Done():
		}
		p.noteDelay(start, i)
	}
	close(positions)
	crew.Wait()
}

// due is when the i-th call starts, counted from the run's start. Starts are
// fixed beforehand: a slow server does not slow down its own test, as long as a
// worker is free.
func (o *options) due(i int) time.Duration {
	if o.Rate == 0 {
		return 0
	}
	return time.Duration(float64(i) / o.Rate * float64(time.Second))
}

// await returns when the i-th call is due, false when the run has ended.
func (p *player) await(ctx context.Context, start time.Time, i int) bool {
	if wait := p.opts.due(i) - time.Since(start); p.opts.Rate > 0 && wait > 0 {
		timer := time.NewTimer(wait)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
		}
	}
	return ctx.Err() == nil
}

// noteDelay remembers the latest start against the schedule: the report must
// not claim a rate that too few workers could not keep.
func (p *player) noteDelay(start time.Time, i int) {
	if p.opts.Rate > 0 {
		late := time.Since(start) - p.opts.due(i)
		p.tally.change(func(t *tally) { t.behind = max(t.behind, late) })
	}
}
