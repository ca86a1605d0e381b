package engine

import (
	"context"
	"fmt"
	"time"
)

// errLeftBehind is what an evaluation ends with that did not stop when it was
// told to: one call of a builtin can compute for minutes, and nothing can
// interrupt it; or it gets too little of busy processors to notice.
var errLeftBehind = fmt.Errorf("%w and did not stop when it was told to; a single call of a builtin computes for too long, or the processors are too busy", ErrTimeout)

// evaluated is what Evaluate returned.
type evaluated struct {
	ev  Evaluation
	err error
}

// ask runs one evaluation within the policies' deadline, on the place that open
// took for it. With errLeftBehind the evaluation goes on, and view and place
// are its own until it ends.
func (r *Router) ask(ctx context.Context, q Question, view View, rec *DecisionRecord) (Evaluation, error) {
	ctx, cancel := context.WithTimeout(ctx, r.o.PolicyDeadline)
	defer cancel()
	started := time.Now()
	rec.Tries++
	defer func() { rec.EvalTime += time.Since(started) }()

	done := make(chan evaluated, 1)
	go func() { done <- r.run(ctx, q, view) }()
	e, ok := r.wait(ctx, done)
	if !ok {
		go func() {
			<-done
			view.Close()
			r.places.leave()
		}()
		return Evaluation{}, errLeftBehind
	}
	r.places.leave()
	return e.ev, e.err
}

// run evaluates. A panic costs this call its policy; on a goroutine of its own
// it would cost all calls the server.
func (r *Router) run(ctx context.Context, q Question, view View) (e evaluated) {
	defer func() {
		if p := recover(); p != nil {
			e = evaluated{err: fmt.Errorf("the evaluation broke off: %v", p)}
		}
	}()
	e.ev, e.err = r.o.Policies.Evaluate(ctx, q, view)
	return e
}

// wait waits until ctx ends, and a moment longer: most evaluations stop then,
// and tell what they read and which rules fired.
func (r *Router) wait(ctx context.Context, done <-chan evaluated) (evaluated, bool) {
	select {
	case e := <-done:
		return e, true
	case <-ctx.Done():
	}
	moment := time.NewTimer(r.reserve() / 2)
	defer moment.Stop()
	select {
	case e := <-done:
		return e, true
	case <-moment.C:
		return evaluated{}, false
	}
}
