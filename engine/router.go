package engine

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"golang.org/x/sync/singleflight"
)

// Defaults of RouterOptions.
const (
	DefaultDeadline       = 1500 * time.Millisecond
	DefaultPolicyDeadline = 250 * time.Millisecond
	DefaultMaxConcurrent  = 1024
	DefaultCommitGrace    = 50 * time.Millisecond
)

// RouterOptions is what a Router works with. Zero durations and counts take
// their defaults.
type RouterOptions struct {
	Judge    Judge
	Policies Evaluator
	Preview  Previewer // nil: no what-if
	Ledger   Ledger
	Observer Observer
	// Render writes a decision in the provider's words.
	Render func(Decision) Reply

	// Deadline bounds everything from the arrival of an initiation to its
	// reply, waiting included.
	Deadline time.Duration
	// PolicyDeadline bounds one evaluation. One that is repeated because the
	// history changed under it has it again, inside Deadline.
	PolicyDeadline time.Duration
	// CommitGrace is how long a reply waits for its record to reach the disk.
	CommitGrace time.Duration
	// MaxConcurrent is how many calls are decided at once; the fallback
	// answers beyond it.
	MaxConcurrent int
	// Evaluations is how many of those compute at once, while the others wait
	// for a place; the default is four a processor, at least eight.
	Evaluations int
}

func (o *RouterOptions) validate() error {
	switch {
	case o.Judge.Numbers == nil:
		return errors.New("router: Judge.Numbers is missing")
	case o.Policies == nil:
		return errors.New("router: Policies is missing")
	case o.Ledger == nil:
		return errors.New("router: Ledger is missing")
	case o.Observer == nil:
		return errors.New("router: Observer is missing")
	case o.Render == nil:
		return errors.New("router: Render is missing")
	}
	orDefault(&o.Deadline, DefaultDeadline)
	orDefault(&o.PolicyDeadline, DefaultPolicyDeadline)
	orDefault(&o.CommitGrace, DefaultCommitGrace)
	orDefault(&o.MaxConcurrent, DefaultMaxConcurrent)
	orDefault(&o.Evaluations, defaultEvaluations())
	if o.Deadline < 0 || o.PolicyDeadline < 0 || o.MaxConcurrent < 0 || o.Evaluations < 0 {
		return errors.New("router: deadlines, MaxConcurrent and Evaluations must be positive")
	}
	if o.PolicyDeadline >= o.Deadline {
		return fmt.Errorf("router: the policy deadline (%v) must be shorter than the deadline (%v), or nothing is left for the fallback",
			o.PolicyDeadline, o.Deadline)
	}
	return nil
}

func orDefault[T comparable](v *T, d T) {
	var zero T
	if *v == zero {
		*v = d
	}
}

// Router answers initiations. It is safe for concurrent use.
type Router struct {
	o      RouterOptions
	judge  atomic.Pointer[Judge] // the options' own, until SetFallbacks
	slots  chan struct{}
	places *places
	flight singleflight.Group
}

// NewRouter returns a Router, or an error that names the option at fault.
func NewRouter(o RouterOptions) (*Router, error) {
	if err := o.validate(); err != nil {
		return nil, err
	}
	r := &Router{o: o, slots: make(chan struct{}, o.MaxConcurrent), places: newPlaces(o.Evaluations)}
	r.judge.Store(&o.Judge)
	return r, nil
}

// SetFallbacks changes who answers where the policies don't, from the next
// decision on. Numbers are canonical, as in Judge; the map must not change any
// more.
func (r *Router) SetFallbacks(global string, byDID map[string]string) {
	r.judge.Store(&Judge{Numbers: r.o.Judge.Numbers, Fallback: global, DIDFallbacks: byDID})
}

// Ready reports whether calls that came now would get an answer: a policy set is
// active or a fallback is configured. One DID's fallback is enough: to turn all
// calls away would take the answer from that DID too.
func (r *Router) Ready() bool {
	return r.judge.Load().HasFallback() || r.o.Policies.HasPolicy()
}

