package engine

import (
	"context"
	"errors"
	"time"
)

// Errors that an Evaluator answers with. Anything else it answers is an error
// of the policy.
var (
	// ErrUndefined: data.routing.decision has no value for this input.
	ErrUndefined = errors.New("data.routing.decision is undefined for this call")
	// ErrTimeout: the evaluation was stopped at its deadline.
	ErrTimeout = errors.New("the policy did not answer within its deadline")
	// ErrNoPolicy: no policy set is active.
	ErrNoPolicy = errors.New("no policy set is active")
)

// InvalidError is a policy's answer that breaks the contract of
// data.routing.decision.
type InvalidError struct{ Why string }

func (e *InvalidError) Error() string { return e.Why }

// ErrConflict is answered by a View or by Ledger.Publish when something that
// was read has changed since the view was opened: evaluate again.
var ErrConflict = errors.New("history that was read has changed")

// Question is what an Evaluator is asked.
type Question struct {
	CallID string
	Caller Number
	DID    Number
	At     time.Time // the call's time; the only clock a policy sees
}

// Evaluator answers questions by the active policy set.
type Evaluator interface {
	// Evaluate runs data.routing.decision. It returns what it found even when it
	// fails, and stops soon after ctx ends with ErrTimeout. When a read of the
	// view fails with ErrConflict, so does Evaluate (errors.Is).
	Evaluate(ctx context.Context, q Question, view View) (Evaluation, error)

	// IsDID reports whether a canonical DID is a key of the active set's
	// directory.
	IsDID(did string) bool

	// HasPolicy reports whether a policy set is in force.
	HasPolicy() bool
}

// View is one decision's consistent sight of the history: everything it returns
// stood there together when the view was opened. It is for one goroutine.
type View interface {
	// At is the moment of the view. Moments of views strictly grow within a
	// process while the clock does not jump.
	At() time.Time
	// Profile returns the profile of a canonical number, nil when it was never
	// seen, or ErrConflict.
	Profile(kind ProfileKind, number string) (*Profile, error)
	// Call returns a call by id, nil when it was never seen, or ErrConflict.
	Call(id string) (*Call, error)
	// Sessions returns the sessions that a canonical number has on a canonical
	// DID and that count at the view's moment, newest first, or ErrConflict. The
	// caller must not change the slice.
	Sessions(did, number string) ([]*Session, error)
	// Fact returns a fact that counts at the view's moment, nil where there is
	// none, or ErrConflict.
	Fact(collection, key string) (*Fact, error)
	// KnowsDID reports whether calls to this DID were seen. It is not a read
	// that Publish checks: a DID never stops being one.
	KnowsDID(did string) bool
	// Close gives back what the view holds. It may be called twice.
	Close()
}

// Commit is the way of one record to the disk.
type Commit interface {
	// Done is closed when the record is on disk or has failed to get there.
	Done() <-chan struct{}
	// Err tells, after Done, whether it failed.
	Err() error
}

// Ledger is what the Router needs of the history.
type Ledger interface {
	// View opens a view. previous is the view whose evaluation met ErrConflict,
	// or nil on the first try; from the fourth try on, View waits for its turn
	// and holds others back from changing what the previous try read, for a
	// bounded time. It fails only with ctx.
	View(ctx context.Context, previous View) (View, error)

	// Publish makes a decision visible to the very next view and queues its
	// record for the disk. With a view, it answers ErrConflict and changes
	// nothing if something read through that view has changed; with nil it
	// always publishes.
	Publish(view View, rec *DecisionRecord) (Commit, error)

	// Answered returns the decision already given to this call_id and DID, nil
	// where there is none that can be replayed. The Commit tells when it is on
	// disk; nil when it long is.
	Answered(callID, did string) (*DecisionRecord, Commit)

	// Complete makes a completion part of the history and returns once it is on
	// disk. The error is ErrUnavailable (wrapped) when the disk does not take it.
	Complete(ctx context.Context, c *Completion) (CompletionResult, error)
}

// ErrUnavailable: the store can't take the record now; try again later.
var ErrUnavailable = errors.New("the store is unavailable")

// Observer is told what the Router did; it must not block.
type Observer interface {
	Decided(rec *DecisionRecord)
	// Replayed is told of a retry that got its recorded answer; sameCaller is
	// false where another caller came under the same call_id and DID.
	Replayed(rec *DecisionRecord, sameCaller bool)
	// Late is told of a reply that left before its record was on disk.
	Late(rec *DecisionRecord)
}

// Observers tells each of them, in their order.
type Observers []Observer

var _ Observer = Observers(nil)

// Decided tells each.
func (os Observers) Decided(rec *DecisionRecord) {
	for _, o := range os {
		o.Decided(rec)
	}
}

// Replayed tells each.
func (os Observers) Replayed(rec *DecisionRecord, sameCaller bool) {
	for _, o := range os {
		o.Replayed(rec, sameCaller)
	}
}

// Late tells each.
func (os Observers) Late(rec *DecisionRecord) {
	for _, o := range os {
		o.Late(rec)
	}
}
