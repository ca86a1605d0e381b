package engine_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"switchboard/engine"
)

const (
	did     = "918645658689"
	caller  = "9988912345"
	agent   = "9876543210"
	standby = "9123456780"
)

func TestRouteForwardsWhatThePolicySays(t *testing.T) {
	w := newWorld(t)
	w.policy = says(engine.Answer{Number: "+91 98765 43210", Timeout: 25, Reason: "sticky"})
	reply := w.router().Route(t.Context(), w.initiation("c1"))
	if got := string(reply.Body); got != "9876543210/25" {
		t.Errorf("reply = %q, want the canonical number and the timeout", got)
	}
	rec := w.ledger.only(t)
	if rec.Decision.Source != engine.SourcePolicy || rec.Decision.Reason != "sticky" || rec.RoutedAt == 0 || rec.Tries != 1 {
		t.Errorf("record = %+v", rec)
	}
}

func TestRouteFallsBackAndNamesTheCause(t *testing.T) {
	for name, c := range map[string]struct {
		answer engine.Answer
		err    error
		cause  engine.Cause
		detail string
	}{
		"undefined":        {err: engine.ErrUndefined, cause: engine.CauseUndefined, detail: "undefined"},
		"no policy":        {err: engine.ErrNoPolicy, cause: engine.CauseNoPolicy, detail: "no policy set"},
		"timeout":          {err: engine.ErrTimeout, cause: engine.CauseTimeout, detail: "deadline"},
		"error":            {err: errors.New("routing.rego:3: conflict"), cause: engine.CauseError, detail: "conflict"},
		"wrong type":       {err: &engine.InvalidError{Why: "call_timeout must be an integer"}, cause: engine.CauseInvalid, detail: "integer"},
		"impossible":       {answer: engine.Answer{Number: "12345"}, cause: engine.CauseInvalid, detail: "not a possible"},
		"masked":           {answer: engine.Answer{Number: "98765xxxxx"}, cause: engine.CauseInvalid, detail: "not a possible"},
		"empty":            {answer: engine.Answer{}, cause: engine.CauseInvalid, detail: "not a possible"},
		"timeout too long": {answer: engine.Answer{Number: agent, Timeout: 86401}, cause: engine.CauseInvalid, detail: "86400"},
		"negative timeout": {answer: engine.Answer{Number: agent, Timeout: -1}, cause: engine.CauseInvalid, detail: "between 0"},
		"own number":       {answer: engine.Answer{Number: "0" + caller}, cause: engine.CauseInvalid, detail: "caller's own"},
		"the called DID":   {answer: engine.Answer{Number: "8645658689"}, cause: engine.CauseLoop, detail: "was called"},
		"directory's DID":  {answer: engine.Answer{Number: "8000000001"}, cause: engine.CauseLoop, detail: "come back"},
		"history's DID":    {answer: engine.Answer{Number: "8000000002"}, cause: engine.CauseLoop, detail: "come back"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.options.Judge.Fallback = standby
			w.policy = func(context.Context, engine.Question, engine.View) (engine.Evaluation, error) {
				return engine.Evaluation{Answer: c.answer}, c.err
			}
			w.dids = map[string]bool{"918000000001": true}
			w.ledger.dids = map[string]bool{"918000000002": true}
			reply := w.router().Route(t.Context(), w.initiation("c1"))
			if got := string(reply.Body); got != standby+"/0" {
				t.Errorf("reply = %q, want the fallback", got)
			}
			d := w.ledger.only(t).Decision
			if d.Source != engine.SourceFallback || d.Cause != c.cause || !strings.Contains(d.Detail, c.detail) {
				t.Errorf("decision = %+v, want cause %q and a detail with %q", d, c.cause, c.detail)
			}
		})
	}
}

