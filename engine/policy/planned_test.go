package policy

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"

	"switchboard/engine"
	"switchboard/engine/policy/finding"
	"switchboard/engine/policy/plan"
	"switchboard/policies"
)

// slow is a set that OPA's own evaluator answers for.
func slow(s *Set) *Set {
	cpy := *s
	cpy.program = nil
	return &cpy
}

// agreed asks both evaluators a question and fails where they differ.
func agreed(t testing.TB, s *Set, q engine.Question, view func() engine.View) outcome {
	t.Helper()
	var fast, sure outcome
	fast.Evaluation, fast.err = s.Evaluate(t.Context(), q, view())
	sure.Evaluation, sure.err = slow(s).Evaluate(t.Context(), q, view())
	if what := differ(fast, sure); what != "" {
		t.Errorf("they differ by %s\nplan: %+v %v\nOPA:  %+v %v", what, fast.Evaluation, fast.err, sure.Evaluation, sure.err)
	}
	return sure
}

func TestStarterSetIsPlanned(t *testing.T) {
	tree, err := FromFS(policies.Files)
	if err != nil {
		t.Fatal(err)
	}
	set, report := Load(t.Context(), tree, testOptions(t), Checks{SkipTests: true})
	if set == nil || !set.Planned() || len(report.Warnings) > 0 {
		t.Errorf("OPA's evaluator answers: %v %v", lines(report.Errors), lines(report.Warnings))
	}
}

// Every trial policy of the trap comes to the same by both evaluators, with the
// same rules and reads.
func TestBothEvaluatorsFallIntoNoTrap(t *testing.T) {
	for _, c := range traps {
		for _, rules := range trapRules {
			t.Run(c.name+"/"+rules.name, func(t *testing.T) {
				text := strings.ReplaceAll(c.rego, "hit if", rules.head) + rules.more + rules.decision
				if c.name == "import" {
					text = "import data.history.callers\n\n" + text
				}
				agreed(t, routing(t, text), testQuestion(), func() engine.View { return sampleView(3) })
			})
		}
	}
}

// What the plan gives up, OPA's evaluator answers, as if it had been asked alone.
func TestOPAHasTheLastWordOnErrors(t *testing.T) {
	for name, rego := range map[string]string{
		"conflict":            "decision := {\"reject\": true} if input.did\ndecision := {\"reject\": false} if input.did",
		"conflict below":      "x := 1 if input.did\nx := 2 if input.call_id\ndecision := {\"reject\": true} if x",
		"keys":                "x := {k: v | some k in [\"a\"]; some v in [1, 2]}\ndecision := {\"reject\": true} if x.a",
		"collection":          "decision := {\"reject\": true} if count(data.history.callers) > 0",
		"collection in a not": "decision := {\"reject\": true} if not data.history.callers[_].in_flight == 9",
		"facts":               "decision := {\"reject\": true} if data.facts[\"x\"]",
	} {
		t.Run(name, func(t *testing.T) {
			s, err := tryCompile(t, map[string]string{"routing/routing.rego": "package routing\n\n" + rego}, nil)
			if err != nil {
				t.Skip(err)
			}
			if o := agreed(t, s, testQuestion(), func() engine.View { return sampleView(1) }); o.err == nil {
				t.Errorf("answers %+v", o.Answer)
			}
		})
	}
}

// brokenPlan is a program that says something else than its set.
func brokenPlan(t *testing.T, set *Set, rego string) {
	t.Helper()
	set.program = routing(t, rego).program
}

