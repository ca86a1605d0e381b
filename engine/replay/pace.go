package replay

import (
	"context"
	"runtime"
	"time"
)

// slice is how long a replay works before it rests: shorter than what a live
// call would notice.
const slice = 5 * time.Millisecond

// pace keeps a replay to a share of one processor.
type pace struct {
	share float64 // above zero, at most one
	since time.Time
}

// step lets others run, and rests when the slice is over.
func (p *pace) step(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return context.Cause(ctx)
	}
	worked := time.Since(p.since)
	if worked < slice {
		return nil
	}
	if p.share >= 1 {
		runtime.Gosched()
		p.since = time.Now()
		return nil
	}
	rest := time.NewTimer(time.Duration(float64(worked) * (1/p.share - 1)))
	defer rest.Stop()
	select {
	case <-rest.C:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	p.since = time.Now()
	return nil
}