func TestFallbackOrder(t *testing.T) {
	for name, c := range map[string]struct {
		own, global string
		want        string
		source      engine.Source
	}{
		"the DID's own first":            {own: agent, global: standby, want: agent, source: engine.SourceDIDFallback},
		"then the global one":            {global: standby, want: standby, source: engine.SourceFallback},
		"never ring the caller back":     {own: caller, global: standby, want: standby, source: engine.SourceFallback},
		"the caller if there is no else": {own: caller, want: caller, source: engine.SourceDIDFallback},
		"none":                           {source: engine.SourceNone},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.options.Judge.Fallback = c.global
			if c.own != "" {
				w.options.Judge.DIDFallbacks = map[string]string{did: c.own}
			}
			w.policy = fails(engine.ErrUndefined)
			reply := w.router().Route(t.Context(), w.initiation("c1"))
			d := w.ledger.only(t).Decision
			if d.Number != c.want || d.Source != c.source || d.Reason != string(c.source) {
				t.Errorf("decision = %+v, want %s from %s", d, c.want, c.source)
			}
			wantStatus := 200
			if c.source == engine.SourceNone {
				wantStatus = 503
			}
			if reply.Status != wantStatus {
				t.Errorf("status = %d, want %d", reply.Status, wantStatus)
			}
		})
	}
}

func TestRejectIsNoFallback(t *testing.T) {
	w := newWorld(t)
	w.options.Judge.Fallback = standby
	w.policy = says(engine.Answer{Reject: true, Reason: "blocked"})
	if reply := w.router().Route(t.Context(), w.initiation("c1")); reply.Status != 403 {
		t.Errorf("status = %d, want 403", reply.Status)
	}
	if d := w.ledger.only(t).Decision; !d.Reject || d.Source != engine.SourceRejected || d.Number != "" {
		t.Errorf("decision = %+v", d)
	}
}

func TestChangedHistoryIsEvaluatedAgain(t *testing.T) {
	for _, where := range []string{"read", "publish"} {
		t.Run(where, func(t *testing.T) {
			w := newWorld(t)
			var asked int
			w.policy = func(_ context.Context, q engine.Question, _ engine.View) (engine.Evaluation, error) {
				if asked++; where == "read" && asked <= 4 {
					return engine.Evaluation{}, fmt.Errorf("reading: %w", engine.ErrConflict)
				}
				return engine.Evaluation{Answer: engine.Answer{Number: agent}}, nil
			}
			if where == "publish" {
				w.ledger.conflicts = 4
			}
			w.router().Route(t.Context(), w.initiation("c1"))
			rec := w.ledger.only(t)
			if rec.Tries != 5 || rec.Decision.Source != engine.SourcePolicy {
				t.Errorf("tries = %d, source = %s; want 5 from the policy", rec.Tries, rec.Decision.Source)
			}
			if w.ledger.longestChain != 4 {
				t.Errorf("views followed each other %d times, want 4: the ledger grants turns by it", w.ledger.longestChain)
			}
			if w.ledger.open.Load() != 0 {
				t.Errorf("%d views left open", w.ledger.open.Load())
			}
		})
	}
}

func TestEndlessConflictsEndInTheFallback(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.options.Judge.Fallback = standby
		w.policy = func(ctx context.Context, _ engine.Question, _ engine.View) (engine.Evaluation, error) {
			time.Sleep(10 * time.Millisecond)
			return engine.Evaluation{}, engine.ErrConflict
		}
		started := time.Now()
		w.router().Route(t.Context(), w.initiation("c1"))
		if took := time.Since(started); took > engine.DefaultDeadline {
			t.Errorf("took %v", took)
		}
		if d := w.ledger.only(t).Decision; d.Cause != engine.CauseTimeout || d.Number != standby {
			t.Errorf("decision = %+v", d)
		}
	})
}

func TestEvaluationIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.options.Judge.Fallback = standby
		w.policy = func(ctx context.Context, _ engine.Question, _ engine.View) (engine.Evaluation, error) {
			<-ctx.Done()
			return engine.Evaluation{}, engine.ErrTimeout
		}
		started := time.Now()
		reply := w.router().Route(t.Context(), w.initiation("c1"))
		if took := time.Since(started); took != engine.DefaultPolicyDeadline {
			t.Errorf("took %v, want %v", took, engine.DefaultPolicyDeadline)
		}
		if string(reply.Body) != standby+"/0" {
			t.Errorf("reply = %q", reply.Body)
		}
	})
}