func TestADifferingPlanDoesNotServe(t *testing.T) {
	for name, c := range map[string]struct{ rego, plan, want string }{
		"answer": {`decision := {"reject": true}`, `decision := {"reject": true, "reason": "x"}`, "the answer"},
		"error":  {`decision := {"reject": true}`, `decision := {"reject": true} if input.did == "1"`, "the answer"},
		"reads":  {`decision := {"reject": true}`, `decision := {"reject": true} if not data.history.calls.none`, "what is read"},
		"problems": {`decision := {"reject": true}`, `decision := {"reject": true} if not to_number("x")`,
			"the builtins that failed"},
		"rules": {"x if input.did\n\ndecision := {\"reject\": true} if x", "x if input.did\n\ndecision := {\"reject\": true}", "the rules"},
	} {
		t.Run(name, func(t *testing.T) {
			set := routing(t, c.rego)
			brokenPlan(t, set, c.plan)
			s := smoker{opts: testOptions(t).withDefaults()}
			found := s.agree(t.Context(), set, []engine.Question{testQuestion()})
			if len(found.Warnings) != 1 || !strings.Contains(found.Warnings[0].Message, c.want) || found.Failed() {
				t.Errorf("found %+v, want one warning of %s", found, c.want)
			}
			if set.Planned() {
				t.Error("the plan still answers")
			}
			if ev, err := set.Evaluate(t.Context(), testQuestion(), nil); err != nil || !ev.Answer.Reject || ev.Answer.Reason != "" {
				t.Errorf("answers %+v, %v", ev.Answer, err)
			}
		})
	}
}

func TestASlowPlanIsNoDifference(t *testing.T) {
	o := testOptions(t).withDefaults()
	o.PolicyDeadline = 10 * time.Millisecond
	s := smoker{opts: o}
	set := routing(t, runaway)
	if found := s.agree(t.Context(), set, []engine.Question{testQuestion()}); len(found.Warnings) > 0 || !set.Planned() {
		t.Errorf("found %+v", found)
	}
}

// A set that the planner does not know how to plan goes live all the same.
func TestUnplannedSetsLoad(t *testing.T) {
	tree := Tree{"routing/routing.rego": []byte(unplannable)}
	set, report := Load(t.Context(), tree, testOptions(t), Checks{})
	if set == nil {
		t.Fatal(lines(report.Errors))
	}
	if set.Planned() {
		t.Skip("OPA's planner has learnt this; find another set that it can't plan")
	}
	if len(report.Warnings) != 1 || report.Warnings[0].Code != finding.CodePlan {
		t.Errorf("warnings %q", lines(report.Warnings))
	}
	if ev, err := set.Evaluate(t.Context(), testQuestion(), nil); err != nil || ev.Answer.Reason != "deep" {
		t.Errorf("answers %+v, %v", ev.Answer, err)
	}
}

// unplannable has rules that share a path and refer to each other.
const unplannable = `package routing

table.first[x] := 1 if some x in ["a"]

table[k].b := table.first.a if some k in ["second"]

decision := {"reject": true, "reason": "deep"} if table.second.b == 1
`

func TestRuleIndexKnowsItsRules(t *testing.T) {
	s := routing(t, "decision := {\"reject\": true} if input.did == \"1\" else := {\"reject\": false}")
	var index plan.Rules = ruleIndex{s}
	entry := ast.MustParseRef(entryPoint)
	rules := s.compiled.compiler.GetRules(entry)
	if n := index.Number(rules[0]); n < 0 || index.Number(rules[0].Else) != n+1 || index.Number(&ast.Rule{}) >= 0 {
		t.Errorf("numbers %d, %d", n, index.Number(rules[0].Else))
	}
	if index.Index(entry) == nil || index.Index(entry[:2]) != nil {
		t.Error("the wrong names have an index")
	}
}

func TestAPlanThatPanicsCostsItsSpeedOnly(t *testing.T) {
	s := routing(t, `decision := {"reject": true} if data.history.calls[input.call_id]`)
	view := sampleView(1)
	view.onRead = nil
	// The view panics in the plan's hands and not in OPA's.
	panics := panickyView{fakeView: view, left: 1}
	ev, err := s.Evaluate(t.Context(), testQuestion(), &panics)
	if !errors.Is(err, engine.ErrUndefined) || panics.left != 0 {
		t.Errorf("answers %+v, %v", ev.Answer, err)
	}
}

type panickyView struct {
	*fakeView
	left int
}

func (v *panickyView) Call(id string) (*engine.Call, error) {
	if v.left > 0 {
		v.left--
		panic("a bug")
	}
	return v.fakeView.Call(id)
}
