package policy

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/open-policy-agent/opa/v1/topdown"

	"switchboard/engine"
	"switchboard/engine/giveway"
	"switchboard/engine/policy/finding"
)

// Smoke evaluation asks a set that passed everything static about real calls:
// every DID of its directory and the calls that came in lately. Where there are
// neither it asks about one call all the same.
//
// It refuses a set that fails (an error, a timeout, an answer that would not be
// given to the provider) where the active set answers the same question; with
// Checks.Strict also one that fails on every question where nothing is active.
// Other failures are warnings, as is undefined: a set may well leave a call to
// the fallback, and one that was no better before is no reason to keep it.

// smokeCallers call in the questions about DIDs: persons like any others. There
// are two, because one may be the very person that a set forwards to.
var smokeCallers = [...]string{"9000000001", "9000000002"}

// sampleDID is called where there is nothing else to ask about: no directory, and
// no call so far. It is the one of the provider's documentation. To leave it to
// the fallback is no fault, for nobody may own it.
const sampleDID = "918645658689"

// smokeDIDs is how many DIDs are tried in any case, and smokeTime for how long
// those of a larger directory are, which may be all of them; smokeProblems bounds
// how many failures are named.
const (
	smokeDIDs     = 1000
	smokeTime     = 500 * time.Millisecond
	smokeProblems = 10
	smokeTries    = 3
)

func smoke(ctx context.Context, set *Set, opts Options, checks Checks) (f finding.List) {
	ctx, stop := context.WithTimeout(ctx, opts.TestTimeout)
	defer stop()
	s := smoker{opts: opts, view: checks.View}
	questions := s.questions(smokeOrder(set, checks.Active), checks.Recent)
	sample := len(questions) == 0
	if sample {
		questions = s.questions([]string{sampleDID}, nil)
	}
	must := len(questions)
	if more := len(set.compiled.dids) - smokeDIDs; more > 0 {
		must -= more
	}
	f.Add(s.agree(ctx, set, questions[:must]))
	var failures []engine.Problem
	asked := 0
	enough := time.Now().Add(smokeTime)
	for i, q := range questions {
		giveway.Every(4, i)
		if i >= must && !checks.Strict && time.Now().After(enough) {
			f.Warn(engine.Problem{Code: finding.CodeSmoke,
				Message: fmt.Sprintf("the directory has %d DIDs, and not all were tried: those with another entry than before came first, then some from all over it", len(set.compiled.dids)),
				Hint:    "switchboard check tries them all"})
			break
		}
		if ctx.Err() != nil {
			f.Warn(engine.Problem{Code: finding.CodeSmoke, Message: fmt.Sprintf("smoke evaluation was stopped after %s: %d of %d calls were tried", opts.TestTimeout, asked, len(questions))})
			break
		}
		d, found := s.decide(ctx, set, q)
		if ctx.Err() != nil {
			continue // stopped on the way
		}
		asked++
		if d.Cause == "" {
			continue
		}
		problem := problemOf(q, d, found)
		if d.Cause == engine.CauseUndefined {
			if !sample {
				f.Warn(problem)
			}
			continue
		}
		if checks.Active != nil {
			if before, _ := s.decide(ctx, checks.Active, q); before.Cause == "" {
				problem.Hint = strings.TrimPrefix(problem.Hint+"; the set that serves now answers this call", "; ")
				f.Fail(problem)
				if len(f.Errors) > smokeProblems {
					break // refused; the rest adds nothing
				}
				continue
			}
		}
		problem.Hint = strings.TrimPrefix(problem.Hint+"; meanwhile the fallback answers such calls", "; ")
		failures = append(failures, problem)
	}
	if checks.Active == nil && checks.Strict && asked > 0 && len(failures) == asked {
		f.Errors, failures = append(f.Errors, failures...), nil
	}
	f.Warnings = append(f.Warnings, failures...)
	f.Errors, f.Warnings = few(f.Errors), few(f.Warnings)
	return f
}

// few keeps a set that fails everywhere from drowning its report.
func few(list []engine.Problem) []engine.Problem {
	if len(list) <= smokeProblems {
		return list
	}
	more := engine.Problem{Code: finding.CodeSmoke, Message: fmt.Sprintf("further calls that fail like these: %d", len(list)-smokeProblems)}
	return append(slices.Clone(list[:smokeProblems]), more)
}

type smoker struct {
	opts Options
	view func(context.Context) (engine.View, error)
}

// questions are those about recent calls, and those about DIDs: the first of them
// and the recent ones come before all others.
func (s *smoker) questions(dids []string, recent []engine.Question) []engine.Question {
	now := time.Now()
	out := make([]engine.Question, 0, len(dids)+len(recent))
	for i, did := range dids {
		if i == smokeDIDs {
			out = append(out, recent...)
		}
		out = append(out, engine.Question{
			CallID: "smoke-" + did, Caller: s.opts.Numbers.Person(smokeCallers[0]), DID: s.opts.Numbers.DID(did), At: now,
		})
	}
	if len(dids) <= smokeDIDs {
		out = append(out, recent...)
	}
	return out
}