func TestReplyWaitsAMomentForTheDisk(t *testing.T) {
	for name, c := range map[string]struct{ disk, want time.Duration }{
		"fast": {2 * time.Millisecond, 2 * time.Millisecond},
		"slow": {time.Second, engine.DefaultCommitGrace},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				w.ledger.disk = c.disk
				w.policy = says(engine.Answer{Number: agent})
				started := time.Now()
				w.router().Route(t.Context(), w.initiation("c1"))
				if took := time.Since(started); took != c.want {
					t.Errorf("took %v, want %v", took, c.want)
				}
				if late := w.late.Load() == 1; late != (name == "slow") {
					t.Errorf("counted as late: %v", late)
				}
				time.Sleep(c.disk)
			})
		})
	}
}

func TestRetriesGetTheSameBytes(t *testing.T) {
	w := newWorld(t)
	var n atomic.Int64
	w.policy = func(context.Context, engine.Question, engine.View) (engine.Evaluation, error) {
		return engine.Evaluation{Answer: engine.Answer{Number: agent, Timeout: n.Add(1)}}, nil
	}
	r := w.router()
	first := r.Route(t.Context(), w.initiation("c1"))
	again := r.Route(t.Context(), w.initiation("c1"))
	if string(first.Body) != string(again.Body) || n.Load() != 1 {
		t.Errorf("first %q, again %q after %d evaluations", first.Body, again.Body, n.Load())
	}
	other := w.initiation("c1")
	other.Caller = w.numbers.Person("9000000001")
	r.Route(t.Context(), other)
	if w.replayed.Load() != 2 || w.otherCaller.Load() != 1 {
		t.Errorf("replayed %d, of another caller %d; want 2 and 1", w.replayed.Load(), w.otherCaller.Load())
	}
	elsewhere := w.initiation("c1")
	elsewhere.DID = w.numbers.DID("918000000009")
	if got := r.Route(t.Context(), elsewhere); string(got.Body) == string(first.Body) {
		t.Error("the same call_id on another DID is another initiation")
	}
}

func TestSimultaneousRetriesCoalesce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		var n atomic.Int64
		w.policy = func(context.Context, engine.Question, engine.View) (engine.Evaluation, error) {
			time.Sleep(20 * time.Millisecond)
			return engine.Evaluation{Answer: engine.Answer{Number: agent, Timeout: n.Add(1)}}, nil
		}
		r := w.router()
		var wg sync.WaitGroup
		for range 50 {
			wg.Go(func() {
				if got := string(r.Route(t.Context(), w.initiation("c1")).Body); got != agent+"/1" {
					t.Errorf("reply = %q", got)
				}
			})
		}
		wg.Wait()
		if n.Load() != 1 || w.replayed.Load() != 49 {
			t.Errorf("%d evaluations, %d replays; want 1 and 49", n.Load(), w.replayed.Load())
		}
	})
}

func TestCallsWithoutIDAreNeverRetries(t *testing.T) {
	w := newWorld(t)
	w.policy = says(engine.Answer{Number: agent})
	r := w.router()
	r.Route(t.Context(), w.initiation(""))
	r.Route(t.Context(), w.initiation(""))
	if len(w.ledger.records) != 2 || w.ledger.records[0].CallID == w.ledger.records[1].CallID {
		t.Errorf("records = %+v, want two with ids of their own", w.ledger.records)
	}
}

func TestOverloadIsShedToTheFallback(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.options.Judge.Fallback = standby
		w.options.MaxConcurrent = 1
		release := make(chan struct{})
		w.policy = func(context.Context, engine.Question, engine.View) (engine.Evaluation, error) {
			<-release
			return engine.Evaluation{Answer: engine.Answer{Number: agent}}, nil
		}
		r := w.router()
		var wg sync.WaitGroup
		wg.Go(func() { r.Route(t.Context(), w.initiation("slow")) })
		synctest.Wait()
		r.Route(t.Context(), w.initiation("shed"))
		d := w.ledger.only(t).Decision
		if d.Source != engine.SourceShed || d.Cause != engine.CauseOverload || d.Number != standby {
			t.Errorf("decision = %+v", d)
		}
		close(release)
		wg.Wait()
	})
}

func TestAnswersThoughTheHistoryIsGone(t *testing.T) {
	w := newWorld(t)
	w.ledger.refuse = errors.New("closed")
	w.policy = says(engine.Answer{Number: agent})
	if got := string(w.router().Route(t.Context(), w.initiation("c1")).Body); got != agent+"/0" {
		t.Errorf("reply = %q", got)
	}
}

