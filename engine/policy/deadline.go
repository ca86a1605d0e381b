package policy

import (
	"context"
	"sync/atomic"

	"github.com/open-policy-agent/opa/v1/topdown"
)

// deadline is how an evaluation learns that its context has ended. OPA's own way
// is a goroutine or a timer's function for each; this one asks the context now
// and then.
type deadline struct {
	ctx   context.Context
	asked uint
	over  atomic.Bool
}

var _ topdown.Cancel = (*deadline)(nil)

// askEvery is how many of the evaluator's questions one of the context answers.
// It asks at every call and every step, which take a fraction of a microsecond.
const askEvery = 32

// Cancel ends the evaluation.
func (d *deadline) Cancel() { d.over.Store(true) }

// Cancelled reports whether the evaluation has to end.
func (d *deadline) Cancelled() bool {
	if d.over.Load() {
		return true
	}
	if d.asked++; d.asked%askEvery == 0 && d.ctx.Err() != nil {
		d.over.Store(true)
		return true
	}
	return false
}
