package policy

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"

	"switchboard/engine"
	"switchboard/engine/giveway"
	"switchboard/engine/policy/finding"
)

// agree asks a set's plan and OPA's own evaluator the same questions before the
// set may go live. Where they differ in anything, be it only in what they read,
// OPA's evaluator is the one that serves: it is the measure of what a policy
// means.
func (s *smoker) agree(ctx context.Context, set *Set, questions []engine.Question) (f finding.List) {
	for _, q := range questions {
		giveway.Now()
		if ctx.Err() != nil || set.program == nil {
			break
		}
		difference := s.difference(ctx, set, q)
		if difference == "" || ctx.Err() != nil {
			continue
		}
		set.program = nil
		cause := fmt.Sprintf("a call to %s differs by %s", q.DID.Canonical, difference)
		s.opts.Log.Warn("the compiled plan differs from OPA's own evaluator, which answers instead",
			"revision", set.Revision(), "difference", cause)
		f.Warn(slowly(cause))
	}
	return f
}

// difference names what the two evaluators do not agree on, for one question in
// one sight of the history; empty where they agree, and where either could not
// be heard out.
func (s *smoker) difference(ctx context.Context, set *Set, q engine.Question) string {
	slow := *set
	slow.program = nil
	var fast, sure outcome
	err := s.look(ctx, func(ctx context.Context, view engine.View) {
		fast.Evaluation, fast.err = s.bounded(ctx, set, q, view)
		if !unheard(fast.err) {
			sure.Evaluation, sure.err = s.bounded(ctx, &slow, q, view)
		}
	})
	if err != nil || unheard(fast.err) || unheard(sure.err) {
		return ""
	}
	return differ(fast, sure)
}

// unheard reports whether an evaluation ended for what is no fault of a policy.
func unheard(err error) bool {
	return errors.Is(err, engine.ErrTimeout) || errors.Is(err, engine.ErrConflict)
}

// differ compares two outcomes of the same question. The order in which rules
// came true and the history was read is the evaluator's own affair.
func differ(a, b outcome) string {
	switch {
	case !reflect.DeepEqual(a.Answer, b.Answer):
		return "the answer"
	case (a.err == nil) != (b.err == nil), a.err != nil && a.err.Error() != b.err.Error():
		return "the error"
	case !slices.Equal(sorted(a.Read), sorted(b.Read)):
		return "what is read of the history"
	case !slices.Equal(sorted(a.BuiltinErrors), sorted(b.BuiltinErrors)):
		return "the builtins that failed"
	case !slices.Equal(places(a.Fired), places(b.Fired)):
		return "the rules that come true"
	}
	return ""
}

func sorted[T cmp.Ordered](list []T) []T {
	list = slices.Clone(list)
	slices.Sort(list)
	return list
}

// places are where rules stand, in order.
func places(fired []engine.Fired) []string {
	list := make([]string, len(fired))
	for i, f := range fired {
		list[i] = fmt.Sprintf("%s:%d", f.File, f.Line)
	}
	slices.Sort(list)
	return list
}
