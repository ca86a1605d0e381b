package policy

import (
	"strings"
	"testing"

	"switchboard/engine"
)

func steps(t *testing.T, s *Set, view engine.View) []engine.Step {
	t.Helper()
	out, err := whatIf(t.Context(), s, Options{}, engine.WhatIf{Question: testQuestion(), Explain: true}, view)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range out.Steps {
		t.Log(s.Text)
	}
	return out.Steps
}

// expectSteps holds steps to their texts, in order.
func expectSteps(t *testing.T, got []engine.Step, want ...string) {
	t.Helper()
	for i, s := range got {
		if i < len(want) && s.Text != want[i] {
			t.Errorf("step %d is\n  %s\nwant\n  %s", i, s.Text, want[i])
		}
		if s.Answered && i != len(got)-1 {
			t.Errorf("step %d of %d answered, and others came behind it", i, len(got))
		}
	}
	if len(got) != len(want) {
		t.Errorf("%d steps, want %d", len(got), len(want))
	}
}

// chained is a set as people write them: a chain of recipes.
func chained(t *testing.T) *Set {
	return compileSet(t, map[string]string{
		"routing/routing.rego": `package routing

import data.recipes

decision := answer

answer := "hook" if input.never

else := recipes.blocklist.decision if recipes.blocklist.blocked # who is listed

else := recipes.hours.decision if data.directory.hours

else := recipes.sticky.attempt if data.directory.sticky

else := {"call_forwarding_number": "9876543219", "reason": "last_resort"} if input.did
`,
		"recipes/blocklist/blocklist.rego": `package recipes.blocklist

decision := {"reject": true, "reason": "blocked"} if blocked

blocked if input.caller_number in data.directory.blocked
`,
		"recipes/hours/hours.rego": `package recipes.hours

decision := {"call_forwarding_number": "9876543218", "reason": "after_hours"} if {
	data.directory.hours
	not open
}

open if input.time.hour >= 9
`,
		"recipes/sticky/sticky.rego": `package recipes.sticky

attempt := {"call_forwarding_number": candidate, "reason": "sticky"} if candidate

candidate := last.receiver_number if {
	last.receiver_number in data.directory.team # else: the receiver left the team
}

last := call if {
	call := data.history.callers[input.caller_number].last_answered
	call.did == input.did
}
`,
	}, map[string]any{"directory": map[string]any{
		"blocked": []any{"9000000001"}, "hours": true, "sticky": true, "team": []any{"9876543211"},
	}})
}

func TestStepsOfAChain(t *testing.T) {
	s := chained(t)
	got := steps(t, s, sampleView(3))
	expectSteps(t, got,
		"not blocklist: `input.caller_number in data.directory.blocked` does not hold (input.caller_number = \"9988912345\"), recipes/blocklist/blocklist.rego:5",
		"not hours: `not open` does not hold, recipes/hours/hours.rego:5",
		"not sticky: the receiver left the team, recipes/sticky/sticky.rego:6",
		"last_resort answered 9876543219 (last_resort): data.routing.answer, routing/routing.rego:15",
	)
	sticky := got[2]
	if b := sticky.Because; sticky.Rule != "data.routing.answer" || sticky.File != "routing/routing.rego" || sticky.Line != 13 ||
		b.Rule != "data.recipes.sticky.candidate" || b.Author != "the receiver left the team" {
		t.Errorf("%+v because %+v", sticky, sticky.Because)
	}
}

func TestStepsFollowAnAnswerToItsRule(t *testing.T) {
	s := chained(t)
	view := sampleView(3)
	view.profiles[engine.Callers][callerNumber].LastAnswered.Receiver = "9876543211"
	got := steps(t, s, view)
	if last := got[len(got)-1]; !last.Answered || last.Name != "sticky" || last.Because.File != "recipes/sticky/sticky.rego" || last.Because.Line != 3 {
		t.Errorf("the last step is %+v because %+v", last, last.Because)
	}
}

