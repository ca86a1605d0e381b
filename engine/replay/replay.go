package replay

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"switchboard/engine"
)

// Options is what a Replayer works with.
type Options struct {
	Sets Sets
	// Open opens a timeline of the log up to now.
	Open  func(ctx context.Context) (Timeline, error)
	Judge engine.Judge
	// PolicyDeadline is that of live calls; zero is engine.DefaultPolicyDeadline.
	PolicyDeadline time.Duration
	// Share is the part of one processor that a replay takes: above zero, at most
	// one; zero is one.
	Share float64
}

// Replayer compares policy sets over recorded calls, one replay at a time and on
// one processor.
type Replayer struct {
	o    Options
	busy sync.Mutex
}

var _ engine.Replayer = (*Replayer)(nil)

// New checks the options.
func New(o Options) (*Replayer, error) {
	switch {
	case o.Sets == nil:
		return nil, errors.New("replay: Sets is missing")
	case o.Open == nil:
		return nil, errors.New("replay: Open is missing")
	case o.Judge.Numbers == nil:
		return nil, errors.New("replay: Judge.Numbers is missing")
	case o.Share < 0 || o.Share > 1:
		return nil, fmt.Errorf("replay: Share is %v; it must be above 0 and at most 1", o.Share)
	}
	if o.Share == 0 {
		o.Share = 1
	}
	if o.PolicyDeadline == 0 {
		o.PolicyDeadline = engine.DefaultPolicyDeadline
	}
	return &Replayer{o: o}, nil
}

// Replay puts the calls of a period to a set; see [engine.Replayer].
func (p *Replayer) Replay(ctx context.Context, req engine.ReplayRequest, progress func(engine.ReplayProgress)) (_ *engine.Difference, err error) {
	if !p.busy.TryLock() {
		return nil, engine.ErrReplaying
	}
	defer p.busy.Unlock()
	if req.Limit <= 0 {
		req.Limit = engine.DefaultReplay
	}
	set, err := p.o.Sets.Set(ctx, req.Revision, req.Policies)
	if err != nil {
		return nil, err
	}
	timeline, err := p.o.Open(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, timeline.Close()) }()
	t := newTally(&req, set.Revision(), timeline.Past())
	first, last, more, err := timeline.Newest(ctx, req.From, req.To, min(req.Limit, engine.MaxReplay))
	if err != nil {
		return nil, err
	}
	t.LeftOut = more
	if first == 0 {
		return t.result(), nil
	}
	w := &way{Replayer: p, set: set, former: former{sets: p.o.Sets, known: map[string]Set{set.Revision(): set}}, tally: t}
	pace := pace{share: p.o.Share, since: time.Now()}
	tell := newTeller(progress, last)
	for r, err := range timeline.Decisions(ctx) {
		if err == nil {
			err = pace.step(ctx)
		}
		if err == nil && r.Seq >= first && r.Record.Within(req.From, req.To) {
			err = w.compare(ctx, r)
		}
		if err != nil {
			return nil, err
		}
		tell.now(r.Seq, t.Compared)
		if r.Seq >= last {
			break
		}
	}
	tell.end(t.Compared)
	return t.result(), nil
}

// way is one replay under way.
type way struct {
	*Replayer
	set    Set
	former former
	tally  *tally
}

// compare puts one call to both sets, as far as the old one's answer is not on
// record. The error is ctx's.
func (w *way) compare(ctx context.Context, r engine.Recorded) error {
	w.tally.call(r.Record)
	if erased(r.Record) {
		w.tally.NotCompared[erasedPerson]++
		return nil
	}
	again, err := repeat(ctx, w.set, &w.o.Judge, w.o.PolicyDeadline, r)
	if err != nil {
		return err
	}
	old := outcomeOf(&r.Record.Decision)
	if cause := r.Record.Decision.Cause; byCircumstances(cause) {
		then, err := w.then(ctx, r, again)
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case err != nil:
			w.tally.NotCompared[notCompared(err)]++
			return nil
		}
		old = outcomeOf(&then.decision)
		if !same(old, outcomeOf(&r.Record.Decision)) {
			w.tally.Recomputed[cause]++
		}
	}
	if again.took > w.o.PolicyDeadline {
		w.tally.Slow++
	}
	w.tally.errors(again.evaluation.BuiltinErrors)
	if e := w.tally.compared(pair{record: r.Record, old: old, new: outcomeOf(&again.decision)}); e != nil {
		w.differ(ctx, r, e)
	}
	return nil
}

