package engine

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// inSlot evaluates and gives the slot back, whatever happens.
func (r *Router) inSlot(ctx context.Context, in *Initiation, rec *DecisionRecord) Commit {
	defer func() { <-r.slots }()
	return r.evaluate(ctx, in, rec)
}

// evaluate asks the policies until their answer can be published: nothing that
// was read may have changed meanwhile. Losing to another call costs no part of
// the policies' deadline, so a busy DID is routed late rather than wrongly.
func (r *Router) evaluate(ctx context.Context, in *Initiation, rec *DecisionRecord) Commit {
	// What is left after the policies pays for the fallback and the commit.
	ctx, cancel := context.WithTimeout(ctx, r.o.Deadline-min(r.o.Deadline/10, 2*r.o.CommitGrace))
	defer cancel()
	q := Question{CallID: in.CallID, Caller: in.Caller, DID: in.DID, At: time.Now()}
	var view View
	defer func() {
		if view != nil {
			view.Close()
		}
	}()
	for {
		next, err := r.open(ctx, view, rec)
		if err != nil {
			return r.settleLate(rec, q, fmt.Errorf("%w: the history kept changing under %d evaluations", ErrTimeout, rec.Tries))
		}
		view, q.At = next, next.At()
		commit, err := r.try(ctx, q, view, rec)
		switch {
		case err == nil:
			return commit
		case errors.Is(err, ErrTimeout):
			return r.settleLate(rec, q, err)
		}
	}
}

// open opens the next view and counts the waiting.
func (r *Router) open(ctx context.Context, previous View, rec *DecisionRecord) (View, error) {
	started := time.Now()
	defer func() { rec.Waited += time.Since(started) }()
	return r.o.Ledger.View(ctx, previous)
}

// try evaluates once and publishes what came of it. It fails with ErrConflict
// when it has to be done again, and with ErrTimeout.
func (r *Router) try(ctx context.Context, q Question, view View, rec *DecisionRecord) (Commit, error) {
	ev, err := r.ask(ctx, q, view, rec)
	rec.Evaluation = ev
	if errors.Is(err, ErrTimeout) || errors.Is(err, ErrConflict) {
		return nil, err
	}
	r.settle(rec, q, r.o.Judge.Decide(q, ev, err, r.isDID(view)))
	commit, err := r.o.Ledger.Publish(view, rec)
	if err == nil || errors.Is(err, ErrConflict) {
		return commit, err
	}
	// The answer stands though the history can't take it.
	return failed(err), nil
}

// ask runs one evaluation within the policies' deadline.
func (r *Router) ask(ctx context.Context, q Question, view View, rec *DecisionRecord) (Evaluation, error) {
	ctx, cancel := context.WithTimeout(ctx, r.o.PolicyDeadline)
	defer cancel()
	started := time.Now()
	ev, err := r.o.Policies.Evaluate(ctx, q, view)
	rec.EvalTime += time.Since(started)
	rec.Tries++
	return ev, err
}

// settleLate publishes a fallback whatever the history did meanwhile: a call
// that ran out of time must not take another turn.
func (r *Router) settleLate(rec *DecisionRecord, q Question, err error) Commit {
	r.settle(rec, q, r.o.Judge.Decide(q, rec.Evaluation, err, nil))
	return r.publish(rec)
}
