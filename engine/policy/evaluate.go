package policy

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/metrics"
	"github.com/open-policy-agent/opa/v1/topdown"

	"switchboard/engine"
)

// Evaluate answers q by the set; see [engine.Evaluator] for its errors. A nil
// view is an empty history. It stops within milliseconds after ctx ends.
func (s *Set) Evaluate(ctx context.Context, q engine.Question, view engine.View) (engine.Evaluation, error) {
	r := newRun(view)
	defer r.release()
	return s.evaluate(ctx, s.question(q), r)
}

func (s *Set) question(q engine.Question) *question { return newQuestion(q, s.zone, s.zoneName) }

// evaluate asks the entry point in r's sight of the history and reports on it,
// whatever comes of it.
func (s *Set) evaluate(ctx context.Context, x *question, r *run) (engine.Evaluation, error) {
	value, err := s.eval(ctx, x, r)
	if err == nil {
		// An answer without the history it asked for is none.
		err = r.err
	}
	ev := engine.Evaluation{
		Revision:      s.compiled.revision,
		Input:         x.json(),
		Read:          r.paths,
		Fired:         s.firedIn(r),
		BuiltinErrors: builtinErrors(r.problems),
	}
	switch {
	case err != nil:
		return ev, s.failure(ctx, x, r, err)
	case value == nil:
		return ev, engine.ErrUndefined
	}
	ev.Answer, err = answerOf(value)
	return ev, err
}

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
	// A bug of the evaluator that one input provokes must cost one call its
	// policy, not all calls the server.
	defer func() {
		if p := recover(); p != nil {
			value, err = nil, fmt.Errorf("the evaluation of %s broke off: %v", entryPoint, p)
		}
	}()
	// OPA's own way to watch a context is a goroutine per evaluation.
	cancel := topdown.NewCancel()
	stop := context.AfterFunc(ctx, cancel.Cancel)
	defer stop()
	r.documents.reset(s.mount.document)
	query := topdown.NewQuery(s.query).
		WithQueryCompiler(s.queryCompiler).
		WithCompiler(s.compiled.compiler).
		WithStore(s.mount).
		WithTransaction(r).
		WithInput(ast.NewTerm(x.value())).
		WithTime(x.at).
		WithSeed(&seedReader{seed: x.seed}).
		WithMetrics(metrics.NoOp()).
		WithCancel(cancel).
		WithRequestMetadata(noMetadata).
		WithBuiltins(r.builtins).
		WithVirtualCache(&r.answers).
		WithBaseCache(&r.documents).
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

// failure says in the engine's terms why an evaluation failed.
func (s *Set) failure(ctx context.Context, x *question, r *run, err error) error {
	var refused *collectionError
	switch {
	case errors.As(r.err, &refused):
		return s.locate(ctx, x, r, refused)
	case errors.Is(r.err, engine.ErrConflict):
		return r.err
	case r.err != nil:
		return fmt.Errorf("reading the history: %w", r.err)
	case topdown.IsCancel(err):
		return engine.ErrTimeout
	}
	return err
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

// maxBuiltinErrors bounds how many failures of builtins one evaluation reports.
const maxBuiltinErrors = 16

// builtinErrors are the failures that Rego takes as undefined, each once.
func builtinErrors(list []topdown.Error) []string {
	var out []string
	for i := range list {
		if text := list[i].Error(); len(out) < maxBuiltinErrors && !slices.Contains(out, text) {
			out = append(out, text)
		}
	}
	return out
}
