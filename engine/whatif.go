package engine

import (
	"context"
	"errors"
)

// Previewer answers a what-if by the code that routes live calls.
type Previewer interface {
	// WhatIf evaluates w.Question against the active set with w's changes laid
	// over it. It fails with *PoliciesError when those do not load, and with a
	// sentence when w's history is no history document; what the policies
	// themselves answer, errors included, is in the outcome.
	WhatIf(ctx context.Context, w WhatIf, view View) (*WhatIfOutcome, error)
}

// WhatIf tells how a call would be routed, without routing it. A zero
// w.Question.At asks for now.
func (r *Router) WhatIf(ctx context.Context, w WhatIf) (*WhatIfResult, error) {
	if r.o.Preview == nil {
		return nil, errors.New("what-if is not available on this server")
	}
	view, err := r.o.Ledger.View(ctx, nil)
	if err != nil {
		return nil, err
	}
	defer view.Close()
	if w.Question.At.IsZero() {
		w.Question.At = view.At()
	}
	out, err := r.o.Preview.WhatIf(ctx, w, view)
	if err != nil {
		return nil, err
	}
	return out.Judged(r.judge.Load(), w.Question, view.KnowsDID), nil
}

// Judged turns an outcome into what a live call would have been answered with.
// knows tells which DIDs the history has seen.
func (o *WhatIfOutcome) Judged(j *Judge, q Question, knows func(string) bool) *WhatIfResult {
	isDID := func(did string) bool { return o.IsDID(did) || knows(did) }
	return &WhatIfResult{
		Decision: j.Decide(q, o.Evaluation, o.Err, isDID),
		Revision: o.Evaluation.Revision,
		Fired:    o.Evaluation.Fired,
		Read:     o.Evaluation.Read,
		Steps:    o.Steps,
		Trace:    o.Trace,
	}
}