func TestHangingUpEarlyStillDecides(t *testing.T) {
	w := newWorld(t)
	w.policy = func(ctx context.Context, _ engine.Question, _ engine.View) (engine.Evaluation, error) {
		return engine.Evaluation{Answer: engine.Answer{Number: agent}}, ctx.Err()
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if got := string(w.router().Route(ctx, w.initiation("c1")).Body); got != agent+"/0" {
		t.Errorf("reply = %q", got)
	}
}

func TestUnreadable(t *testing.T) {
	w := newWorld(t)
	if _, ok := w.router().Unreadable(engine.Number{}, engine.Number{}); ok {
		t.Error("answered without a fallback")
	}
	w.options.Judge.Fallback = standby
	reply, ok := w.router().Unreadable(engine.Number{}, engine.Number{})
	if !ok || string(reply.Body) != standby+"/0" {
		t.Errorf("reply = %q, %v", reply.Body, ok)
	}
	if got := w.decided.Load().Decision; got.Cause != engine.CauseUnreadable || got.Source != engine.SourceFallback {
		t.Errorf("observed %+v", got)
	}
	// What could be read of it decides whose fallback it is.
	in := w.initiation("c1")
	w.options.Judge.DIDFallbacks = map[string]string{did: "9000000008"}
	if reply, ok = w.router().Unreadable(in.Caller, in.DID); !ok || string(reply.Body) != "9000000008/0" {
		t.Errorf("of a DID with a fallback: %q, %v", reply.Body, ok)
	}
	if reply, ok = w.router().Unreadable(engine.Number{Canonical: "9000000008"}, in.DID); !ok || string(reply.Body) != standby+"/0" {
		t.Errorf("from that fallback's own line: %q, %v", reply.Body, ok)
	}
	w.options.Judge.Fallback = ""
	if reply, ok = w.router().Unreadable(engine.Number{}, in.DID); !ok || string(reply.Body) != "9000000008/0" {
		t.Errorf("without a global one: %q, %v", reply.Body, ok)
	}
	if reply, ok = w.router().Unreadable(in.Caller, engine.Number{}); ok {
		t.Errorf("of no DID: %q", reply.Body)
	}
}

func TestReady(t *testing.T) {
	w := newWorld(t)
	w.noPolicy = true
	if w.router().Ready() {
		t.Error("ready with neither policies nor a fallback")
	}
	w.options.Judge.Fallback = standby
	if !w.router().Ready() {
		t.Error("not ready though the fallback answers")
	}
	w.options.Judge.Fallback, w.options.Judge.DIDFallbacks = "", map[string]string{did: standby}
	if !w.router().Ready() {
		t.Error("not ready though a DID's fallback answers")
	}
}

func TestOptionsNameWhatIsWrong(t *testing.T) {
	w := newWorld(t)
	w.router()
	o := w.options
	o.PolicyDeadline, o.Deadline = time.Second, time.Second
	if _, err := engine.NewRouter(o); err == nil || !strings.Contains(err.Error(), "policy deadline (1s)") {
		t.Errorf("err = %v", err)
	}
	o = w.options
	o.Ledger = nil
	if _, err := engine.NewRouter(o); err == nil || !strings.Contains(err.Error(), "Ledger") {
		t.Errorf("err = %v", err)
	}
}

func TestFallbacksChangeWhileRouting(t *testing.T) {
	w := newWorld(t)
	w.options.Judge.Fallback = standby
	w.policy = fails(engine.ErrUndefined)
	r := w.router()
	answers := func(id, want string) {
		t.Helper()
		if got := string(r.Route(t.Context(), w.initiation(id)).Body); got != want {
			t.Errorf("%s is answered %q, want %q", id, got, want)
		}
	}
	answers("c1", standby+"/0")
	r.SetFallbacks("9000000007", map[string]string{did: "9000000008"})
	answers("c2", "9000000008/0")
	answers("c1", standby+"/0") // a retry gets what it got
	if reply, ok := r.Unreadable(engine.Number{}, engine.Number{}); !ok || string(reply.Body) != "9000000007/0" {
		t.Errorf("Unreadable: %q, %v", reply.Body, ok)
	}
	r.SetFallbacks("", nil)
	w.noPolicy = true
	if r.Ready() {
		t.Error("ready without a policy and without a fallback")
	}
}
