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
	ctx, cancel := context.WithTimeout(ctx, r.o.Deadline-r.reserve())
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
			return r.settleLate(rec, q, tooLate(rec.Tries))
		}
		view, q.At = next, next.At()
		commit, err := r.try(ctx, q, view, rec)
		switch {
		case err == nil:
			return commit
		case errors.Is(err, errLeftBehind):
			view = nil // is still being read
			return r.settleLate(rec, q, err)
		case errors.Is(err, ErrTimeout):
			return r.settleLate(rec, q, err)
		}
	}
}

// reserve is what is left after the policies: it pays for the fallback and the
// commit.
func (r *Router) reserve() time.Duration { return min(r.o.Deadline/10, 2*r.o.CommitGrace) }

func tooLate(tries int) error {
	if tries == 0 {
		return fmt.Errorf("%w: the evaluations of other calls left no room for it", ErrTimeout)
	}
	return fmt.Errorf("%w: the history kept changing under %d evaluations", ErrTimeout, tries)
}

// freeTries is how many views the Ledger opens without waiting.
const freeTries = 3

// open takes a place to evaluate and opens the next view, and counts the
// waiting. The place comes first, because a view grows old while it waits;
// except where the Ledger may make it wait for a turn: that must not keep a
// place from others.
func (r *Router) open(ctx context.Context, previous View, rec *DecisionRecord) (View, error) {
	started := time.Now()
	defer func() { rec.Waited += time.Since(started) }()
	if rec.Tries < freeTries {
		if err := r.places.enter(ctx, r.o.PolicyDeadline); err != nil {
			return nil, err
		}
		view, err := r.o.Ledger.View(ctx, previous)
		if err != nil {
			r.places.leave()
		}
		return view, err
	}
	view, err := r.o.Ledger.View(ctx, previous)
	if err != nil {
		return nil, err
	}
	if err := r.places.enter(ctx, r.o.PolicyDeadline); err != nil {
		view.Close()
		return nil, err
	}
	return view, nil
}

// try evaluates once and publishes what came of it. It fails with ErrConflict
// when it has to be done again, and with ErrTimeout.
func (r *Router) try(ctx context.Context, q Question, view View, rec *DecisionRecord) (Commit, error) {
	ev, err := r.ask(ctx, q, view, rec)
	rec.Evaluation = ev
	if errors.Is(err, ErrTimeout) || errors.Is(err, ErrConflict) {
		return nil, err
	}
	r.settle(rec, q, r.judge.Load().Decide(q, ev, err, r.isDID(view)))
	commit, err := r.o.Ledger.Publish(view, rec)
	if err == nil || errors.Is(err, ErrConflict) {
		return commit, err
	}
	// The answer stands though the history can't take it.
	return failed(err), nil
}

// settleLate publishes a fallback whatever the history did meanwhile: a call
// that ran out of time must not take another turn.
func (r *Router) settleLate(rec *DecisionRecord, q Question, err error) Commit {
	r.settle(rec, q, r.judge.Load().Decide(q, rec.Evaluation, err, nil))
	return r.publish(rec)
}
