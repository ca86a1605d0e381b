package main

import (
	"context"
	"fmt"
	"hash/fnv"
	"net/http"
	"sync"
	"time"
)

// scenarios are the stories that --scenario plays, each against a server with
// the starter policies and testdata/scenarios/NAME.yaml as their directory.
var scenarios = map[string]func(context.Context, *stage){
	"delivery": playDelivery,
	"sales":    playSales,
	"overload": playOverload,
}

// The promises that only a scenario checks.
const (
	apiRefused   promise = "api_refused"   // the private API did not do what it was told
	callNotKept  promise = "call_not_kept" // an answered call is not in the history
	recordDiffer promise = "record_differs"
)

// stage is what a scenario plays on: calls by the webhooks, changes by the
// private API. It is safe for concurrent use.
type stage struct {
	opts    *options
	player  *player
	plan    *planner
	api     *privateAPI
	callers callerBook // other ones on every run, so that nobody is known from an earlier one

	mu     sync.Mutex
	rung   []*rung
	counts map[string]int
}

// rung is one call that was asked for, and later what the server says about it.
type rung struct {
	call
	answer
	where     string // the scenario's own name of the moment
	role      string // what the scenario calls the one who was reached; empty: by the number
	heard     bool   // an answer came, be it a reject
	explained bool
	record    callRecord
}

func newStage(p *player, plan *planner, transport http.RoundTripper) *stage {
	h := fnv.New64a()
	_, _ = h.Write([]byte(plan.prefix)) // a hash takes everything
	return &stage{opts: p.opts, player: p, plan: plan, api: &privateAPI{transport, p.opts},
		callers: newCallerBook(p.opts.Seed ^ h.Sum64()), counts: map[string]int{}}
}

// run plays the scenario to its end and asks why everybody was reached.
func (s *stage) run(ctx context.Context) *scenarioReport {
	scenarios[s.opts.Scenario](ctx, s)
	s.explain(ctx, s.all()...)
	return s.report()
}

// ring asks for a call and judges the answer's form. The call goes on until it
// is ended.
func (s *stage) ring(ctx context.Context, where, caller, did string) *rung {
	s.mu.Lock()
	r := &rung{where: where}
	s.rung = append(s.rung, r)
	r.call = s.plan.call(len(s.rung) - 1)
	s.mu.Unlock()
	r.caller, r.did, r.order, r.abandoned = caller, did, inOrder, false
	s.player.tally.change(func(t *tally) { t.started++ })
	var first *reply
	r.answer, first = s.player.ask(ctx, &r.call)
	r.heard = r.rejected || r.number != ""
	if r.retry {
		s.player.askAgain(ctx, &r.call, first)
	}
	return r
}

// end reports the end of a call; one that reached nobody has none.
func (s *stage) end(ctx context.Context, r *rung) {
	if r.number != "" {
		s.player.talk(ctx, &r.call)
		s.player.complete(ctx, &r.call, r.number)
	}
	if ctx.Err() == nil {
		s.player.tally.change(func(t *tally) { t.played++ })
	}
}

// dial is a whole call.
func (s *stage) dial(ctx context.Context, where, caller, did string) *rung {
	r := s.ring(ctx, where, caller, did)
	s.end(ctx, r)
	return r
}

// broken notes a broken promise of a call.
func (s *stage) broken(callID string, p promise, format string, args ...any) {
	s.player.tally.breakPromise(callID, fault{p, fmt.Sprintf(format, args...)})
}

// count counts something that the report tells.
func (s *stage) count(what string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.counts[what]++
}

func (s *stage) all() []*rung {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.rung[:len(s.rung):len(s.rung)]
}

// each runs f for 0 to n-1 with the run's concurrency, and returns when all are
// done. Nothing more is begun once the run has ended.
func (s *stage) each(ctx context.Context, n int, f func(i int)) {
	next := make(chan int)
	var crew sync.WaitGroup
	for range min(s.opts.Concurrency, n) {
		crew.Go(func() {
			for i := range next {
				f(i)
			}
		})
	}
	for i := range n {
		if ctx.Err() != nil {
			break
		}
		next <- i
	}
	close(next)
	crew.Wait()
}

// pause waits, and reports false when the run has ended.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(max(d, 0))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
	return ctx.Err() == nil
}

// whom names the one who was reached, for a person.
func (a answer) whom() string {
	switch {
	case a.rejected:
		return "nobody (rejected)"
	case a.number == "":
		return "nobody"
	}
	return a.number
}

// same compares two people's numbers in any spelling of an Indian number.
func same(a, b string) bool { return spell(a, 0) == spell(b, 0) }