// smokeOrder is the order in which a directory's DIDs are tried, of which the
// last may not be: those first whose entry is another one than in the set that
// serves, then the others from all over the directory.
func smokeOrder(set, active *Set) []string {
	dids := slices.Sorted(maps.Keys(set.compiled.dids))
	if len(dids) <= smokeDIDs {
		return dids
	}
	others := dids
	out := make([]string, 0, len(dids))
	if active != nil && active.compiled.documents != set.compiled.documents {
		others = nil
		was, is := didsIn(active.compiled.data), didsIn(set.compiled.data)
		for _, did := range dids {
			if before, known := was[did]; known && reflect.DeepEqual(before, is[did]) {
				others = append(others, did)
			} else {
				out = append(out, did)
			}
		}
	}
	// Every n-th, then those behind each of them, and so on.
	step := len(others)/smokeDIDs + 1
	for offset := range step {
		for i := offset; i < len(others); i += step {
			out = append(out, others[i])
		}
	}
	return out
}

// outcome is an evaluation and how it failed.
type outcome struct {
	engine.Evaluation
	err error
}

// decide asks a set as the router would, without a fallback. To forward a call
// to the caller is a fault of this call, not of the set, unless another caller
// fares no better: who rang from the phone of the person that is to answer must
// not keep an edit from going live.
func (s *smoker) decide(ctx context.Context, set *Set, q engine.Question) (engine.Decision, outcome) {
	d, o := s.decideOne(ctx, set, q)
	for _, other := range smokeCallers {
		if o.err != nil || !q.Caller.Valid || s.opts.Numbers.Person(o.Answer.Number).E164 != q.Caller.E164 {
			break
		}
		q.Caller = s.opts.Numbers.Person(other)
		d, o = s.decideOne(ctx, set, q)
	}
	return d, o
}

// decideOne asks for one caller. What may be the moment's fault (a busy
// history, a busy machine) is tried again.
func (s *smoker) decideOne(ctx context.Context, set *Set, q engine.Question) (engine.Decision, outcome) {
	judge := engine.Judge{Numbers: s.opts.Numbers}
	var o outcome
	for range smokeTries {
		o.Evaluation, o.err = s.evaluate(ctx, set, q)
		if !errors.Is(o.err, engine.ErrConflict) && !errors.Is(o.err, engine.ErrTimeout) {
			break
		}
	}
	if errors.Is(o.err, engine.ErrConflict) {
		return engine.Decision{}, o // no sight of the history says nothing about the set
	}
	return judge.Decide(q, o.Evaluation, o.err, set.IsDID), o
}

func (s *smoker) evaluate(ctx context.Context, set *Set, q engine.Question) (ev engine.Evaluation, err error) {
	if failed := s.look(ctx, func(ctx context.Context, view engine.View) { ev, err = s.bounded(ctx, set, q, view) }); failed != nil {
		return engine.Evaluation{}, engine.ErrConflict
	}
	return ev, err
}

// look hands a sight of the history on, nil for an empty one.
func (s *smoker) look(ctx context.Context, do func(context.Context, engine.View)) error {
	if s.view == nil {
		do(ctx, nil)
		return nil
	}
	view, err := s.view(ctx)
	if err != nil {
		return err
	}
	defer view.Close()
	do(ctx, view)
	return nil
}

// bounded evaluates within a call's time.
func (s *smoker) bounded(ctx context.Context, set *Set, q engine.Question, view engine.View) (engine.Evaluation, error) {
	ctx, stop := context.WithTimeout(ctx, s.opts.PolicyDeadline)
	defer stop()
	return set.Evaluate(ctx, q, view)
}

// mends are what helps against a decision that is not used, by its cause.
var mends = map[engine.Cause]string{
	engine.CauseLoop:    "forward to a person's number: a DID is where calls come in",
	engine.CauseInvalid: "check its digits, and each field's type: a number is text in quotes, call_timeout whole seconds",
	engine.CauseTimeout: "look things up by key in data files instead of going through lists of them",
}

// problemOf tells what happened to a question, at the rule that answered where
// that is known.
func problemOf(q engine.Question, d engine.Decision, o outcome) engine.Problem {
	p := engine.Problem{Code: finding.CodeSmoke}
	for _, rule := range o.Fired {
		if rule.Rule == entryPoint {
			p.File, p.Line = rule.File, rule.Line
		}
	}
	var broke *topdown.Error
	if errors.As(o.err, &broke) {
		p = finding.At(broke.Location, p)
		d.Detail = finding.Flat(broke.Message)
	}
	what := "a call to " + q.DID.Canonical
	if d.Cause == engine.CauseUndefined {
		p.Message = what + " gets no answer from the policies: " + entryPoint + " is undefined, so the fallback would answer"
		p.Hint = "give decision a last `else` or a default that covers it"
		return p
	}
	p.Message = fmt.Sprintf("%s fails (%s): %s", what, d.Cause, engine.Mask(d.Detail))
	p.Hint = cmp.Or(mend(o.err), mends[d.Cause])
	return p
}
