package engine_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"switchboard/engine"
)

// world is a Router with its surroundings in the test's hand.
type world struct {
	t        *testing.T
	numbers  *engine.Numbers
	options  engine.RouterOptions
	ledger   *fakeLedger
	policy   func(context.Context, engine.Question, engine.View) (engine.Evaluation, error)
	dids     map[string]bool
	noPolicy bool

	decided                     atomic.Pointer[engine.DecisionRecord]
	replayed, otherCaller, late atomic.Int64
}

func newWorld(t *testing.T) *world {
	numbers, err := engine.NewNumbers("IN")
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, numbers: numbers, ledger: &fakeLedger{}}
	w.options = engine.RouterOptions{
		Judge: engine.Judge{Numbers: numbers}, Policies: w, Ledger: w.ledger, Observer: w,
		Render: func(d engine.Decision) engine.Reply {
			switch {
			case d.Reject:
				return engine.Reply{Status: 403}
			case d.Number == "":
				return engine.Reply{Status: 503}
			}
			return engine.Reply{Status: 200, Body: fmt.Appendf(nil, "%s/%d", d.Number, d.Timeout)}
		},
	}
	return w
}

func (w *world) router() *engine.Router {
	r, err := engine.NewRouter(w.options)
	if err != nil {
		w.t.Fatal(err)
	}
	return r
}

func (w *world) initiation(id string) *engine.Initiation {
	return &engine.Initiation{CallID: id, Caller: w.numbers.Person(caller), DID: w.numbers.DID(did)}
}

func says(a engine.Answer) func(context.Context, engine.Question, engine.View) (engine.Evaluation, error) {
	return func(context.Context, engine.Question, engine.View) (engine.Evaluation, error) {
		return engine.Evaluation{Answer: a}, nil
	}
}

func fails(err error) func(context.Context, engine.Question, engine.View) (engine.Evaluation, error) {
	return func(context.Context, engine.Question, engine.View) (engine.Evaluation, error) {
		return engine.Evaluation{}, err
	}
}

func (w *world) Evaluate(ctx context.Context, q engine.Question, v engine.View) (engine.Evaluation, error) {
	return w.policy(ctx, q, v)
}
func (w *world) IsDID(did string) bool              { return w.dids[did] }
func (w *world) HasPolicy() bool                    { return !w.noPolicy }
func (w *world) Decided(rec *engine.DecisionRecord) { w.decided.Store(rec) }
func (w *world) Late(*engine.DecisionRecord)        { w.late.Add(1) }
func (w *world) Replayed(_ *engine.DecisionRecord, sameCaller bool) {
	w.replayed.Add(1)
	if !sameCaller {
		w.otherCaller.Add(1)
	}
}

// fakeLedger keeps records in memory and conflicts on demand.
type fakeLedger struct {
	mu           sync.Mutex
	records      []*engine.DecisionRecord
	conflicts    int           // publications to refuse
	disk         time.Duration // how long a commit takes
	refuse       error         // of every publication
	dids         map[string]bool
	longestChain int
	open         atomic.Int64
}

type fakeView struct {
	l     *fakeLedger
	at    time.Time
	chain int
	once  sync.Once
}

func (l *fakeLedger) View(ctx context.Context, previous engine.View) (engine.View, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	v := &fakeView{l: l, at: time.Now()}
	if previous != nil {
		v.chain = previous.(*fakeView).chain + 1
		previous.Close()
	}
	l.mu.Lock()
	l.longestChain = max(l.longestChain, v.chain)
	l.mu.Unlock()
	l.open.Add(1)
	return v, nil
}

func (v *fakeView) At() time.Time { return v.at }
func (v *fakeView) Profile(engine.ProfileKind, string) (*engine.Profile, error) {
	return nil, nil
}
func (v *fakeView) Call(string) (*engine.Call, error)                  { return nil, nil }
func (v *fakeView) Sessions(string, string) ([]*engine.Session, error) { return nil, nil }
func (v *fakeView) Fact(string, string) (*engine.Fact, error)          { return nil, nil }
func (v *fakeView) KnowsDID(did string) bool                           { return v.l.dids[did] }
func (v *fakeView) Close()                                             { v.once.Do(func() { v.l.open.Add(-1) }) }

func (l *fakeLedger) Publish(view engine.View, rec *engine.DecisionRecord) (engine.Commit, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.refuse != nil {
		return nil, l.refuse
	}
	if view != nil && l.conflicts > 0 {
		l.conflicts--
		return nil, engine.ErrConflict
	}
	l.records = append(l.records, rec)
	c := make(fakeCommit)
	if l.disk == 0 {
		close(c)
	} else {
		time.AfterFunc(l.disk, func() { close(c) })
	}
	return c, nil
}

type fakeCommit chan struct{}

func (c fakeCommit) Done() <-chan struct{} { return c }
func (c fakeCommit) Err() error            { return nil }

func (l *fakeLedger) Answered(callID, did string) (*engine.DecisionRecord, engine.Commit) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, rec := range l.records {
		if rec.CallID == callID && rec.DID.Canonical == did {
			return rec, nil
		}
	}
	return nil, nil
}

func (l *fakeLedger) Complete(context.Context, *engine.Completion) (engine.CompletionResult, error) {
	return engine.Stored, nil
}

func (l *fakeLedger) only(t *testing.T) *engine.DecisionRecord {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.records) != 1 {
		t.Fatalf("%d records published, want 1", len(l.records))
	}
	return l.records[0]
}