// Route answers an initiation, always, within the deadline. The same call_id
// and DID get the same bytes again, however often and whenever they come; a
// reply of 503 is not kept. Route goes on when ctx is cancelled: a provider that
// hung up too early may ask again.
func (r *Router) Route(ctx context.Context, in *Initiation) Reply {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), r.o.Deadline)
	defer cancel()
	if in.CallID == "" {
		// Without an id nothing can be a retry of it.
		return r.decide(ctx, in, madeUp+rand.Text()).Reply
	}
	first := false
	v, _, _ := r.flight.Do(in.CallID+"\x00"+in.DID.Canonical, func() (any, error) {
		first = true
		return r.answer(ctx, in), nil
	})
	rec := v.(*DecisionRecord)
	if !first {
		r.o.Observer.Replayed(rec, sameCaller(rec, in))
	}
	return rec.Reply
}

// answer gives the recorded answer again, or decides.
func (r *Router) answer(ctx context.Context, in *Initiation) *DecisionRecord {
	rec, commit := r.o.Ledger.Answered(in.CallID, in.DID.Canonical)
	if rec == nil {
		return r.decide(ctx, in, in.CallID)
	}
	r.await(ctx, rec, commit)
	r.o.Observer.Replayed(rec, sameCaller(rec, in))
	return rec
}

// sameCaller reports whether a retry came from whom the decision was made for. Of
// a caller who was erased nobody can say otherwise.
func sameCaller(rec *DecisionRecord, in *Initiation) bool {
	return rec.Caller.Canonical == in.Caller.Canonical || rec.Caller.Canonical == Erased
}

// decide makes the call's decision, publishes it, and waits a moment for the
// disk.
func (r *Router) decide(ctx context.Context, in *Initiation, id string) *DecisionRecord {
	rec := &DecisionRecord{CallID: id, Caller: in.Caller, DID: in.DID, Arrived: in.Arrived, Raw: in.Raw}
	var commit Commit
	select {
	case r.slots <- struct{}{}:
		commit = r.inSlot(ctx, in, rec)
	default:
		q := Question{CallID: in.CallID, Caller: in.Caller, DID: in.DID, At: time.Now()}
		r.settle(rec, q, r.judge.Load().FallBack(q, CauseOverload, "too many calls are being decided at once"))
		commit = r.publish(rec)
	}
	r.await(ctx, rec, commit)
	r.o.Observer.Decided(rec)
	return rec
}

func (r *Router) publish(rec *DecisionRecord) Commit {
	commit, err := r.o.Ledger.Publish(nil, rec)
	if err != nil {
		return failed(err)
	}
	return commit
}

func (r *Router) settle(rec *DecisionRecord, q Question, d Decision) {
	rec.RoutedAt = q.At.UnixNano()
	rec.Decision = d
	rec.ReceiverIsNumber = d.Number != ""
	rec.Reply = r.o.Render(d)
}

// isDID joins the directory's DIDs with those seen in the history.
func (r *Router) isDID(view View) func(string) bool {
	return func(did string) bool { return r.o.Policies.IsDID(did) || view.KnowsDID(did) }
}

// await lets the record reach the disk before the reply leaves, unless the disk
// takes too long: the caller is waiting on the line.
func (r *Router) await(ctx context.Context, rec *DecisionRecord, commit Commit) {
	if commit == nil {
		return
	}
	grace := time.NewTimer(r.o.CommitGrace)
	defer grace.Stop()
	select {
	case <-commit.Done():
		return
	case <-grace.C:
	case <-ctx.Done():
	}
	r.o.Observer.Late(rec)
}

// Unreadable is the reply to an initiation that can't be read: the fallback of
// its DID, else the global one. It reports false where neither is configured.
// What could not be read of caller and did is the zero Number.
func (r *Router) Unreadable(caller, did Number) (Reply, bool) {
	d := r.judge.Load().FallBack(Question{Caller: caller, DID: did}, CauseUnreadable, "the initiation could not be read")
	if d.Source == SourceNone {
		return Reply{}, false
	}
	rec := &DecisionRecord{Decision: d, Reply: r.o.Render(d), RoutedAt: time.Now().UnixNano()}
	r.o.Observer.Decided(rec)
	return rec.Reply, true
}

// failed is the Commit of a record that was never queued.
func failed(err error) Commit { return failedCommit{err} }

type failedCommit struct{ err error }

var closed = func() chan struct{} { c := make(chan struct{}); close(c); return c }()

func (failedCommit) Done() <-chan struct{} { return closed }
func (f failedCommit) Err() error          { return f.err }