// What nothing answers is explained by the steps all the same.
func TestStepsWithoutAnAnswer(t *testing.T) {
	s := compileSet(t, map[string]string{"routing/routing.rego": `package routing

decision := answer

answer := first if input.did

else := second if input.did

else := {"reject": true} if input.caller.anonymous

first := {"call_forwarding_number": n} if n := data.directory.first[input.did]

second := {"call_forwarding_number": n} if {
	some n in data.directory.team
	n == input.caller_number
}
`}, map[string]any{"directory": map[string]any{"first": map[string]any{"1": "2"}, "team": []any{"9876543210"}}})
	expectSteps(t, steps(t, s, nil),
		"not first: `data.directory.first[input.did]` is not there (input.did = \"918645658689\"), routing/routing.rego:11",
		"not second: `n == input.caller_number` does not hold (input.caller_number = \"9988912345\", n = \"9876543210\"), routing/routing.rego:15",
		"not reject: `input.caller.anonymous` does not hold (input.caller.anonymous = false), routing/routing.rego:9",
	)
}

func TestStepsOfOneRule(t *testing.T) {
	s := routing(t, `decision := {"call_forwarding_number": "9876543210"} if input.time.hour > 20`)
	expectSteps(t, steps(t, s, nil),
		"not decision: `input.time.hour > 20` does not hold (input.time.hour = 14), routing/routing.rego:3")
	s = routing(t, `decision := {"call_forwarding_number": "9876543210"}`)
	expectSteps(t, steps(t, s, nil), "decision answered 9876543210: data.routing.decision, routing/routing.rego:3")
}

// A policy that runs away, or answers what is no answer, is explained as far as
// it goes.
func TestStepsOfTheOdd(t *testing.T) {
	for _, body := range []string{
		`decision := "text"`,
		`decision contains 1`,
		`decision := {"reject": count([x | some x in numbers.range(1, 3000); odd(x)]) > 3}` + "\nodd(x) if x % 2 == 1",
		`decision := {"reject": to_number("abc") == 1}`,
	} {
		for _, s := range steps(t, routing(t, body), nil) {
			if strings.Contains(s.Text, "__local") || strings.Contains(s.Text, firedBuiltin.Name) {
				t.Errorf("a step of machinery: %s", s.Text)
			}
		}
	}
}

// A function that is asked again with other arguments begins its branches anew;
// only those of the answer's own way are told.
func TestStepsOfAFunctionAskedTwice(t *testing.T) {
	s := routing(t, `
decision := answer if not answer.in_vain

else := second

answer := step({"n": 1})

second := step({"n": 2})

step(e) := {"in_vain": true} if e.n == 1

else := {"reject": true, "reason": "never"} if e.n == 7

else := {"call_forwarding_number": "9876543210", "reason": "two"} if e.n == 2
`)
	got := steps(t, s, nil)
	expectSteps(t, got,
		"not answer: `not answer.in_vain` does not hold (it is {\"in_vain\": true}), routing/routing.rego:4",
		"not step: `e.n == 1` does not hold (e.n = 2), routing/routing.rego:12",
		"not never: `e.n == 7` does not hold (e.n = 2), routing/routing.rego:14",
		"two answered 9876543210 (two): data.routing.step, routing/routing.rego:16",
	)
}

// What the author wrote stands behind the last line of a condition, and the
// innermost that has a word of its author's is told.
func TestStepsSayWhatTheAuthorSays(t *testing.T) {
	s := compileSet(t, map[string]string{"routing/routing.rego": `package routing

decision := sticky if usable # else: nobody to be sticky to

else := {"reject": true} if input.did

sticky := {"call_forwarding_number": "9876543210"}

usable if {
	input.time.hour in [
		1,
		2,
	] # else: only by night
}
`}, nil)
	got := steps(t, s, nil)
	expectSteps(t, got,
		"not sticky: only by night, routing/routing.rego:10",
		"reject answered with a rejection: data.routing.decision, routing/routing.rego:5",
	)
	if w := got[0].Because.Where; w["input.time.hour"] != "14" {
		t.Errorf("where %v", w)
	}
}

// Without a value and with one that is too long to say anything, too.
func TestStepsLeaveOutWhatIsLong(t *testing.T) {
	s := routing(t, `
decision := {"reject": true} if {
	list := numbers.range(1, 200)
	some n in list
	n > 900
}`)
	got := steps(t, s, nil)
	if len(got) != 1 || got[0].Because.Where["list"] != "" || len(got[0].Text) > 300 {
		t.Errorf("%+v", got)
	}
}