// differ finds the step at which both sets part.
func (w *way) differ(ctx context.Context, r engine.Recorded, e *engine.ReplayExample) {
	q := r.Record.Question()
	tried := w.set.Walk(ctx, q, r.View).Steps
	var then []engine.Step
	if set, err := w.former.set(ctx, decider(r)); err == nil {
		then = set.Walk(ctx, q, r.View).Steps
	}
	e.Differs.Old, e.Differs.New = firstDifference(then, tried)
}

// firstDifference is the step that answered on one side and did not on the other,
// with what became of it there; else the steps that answered.
func firstDifference(old, tried []engine.Step) (x, y *engine.Step) {
	x, y = answering(old), answering(tried)
	if x != nil && y != nil && x.Name == y.Name {
		return x, y
	}
	// What lies before the other's answer was tried by both.
	if x != nil {
		if inVain := named(tried, x.Name); inVain != nil {
			return x, inVain
		}
	}
	if y != nil {
		if inVain := named(old, y.Name); inVain != nil {
			return inVain, y
		}
	}
	// Where none answered, what was tried last.
	return cmp.Or(x, latest(old)), cmp.Or(y, latest(tried))
}

func latest(steps []engine.Step) *engine.Step {
	if len(steps) == 0 {
		return nil
	}
	return &steps[len(steps)-1]
}

func answering(steps []engine.Step) *engine.Step {
	if s := latest(steps); s != nil && s.Answered {
		return s
	}
	return nil
}

func named(steps []engine.Step, name string) *engine.Step {
	if i := slices.IndexFunc(steps, func(s engine.Step) bool { return s.Name == name }); i >= 0 {
		return &steps[i]
	}
	return nil
}

// decider is the revision that decided, or would have.
func decider(r engine.Recorded) string {
	if r.Record.Evaluation.Revision != "" {
		return r.Record.Evaluation.Revision
	}
	return r.InForce
}

// then is what the policies of the time say to a call that circumstances
// decided.
func (w *way) then(ctx context.Context, r engine.Recorded, again repeated) (repeated, error) {
	set, err := w.former.set(ctx, decider(r))
	if err != nil || set == w.set {
		return again, err
	}
	return repeat(ctx, set, &w.o.Judge, w.o.PolicyDeadline, r)
}

// former keeps the sets of earlier revisions: compiling one takes longer than
// thousands of calls.
type former struct {
	sets   Sets
	known  map[string]Set
	failed map[string]error
}

func (f *former) set(ctx context.Context, revision string) (Set, error) {
	if revision == "" {
		return nil, fmt.Errorf("none was in force: %w", engine.ErrNoRevision)
	}
	if set := f.known[revision]; set != nil {
		return set, nil
	}
	if err := f.failed[revision]; err != nil {
		return nil, err
	}
	set, err := f.sets.Set(ctx, revision, nil)
	if err != nil {
		if f.failed == nil {
			f.failed = map[string]error{}
		}
		f.failed[revision] = err
		return nil, err
	}
	f.known[revision] = set
	return set, nil
}

// erasedPerson is why a call can't be compared any more.
const erasedPerson = "a person in it was erased"

// erased reports whether a decision is about somebody who was forgotten.
func erased(d *engine.DecisionRecord) bool {
	return d.Caller.Canonical == engine.Erased || d.DID.Canonical == engine.Erased || d.Decision.Number == engine.Erased
}

func notCompared(err error) string {
	if errors.Is(err, engine.ErrNoRevision) {
		return "policy set of the time is not archived"
	}
	return "policy set of the time does not load in this version"
}
