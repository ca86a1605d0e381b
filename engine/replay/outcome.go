package replay

import (
	"context"
	"time"

	"switchboard/engine"
)

// outcomeOf is what of a decision is compared.
func outcomeOf(d *engine.Decision) engine.Outcome {
	switch {
	case d.Reject:
		return engine.Outcome{Kind: engine.OutcomeReject, Reason: d.Reason}
	case d.Source == engine.SourcePolicy:
		return engine.Outcome{Kind: engine.OutcomeForward, Number: d.Number, Timeout: d.Timeout, Reason: d.Reason}
	}
	return engine.Outcome{Kind: engine.OutcomeFallback, Cause: d.Cause, Detail: d.Detail}
}

// reason names an outcome in the table of reasons.
func reason(o engine.Outcome) string {
	if o.Kind == engine.OutcomeFallback {
		return "fallback: " + string(o.Cause)
	}
	return o.Reason
}

// receiver names an outcome in the table of receivers.
func receiver(o engine.Outcome) string {
	if o.Kind == engine.OutcomeForward {
		return o.Number
	}
	return string(o.Kind)
}

// moved reports whether the caller hears somebody else, or something else.
func moved(a, b engine.Outcome) bool { return a.Kind != b.Kind || a.Number != b.Number }

// same leaves out what is told in sentences.
func same(a, b engine.Outcome) bool {
	a.Detail, b.Detail = "", ""
	return a == b
}

// byCircumstances reports whether it may not have been the policies that sent a
// call to the fallback. An error may be theirs, or the disk's.
func byCircumstances(c engine.Cause) bool {
	return c == engine.CauseTimeout || c == engine.CauseOverload || c == engine.CauseError
}

// patience is how many times as long as a live call's evaluation may take a
// repeated one is waited for: the machine is busy with live calls.
const patience = 10

// repeated is a decision made again.
type repeated struct {
	evaluation engine.Evaluation
	decision   engine.Decision
	took       time.Duration
}

// repeat asks set what it says to a recorded question, with the history as of
// then. The error is ctx's; whatever else fails is the decision's cause.
func repeat(ctx context.Context, set Set, judge *engine.Judge, deadline time.Duration, r engine.Recorded) (repeated, error) {
	q := r.Record.Question()
	bounded, cancel := context.WithTimeout(ctx, patience*deadline)
	defer cancel()
	began := time.Now()
	ev, err := set.Evaluate(bounded, q, r.View)
	out := repeated{evaluation: ev, took: time.Since(began)}
	if ctx.Err() != nil {
		return out, context.Cause(ctx)
	}
	out.decision = judge.Decide(q, ev, err, func(did string) bool { return set.IsDID(did) || r.View.KnowsDID(did) })
	return out, nil
}
