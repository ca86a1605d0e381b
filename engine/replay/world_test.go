package replay_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"
	_ "time/tzdata"

	"switchboard/engine"
	"switchboard/engine/history"
	"switchboard/engine/policy"
	"switchboard/engine/replay"
	"switchboard/policies"
)

// The DIDs of the test's directory, each with another way to its team.
const (
	rotation = "918645658680"
	sticky   = "918645658681"
	idle     = "918645658682"
	masked   = "918645658683"
	limited  = "918645658684"
)

var lines = []string{rotation, sticky, idle, masked, limited}

const directory = `
dids:
  "918645658680": {team: ["9876543210", "9876543211", "9876543212"]}
  "918645658681": {team: ["9876543210", "9876543211", "9876543213"], sticky_days: 30, redial: {minutes: 5}}
  "918645658682": {team: ["9876543210", "9876543211", "9876543214"], distribution: {mode: least_busy}}
  "918645658683": {team: ["9876543218"], no_session_to: "9876543219"}
  "918645658684": {team: ["9876543215", "9876543216"], max_concurrent: 2, overflow: ["9876543217"], velocity: {calls: 6, minutes: 60}}
blocklist: {numbers: {"9800000001": nuisance}, prefixes: [], anonymous: true}
`

// world is a server without its network: a router over a store, by one policy
// set after another.
type world struct {
	t       testing.TB
	store   *history.Store
	numbers *engine.Numbers
	options policy.Options
	history history.Options
	set     atomic.Pointer[policy.Set]
	library *policy.Library
	router  *engine.Router
	slow    atomic.Int64 // evaluations that are to run out of time
}

// Evaluate is the router's way to the set in force.
func (w *world) Evaluate(ctx context.Context, q engine.Question, v engine.View) (engine.Evaluation, error) {
	if w.slow.Add(-1) >= 0 {
		return engine.Evaluation{Revision: w.set.Load().Revision()}, engine.ErrTimeout
	}
	return w.set.Load().Evaluate(ctx, q, v)
}

func (w *world) IsDID(did string) bool { return w.set.Load().IsDID(did) }
func (*world) HasPolicy() bool         { return true }

func (*world) Decided(*engine.DecisionRecord)        {}
func (*world) Replayed(*engine.DecisionRecord, bool) {}
func (*world) Late(*engine.DecisionRecord)           {}

func starter(t testing.TB) policy.Tree {
	t.Helper()
	tree, err := policy.FromFS(policies.Files)
	if err != nil {
		t.Fatal(err)
	}
	tree["directory/data.yaml"] = []byte(directory)
	return tree
}

func newWorld(t testing.TB, tree policy.Tree) *world {
	t.Helper()
	zone, err := time.LoadLocation("Asia/Kolkata")
	if err != nil {
		t.Fatal(err)
	}
	numbers, err := engine.NewNumbers("IN")
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, numbers: numbers, options: policy.Options{Numbers: numbers, Zone: zone}}
	w.history = history.Options{Path: filepath.Join(t.TempDir(), "switchboard.db"), Zone: zone, CallTTL: 400 * time.Millisecond}
	if w.store, err = history.Open(w.history); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.store.Close(); err != nil {
			t.Error(err)
		}
	})
	w.activate(tree)
	w.library = policy.NewLibrary(policy.LibraryOptions{Options: w.options, Active: w.set.Load, Archive: w.store})
	w.router, err = engine.NewRouter(engine.RouterOptions{
		Judge: w.judge(), Policies: w, Ledger: w.store, Observer: w, MaxConcurrent: 48,
		Deadline: 10 * time.Second, PolicyDeadline: 5 * time.Second,
		Render: func(d engine.Decision) engine.Reply { return engine.Reply{Status: 200, Body: []byte(d.Number)} },
	})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *world) judge() engine.Judge { return engine.Judge{Numbers: w.numbers, Fallback: "9876543299"} }

func (w *world) load(tree policy.Tree) *policy.Set {
	w.t.Helper()
	set, report := policy.Load(w.t.Context(), tree, w.options, policy.Checks{SkipTests: true})
	if set == nil {
		w.t.Fatal(report.Errors)
	}
	return set
}

// activate puts a set in force, as a reload does.
func (w *world) activate(tree policy.Tree) {
	w.t.Helper()
	set := w.load(tree)
	rev := &engine.Revision{ID: set.Revision(), At: time.Now().UnixNano(), Origin: "test", Files: set.Tree()}
	if err := w.store.SaveRevision(w.t.Context(), rev); err != nil {
		w.t.Fatal(err)
	}
	w.set.Store(set)
}

func (w *world) Set(ctx context.Context, revision string, over map[string]string) (replay.Set, error) {
	set, err := w.library.Set(ctx, revision, over)
	if err != nil {
		return nil, err // and no Set that holds a nil
	}
	return set, nil
}

