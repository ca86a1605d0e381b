package engine_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"switchboard/engine"
)

// deaf is an evaluation that nothing can stop before its time.
func deaf(d time.Duration) func(context.Context, engine.Question, engine.View) (engine.Evaluation, error) {
	return func(context.Context, engine.Question, engine.View) (engine.Evaluation, error) {
		time.Sleep(d)
		return engine.Evaluation{Answer: engine.Answer{Number: agent}}, nil
	}
}

// obedient is an evaluation that computes until it is told to stop.
func obedient(ctx context.Context, _ engine.Question, _ engine.View) (engine.Evaluation, error) {
	<-ctx.Done()
	return engine.Evaluation{Revision: "seen"}, engine.ErrTimeout
}

func TestEvaluationThatCannotBeStoppedIsLeftBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.options.Judge.Fallback = standby
		w.policy = deaf(time.Minute)
		r := w.router()
		started := time.Now()
		reply := r.Route(t.Context(), w.initiation("c1"))
		if took := time.Since(started); took > engine.DefaultPolicyDeadline+engine.DefaultCommitGrace {
			t.Errorf("took %v, want little more than the policies' deadline", took)
		}
		if string(reply.Body) != standby+"/0" {
			t.Errorf("reply = %q, want the fallback", reply.Body)
		}
		if d := w.ledger.only(t).Decision; d.Cause != engine.CauseTimeout {
			t.Errorf("decision = %+v, want cause timeout", d)
		}
		if again := r.Route(t.Context(), w.initiation("c1")); string(again.Body) != string(reply.Body) {
			t.Errorf("retry = %q, want the same answer", again.Body)
		}
		if n := w.ledger.open.Load(); n != 1 {
			t.Errorf("%d views open while the evaluation reads one", n)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if n := w.ledger.open.Load(); n != 0 {
			t.Errorf("%d views left open", n)
		}
	})
}

func TestEvaluationThatStopsTellsWhatItSaw(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.policy = func(ctx context.Context, q engine.Question, v engine.View) (engine.Evaluation, error) {
			<-ctx.Done()
			time.Sleep(engine.DefaultCommitGrace / 2)
			return obedient(ctx, q, v)
		}
		w.router().Route(t.Context(), w.initiation("c1"))
		if rec := w.ledger.only(t); rec.Evaluation.Revision != "seen" || rec.Tries != 1 {
			t.Errorf("record = %+v, want the evaluation in it", rec)
		}
	})
}

func TestPanickingEvaluationFallsBack(t *testing.T) {
	w := newWorld(t)
	w.options.Judge.Fallback = standby
	w.options.Evaluations = 1
	w.policy = func(context.Context, engine.Question, engine.View) (engine.Evaluation, error) { panic("a bug") }
	r := w.router()
	for _, id := range []string{"c1", "c2"} {
		if got := string(r.Route(t.Context(), w.initiation(id)).Body); got != standby+"/0" {
			t.Errorf("reply = %q, want the fallback", got)
		}
	}
	if d := w.decided.Load().Decision; d.Cause != engine.CauseError {
		t.Errorf("decision = %+v, want cause error", d)
	}
}

// With all places taken by evaluations that run away everybody is still
// answered in time, and who comes later is not behind them all.
func TestRunawaysHoldNobodyUpBeyondTheDeadline(t *testing.T) {
	for name, runaway := range map[string]func(context.Context, engine.Question, engine.View) (engine.Evaluation, error){
		"stoppable": obedient, "deaf": deaf(time.Hour),
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				w.options.Judge.Fallback = standby
				w.options.Evaluations = 4
				w.policy = func(ctx context.Context, q engine.Question, v engine.View) (engine.Evaluation, error) {
					if strings.HasPrefix(q.CallID, "good") {
						return engine.Evaluation{Answer: engine.Answer{Number: agent}}, nil
					}
					return runaway(ctx, q, v)
				}
				r := w.router()
				var wg sync.WaitGroup
				route := func(id, want string, within time.Duration) {
					started := time.Now()
					got := string(r.Route(t.Context(), w.initiation(id)).Body)
					if took := time.Since(started); took > within || got != want {
						t.Errorf("%s: %q after %v, want %q within %v", id, got, took, want, within)
					}
				}
				for i := range 100 {
					wg.Go(func() { route(fmt.Sprint("bad-", i), standby+"/0", engine.DefaultDeadline) })
				}
				synctest.Wait()
				if name == "stoppable" {
					route("good", agent+"/0", engine.DefaultPolicyDeadline)
				} else {
					route("good", standby+"/0", engine.DefaultDeadline)
				}
				wg.Wait()
				time.Sleep(time.Hour) // the deaf ones end: all places are free again
				synctest.Wait()
				for i := range 8 {
					wg.Go(func() { route(fmt.Sprint("good-", i), agent+"/0", 0) })
				}
				wg.Wait()
			})
		})
	}
}

// A call that gives up waiting for a place does not take the place with it.
func TestPlacesAreNotLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.options.Evaluations = 1
		w.options.Deadline, w.options.PolicyDeadline = 100*time.Millisecond, 90*time.Millisecond-1
		w.policy = obedient
		r := w.router()
		var wg sync.WaitGroup
		for i := range 50 {
			wg.Go(func() {
				time.Sleep(time.Duration(i) * 7 * time.Millisecond)
				r.Route(t.Context(), w.initiation(fmt.Sprint(i)))
			})
		}
		wg.Wait()
		w.policy = says(engine.Answer{Number: agent})
		if got := string(r.Route(t.Context(), w.initiation("last")).Body); got != agent+"/0" {
			t.Errorf("reply = %q, want the policy's: the place was lost", got)
		}
	})
}

func TestConflictsGiveTheirPlaceBack(t *testing.T) {
	w := newWorld(t)
	w.options.Evaluations = 1
	asked := 0
	w.policy = func(context.Context, engine.Question, engine.View) (engine.Evaluation, error) {
		if asked++; asked < 7 {
			return engine.Evaluation{}, engine.ErrConflict
		}
		return engine.Evaluation{Answer: engine.Answer{Number: agent}}, nil
	}
	r := w.router()
	for _, id := range []string{"c1", "c2"} {
		if got := string(r.Route(t.Context(), w.initiation(id)).Body); got != agent+"/0" {
			t.Errorf("reply = %q", got)
		}
	}
	if w.ledger.open.Load() != 0 {
		t.Errorf("%d views left open", w.ledger.open.Load())
	}
}

func TestEvaluationsMustBePositive(t *testing.T) {
	w := newWorld(t)
	w.options.Evaluations = -1
	if _, err := engine.NewRouter(w.options); err == nil || errors.Is(err, engine.ErrTimeout) {
		t.Errorf("err = %v, want the option named", err)
	}
}
