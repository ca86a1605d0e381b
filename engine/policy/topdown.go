package policy

import (
	"context"
	"fmt"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/metrics"
	"github.com/open-policy-agent/opa/v1/topdown"
)

// OPA's own evaluator is the measure of what a policy means. It answers where
// the set's compiled plan does not, it tells errors with their places, and it
// explains.

var errStopped = &topdown.Error{Code: topdown.CancelErr, Message: "stopped before it began"}

// noMetadata spares each evaluation a map of its own. Only external rules write
// there, and a policy set has none.
var noMetadata = map[string]any{}

// eval asks the entry point; nil is undefined. The options are last words on
// the query: a tracer, say.
//
// The query is OPA's own, below its rego package: that one has no way to give
// a single evaluation builtins of its own.
func (s *Set) eval(ctx context.Context, x *question, r *run, options ...func(*topdown.Query)) (value ast.Value, err error) {
	if ctx.Err() != nil {
		return nil, errStopped
	}
	defer brokeOff(&value, &err)
	r.deadline = deadline{ctx: ctx}
	query := topdown.NewQuery(s.query).
		WithQueryCompiler(s.queryCompiler).
		WithCompiler(s.compiled.compiler).
		WithStore(s.mount).
		WithTransaction(r).
		WithInput(ast.NewTerm(x.value())).
		WithTime(x.at).
		WithSeed(&seedReader{seed: x.seed}).
		WithMetrics(metrics.NoOp()).
		WithCancel(&r.deadline).
		WithRequestMetadata(noMetadata).
		WithBuiltins(r.builtins).
		WithBuiltinErrorList(&r.problems)
	for _, option := range options {
		option(query)
	}
	err = query.Iter(ctx, func(qr topdown.QueryResult) error {
		if t := qr[answerVar]; t != nil {
			value = t.Value
		}
		return nil
	})
	return value, err
}

// brokeOff, deferred, makes a panic the evaluation's error: a bug of the evaluator
// that one input provokes must cost one call its policy, not all calls the server.
func brokeOff(value *ast.Value, err *error) {
	if p := recover(); p != nil {
		*value, *err = nil, fmt.Errorf("the evaluation of %s broke off: %v", entryPoint, p)
	}
}

// locate adds file and line to an error of the store, which knows paths only:
// the evaluation is repeated and watched. Sets with such reads are rare, as
// most are found when they are loaded.
func (s *Set) locate(ctx context.Context, x *question, failed *run, err error) error {
	r := newRun(failed.view)
	defer r.release()
	r.document = failed.document
	var last lastLocation
	s.eval(ctx, x, r, func(q *topdown.Query) { q.WithQueryTracer(&last) })
	if last.location == nil {
		return err
	}
	return fmt.Errorf("%s:%d: %w", last.location.File, last.location.Row, err)
}

// lastLocation is a tracer that remembers where in a file the evaluation is.
type lastLocation struct{ location *ast.Location }

func (*lastLocation) Enabled() bool               { return true }
func (*lastLocation) Config() topdown.TraceConfig { return topdown.TraceConfig{} }

func (l *lastLocation) TraceEvent(e topdown.Event) {
	if e.Op == topdown.EvalOp && e.Location != nil && e.Location.File != "" {
		l.location = e.Location
	}
}