func (w *world) replayer() *replay.Replayer {
	w.t.Helper()
	r, err := replay.New(replay.Options{Sets: w, Judge: w.judge(), PolicyDeadline: 5 * time.Second,
		Open: func(ctx context.Context) (replay.Timeline, error) { return w.store.Timeline(ctx) }})
	if err != nil {
		w.t.Fatal(err)
	}
	return r
}

func (w *world) replay(req engine.ReplayRequest) *engine.Difference {
	w.t.Helper()
	d, err := w.replayer().Replay(w.t.Context(), req, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	return d
}

func (w *world) explain(callID string) *engine.Explanation {
	w.t.Helper()
	e := replay.Explainer{Sets: w, Past: w.store, Judge: w.judge(), PolicyDeadline: 5 * time.Second}
	out, err := e.Explain(w.t.Context(), callID, "")
	if err != nil {
		w.t.Fatal(err)
	}
	return out
}

// call routes one call.
func (w *world) call(id, caller, did string) {
	w.router.Route(w.t.Context(), &engine.Initiation{CallID: id, Caller: w.numbers.Person(caller), DID: w.numbers.DID(did), Arrived: time.Now().UnixNano()})
}

// report tells how a call went, whoever reported it.
func (w *world) report(id, caller, receiver, did string, status engine.Status, seconds int64) {
	now := time.Now().UnixNano()
	c := &engine.Completion{CallID: id, Caller: w.numbers.Person(caller), Receiver: w.numbers.Person(receiver), DID: w.numbers.DID(did),
		Status: status, ReceivedAt: now - seconds*1e9, EndedAt: now, Duration: seconds, Arrived: now}
	if _, err := w.store.Complete(w.t.Context(), c); err != nil {
		w.t.Error(err)
	}
}

// traffic lets n callers at once live through what callers do, each in their own
// order: calls on all lines, reports on time, late, twice, before the call and
// without one, sessions that come and go, people who take a break.
func (w *world) traffic(seed uint64, workers, steps int) {
	var group sync.WaitGroup
	for i := range workers {
		group.Go(func() { w.worker(rand.New(rand.NewPCG(seed, uint64(i))), i, steps) })
	}
	group.Wait()
}

func (w *world) worker(rnd *rand.Rand, worker, steps int) {
	person := func(n int) string { return fmt.Sprintf("98000000%02d", rnd.IntN(n)) }
	agent := func() string { return fmt.Sprintf("987654321%d", rnd.IntN(8)) }
	statuses := []engine.Status{engine.StatusAnswered, engine.StatusAnswered, engine.StatusNotAnswered, engine.StatusOther}
	for i := range steps {
		id := fmt.Sprintf("call-%d-%d", worker, i)
		earlier := fmt.Sprintf("call-%d-%d", worker, rnd.IntN(i+1))
		did := lines[rnd.IntN(len(lines))]
		switch n := rnd.IntN(20); {
		case n < 10:
			caller := person(12)
			if n == 0 {
				caller = []string{"anonymous", "", "9876543210", "+14155552671"}[rnd.IntN(4)]
			}
			if rnd.IntN(40) == 0 {
				id = "" // the provider sends none
			}
			w.call(id, caller, did)
			if rnd.IntN(2) == 0 {
				w.report(id+"", caller, agent(), did, statuses[rnd.IntN(4)], int64(rnd.IntN(300)))
			}
		case n < 15:
			w.report(earlier, person(12), agent(), did, statuses[rnd.IntN(4)], int64(rnd.IntN(300)))
		case n < 17:
			in := engine.Session{Ref: fmt.Sprint("order-", rnd.IntN(9)), DID: masked, Parties: [2]string{person(6), agent()},
				Expires: time.Now().Add(time.Duration(rnd.IntN(400)) * time.Millisecond).UnixNano()}
			// A moment that is over when it comes to be checked is refused.
			_, _ = w.store.PutSession(w.t.Context(), in, nil, "test")
		case n < 18:
			if _, err := w.store.EndSession(w.t.Context(), fmt.Sprint("order-", rnd.IntN(9)), "test"); err != nil {
				w.t.Error(err)
			}
		case n < 19:
			f := engine.Fact{Collection: "paused", Key: agent(), Value: json.RawMessage(`{"why": "lunch"}`)}
			if rnd.IntN(2) == 0 {
				f.Expires = time.Now().Add(time.Second).UnixNano()
			}
			if _, err := w.store.PutFact(w.t.Context(), f); err != nil {
				w.t.Error(err)
			}
		default:
			if _, err := w.store.DeleteFact(w.t.Context(), "paused", agent(), "test"); err != nil {
				w.t.Error(err)
			}
		}
	}
}
