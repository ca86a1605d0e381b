package policy

import (
	"context"
	"errors"
	"fmt"
	"slices"

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
	value, err := s.answer(ctx, x, r)
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
