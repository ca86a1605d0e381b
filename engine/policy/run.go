package policy

import (
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/storage"
	"github.com/open-policy-agent/opa/v1/topdown"

	"switchboard/engine"
	"switchboard/engine/policy/mounted"
	"switchboard/engine/policy/plan"
)

// Bounds on what one evaluation reports. A policy that walks through more keys
// or rules than these is explained well enough by the first.
const (
	maxReads = 64
	maxFired = 128
)

// run is one evaluation's transaction: the sight of the history, and the notes
// taken on the way. It is for one goroutine.
type run struct {
	id       uint64
	view     engine.View // nil: an empty history
	document ast.Object  // the history in place of the view; nil: the view

	profiles []profileRead
	entries  []liveRead
	paths    []string
	fired    []int // what instrument numbered
	err      error // the first failure to read the history

	builtins map[string]*topdown.Builtin
	problems []topdown.Error // of builtins

	deadline deadline
	seed     seedReader
	env      plan.Env // of the set's plan
}

type profileRead struct {
	kind    engine.ProfileKind
	number  string
	profile *engine.Profile
}

var (
	runs   sync.Pool
	runIDs atomic.Uint64
)

// newRun opens a transaction that sees the history through view.
func newRun(view engine.View) *run {
	r, ok := runs.Get().(*run)
	if !ok {
		r = &run{}
		r.builtins = map[string]*topdown.Builtin{firedBuiltin.Name: {Decl: firedBuiltin, Func: r.noteFired}}
		r.env.Read, r.env.Mark, r.env.Problems = r.read, r.mark, &r.problems
	}
	r.id, r.view = runIDs.Add(1), view
	return r
}

// release gives the run to a later evaluation. What was read stays with the
// evaluation's record.
func (r *run) release() {
	clear(r.profiles)
	clear(r.entries)
	clear(r.problems)
	*r = run{
		builtins: r.builtins, profiles: r.profiles[:0], entries: r.entries[:0], fired: r.fired[:0], problems: r.problems[:0],
		env: plan.Env{Read: r.env.Read, Mark: r.env.Mark, Problems: r.env.Problems},
	}
	runs.Put(r)
}

// ID numbers transactions, as [storage.Transaction] asks.
func (r *run) ID() uint64 { return r.id }

// history reads below data.history.
func (r *run) history(path storage.Path) (ast.Value, error) {
	if len(path) == 0 {
		return nil, &collectionError{root: historyRoot}
	}
	collection := path[0]
	if !isCollection(collection) {
		return nil, errNotFound
	}
	if len(path) == 1 {
		return nil, &collectionError{root: historyRoot, collection: path[:1]}
	}
	r.note(historyRoot, path)
	switch {
	case r.document != nil:
		return documentValue(r.document, path)
	case r.view == nil:
		return nil, errNotFound
	case collection == callsCollection:
		call, err := r.view.Call(path[1])
		if err != nil {
			return nil, err
		}
		return callValue(call, path[2:])
	}
	p, err := r.profile(engine.ProfileKind(collection), path[1])
	if err != nil {
		return nil, err
	}
	return profileValue(p, path[2:])
}

// profile asks the view once per number: a policy reads several fields of the
// same profile, each by a path of its own.
func (r *run) profile(kind engine.ProfileKind, number string) (*engine.Profile, error) {
	for i := range r.profiles {
		if known := &r.profiles[i]; known.number == number && known.kind == kind {
			return known.profile, nil
		}
	}
	p, err := r.view.Profile(kind, number)
	if err != nil {
		return nil, err
	}
	if len(r.profiles) < maxReads {
		r.profiles = append(r.profiles, profileRead{kind, number, p})
	}
	return p, nil
}

// note remembers that a path was read.
func (r *run) note(root string, path storage.Path) {
	if len(r.paths) == maxReads {
		return
	}
	n := len(root)
	for _, part := range path {
		n += 1 + len(part)
	}
	var b strings.Builder
	b.Grow(n)
	b.WriteString(root)
	for _, part := range path {
		b.WriteByte('/')
		b.WriteString(part)
	}
	if s := b.String(); !slices.Contains(r.paths, s) {
		r.paths = append(r.paths, s)
	}
}

// noteFired is the builtin that every rule ends with; see instrument.
func (r *run) noteFired(_ topdown.BuiltinContext, operands []*ast.Term, iter func(*ast.Term) error) error {
	if i, ok := operands[0].Value.(ast.Number).Int(); ok {
		r.mark(i)
	}
	return iter(nil)
}

// mark notes that a rule came true.
func (r *run) mark(rule int) {
	if len(r.fired) < maxFired && !slices.Contains(r.fired, rule) {
		r.fired = append(r.fired, rule)
	}
}

// again makes the run as it was before the evaluation, for another one.
func (r *run) again() {
	clear(r.problems)
	r.paths, r.fired, r.problems, r.err = nil, r.fired[:0], r.problems[:0], nil
}

// read reads what no file of the set holds, and keeps the first failure: the
// evaluator wraps errors as it likes.
func (r *run) read(path storage.Path) (ast.Value, error) {
	v, err := r.mounted(path)
	if err != nil && r.err == nil && !storage.IsNotFound(err) {
		r.err = err
	}
	return v, err
}

// callsCollection is the one collection that is keyed by call_id.
const callsCollection = mounted.Calls

func isCollection(name string) bool {
	switch engine.ProfileKind(name) {
	case engine.Callers, engine.Receivers, engine.DIDs, callsCollection:
		return true
	}
	return false
}
