package policy

import (
	"context"
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"switchboard/engine"
	"switchboard/engine/policy/finding"
	"switchboard/engine/policy/mounted"
	"switchboard/policies"
)

func TestLoadGood(t *testing.T) {
	tree := goodTree().Overlay(map[string]string{"routing/routing_test.rego": `package routing_test

import data.routing

test_number if routing.decision.call_forwarding_number == "9876543210"

todo_test_later if false
`})
	set, report := Load(t.Context(), tree, testOptions(t), Checks{})
	if set == nil || !report.OK || len(report.Errors) != 0 || len(report.Warnings) != 0 {
		t.Fatalf("report is %+v", report)
	}
	if report.Tests.Passed != 1 || report.Tests.Skipped != 1 || report.Tests.Failed != 0 || report.Tests.Took <= 0 {
		t.Errorf("tests are %+v", report.Tests)
	}
	if report.Revision != tree.Revision() || set.Revision() != tree.Revision() || report.Took <= 0 || report.At.IsZero() {
		t.Errorf("report is %+v", report)
	}
	if !set.IsDID(calledDID) || set.IsDID("918645658690") {
		t.Error("the set does not know its DIDs")
	}
	if _, serves := set.compiled.modules["routing/routing_test.rego"]; serves {
		t.Error("the test file serves")
	}
	ev, err := set.Evaluate(t.Context(), testQuestion(), nil)
	if err != nil || ev.Answer.Number != receiverNumber {
		t.Errorf("answer %+v, error %v", ev.Answer, err)
	}
	if text, err := json.Marshal(report); err != nil || !strings.Contains(string(text), `"errors":[],"warnings":[]`) {
		t.Errorf("the JSON of no problems is %s (%v)", text, err)
	}
}

// The embedded starter set has to load without a word.
func TestLoadStarterSet(t *testing.T) {
	tree, err := FromFS(policies.Files)
	if err != nil {
		t.Fatal(err)
	}
	set, report := Load(t.Context(), tree, testOptions(t), Checks{})
	if set == nil || len(report.Warnings) > 0 {
		t.Fatalf("errors %v\nwarnings %v", lines(report.Errors), lines(report.Warnings))
	}
	if report.Tests.Passed == 0 {
		t.Error("it has no tests")
	}
}

// Errors of several files come together, in order of place, each time alike.
func TestReportIsOrdered(t *testing.T) {
	tree := Tree{
		"b/b.rego": []byte("package b\n\nx := input.callr\n\ny := input.didd\n"),
		"a/a.rego": []byte("package a\n\nx := input.callr\n"),
		"a/d.yaml": []byte("n: +919876543210\n"),
		"r/r.rego": []byte(goodRego),
	}
	var first []string
	for range 5 {
		_, report := Load(t.Context(), tree, testOptions(t), Checks{})
		got := lines(report.Errors)
		if len(got) != 4 || !strings.HasPrefix(got[0], "type a/a.rego:3") || !strings.HasPrefix(got[1], "data a/d.yaml:1") || !strings.HasPrefix(got[3], "type b/b.rego:5") {
			t.Fatalf("errors are %q", got)
		}
		if first == nil {
			first = got
		}
		if !slices.Equal(first, got) {
			t.Fatalf("another order: %q", got)
		}
	}
}

func TestReportIsBounded(t *testing.T) {
	var text strings.Builder
	text.WriteString("list:\n")
	for range 3 * finding.Max {
		text.WriteString("- +919876543210\n")
	}
	_, report := Load(t.Context(), goodTree().Overlay(map[string]string{"directory/x.yaml": text.String()}), testOptions(t), Checks{})
	if n := len(report.Errors); n != finding.Max+1 || report.Errors[finding.Max].Message != "and 200 more" {
		t.Errorf("%d errors, the last is %+v", n, report.Errors[n-1])
	}
}

// A set may read the mounted documents in every keyed way.
func TestKeyedReadsLoad(t *testing.T) {
	for name, body := range map[string]string{
		"call":           `data.history.calls[input.call_id].status == "answered"`,
		"constant":       `data.history.receivers["9876543210"].in_flight < 2`,
		"computed":       `n := sprintf("%s", [input.caller_number]); data.history.callers[n].totals.offered > 2`,
		"local":          `p := data.history.callers[input.caller_number]; p.days["2025-11-22"].talk_seconds > 1`,
		"list":           `some n in ["9876543210", "9876543211"]; data.history.receivers[n].in_flight == 0`,
		"every":          `every n in ["9876543210"] { data.history.receivers[n].unanswered_streak < 3 }`,
		"calls":          `some c in data.history.dids[input.did].calls; c.receiver_number == "9876543210"`,
		"first":          `data.history.dids[input.did].calls[0].ended_at > 5`,
		"any reason":     `data.history.dids[input.did].last_by_reason[_].status == "answered"`,
		"any field":      `some k in ["last_offered", "last_answered"]; data.history.dids[input.did][k].duration_seconds > 0`,
		"any day":        `some d; data.history.dids[input.did].days[d].answered > 3`,
		"object.get":     `object.get(data.history.callers[input.caller_number], "in_flight", 0) == 0`,
		"object.get way": `object.get(data.history.callers[input.caller_number], ["totals", "offered"], 0) == 0`,
		"negated":        `not data.history.callers[input.caller_number]`,
		"comprehension":  `n := "9876543210"; count([c | some c in data.history.receivers[n].calls; c.status == "in_flight"]) == 0`,
		"with":           `x := data.routing.seen with data.history as {"callers": {}}; x == 0`,
		"session":        `data.sessions[input.did][input.caller_number][0].parties[1] != ""`,
		"fact":           `data.facts.paused[input.caller_number]`,
		"fact computed":  `some c in ["paused", "busy"]; data.facts[c][input.did].until > 3`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tree := Tree{"routing/routing.rego": []byte("package routing\n\ndecision := {\"reject\": true} if {\n\t" + body +
				"\n}\n\nseen := count([1 | data.history.callers[input.caller_number]])\n\nany_of(n) := data.history.callers[n].calls[0]\n")}
			if _, report := Load(t.Context(), tree, testOptions(t), Checks{}); !report.OK {
				t.Errorf("refused: %q", lines(report.Errors))
			}
		})
	}
}

// The shapes that references are checked against are what the engine writes.
func TestShapesAreTheEnginesOwn(t *testing.T) {
	text, err := json.Marshal(sampleProfile(2))
	if err != nil {
		t.Fatal(err)
	}
	var doc any
	if err := json.Unmarshal(text, &doc); err != nil {
		t.Fatal(err)
	}
	sameShape(t, "profile", mounted.ProfileShape, doc)
}

func sameShape(t *testing.T, where string, s *mounted.Shape, doc any) {
	t.Helper()
	switch d := doc.(type) {
	case map[string]any:
		if s.Each == nil && !reflect.DeepEqual(s.Names(), sortedKeys(d)) {
			t.Errorf("%s has the fields %q, the lint knows %q", where, sortedKeys(d), s.Names())
			return
		}
		for k, v := range d {
			if s.Each != nil {
				sameShape(t, where+"[]", s.Each, v)
			} else {
				sameShape(t, where+"."+k, s.Fields[k], v)
			}
		}
	case []any:
		if !s.List {
			t.Errorf("%s is a list, the lint knows none", where)
		}
		for _, v := range d {
			sameShape(t, where+"[]", s.Each, v)
		}
	default:
		if !s.Leaf {
			t.Errorf("%s is a plain value, the lint knows %+v", where, s)
		}
	}
}

func sortedKeys(m map[string]any) []string {
	var out []string
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

func TestLoadInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	set, report := Load(ctx, goodTree(), testOptions(t), Checks{})
	if set != nil || report.OK || !strings.Contains(lines(report.Errors)[len(report.Errors)-1], "interrupted") {
		t.Errorf("report is %+v", report)
	}
}

func TestSlowTestsAreStopped(t *testing.T) {
	tree := goodTree().Overlay(map[string]string{"routing/routing_test.rego": `package routing_test

test_endless if {
	some a in numbers.range(1, 100000)
	some b in numbers.range(1, 100000)
	a * b == -1
}
`})
	o := testOptions(t)
	o.TestTimeout = 100 * time.Millisecond
	began := time.Now()
	set, report := Load(t.Context(), tree, o, Checks{})
	if set != nil || !strings.Contains(strings.Join(lines(report.Errors), "\n"), "the tests were stopped after") {
		t.Errorf("errors are %q", lines(report.Errors))
	}
	if took := time.Since(began); took > 20*time.Second {
		t.Errorf("it took %s", took)
	}
	// Without its tests the set is good: they are what was slow.
	if set, _ := Load(t.Context(), tree, o, Checks{SkipTests: true}); set == nil {
		t.Error("SkipTests runs the tests")
	}
}

// A failing builtin is undefined in Rego: a test may count on it, and is told.
func TestBuiltinErrorInTestWarns(t *testing.T) {
	tree := goodTree().Overlay(map[string]string{"routing/routing_test.rego": `package routing_test

test_no_number if not to_number("abc")

test_two if { not to_number("abc"); not time.clock([0, "Mars/Base"]) }

test_fails if to_number("abc")
`})
	_, report := Load(t.Context(), tree, testOptions(t), Checks{})
	if report.Tests.Passed != 2 || report.Tests.Failed != 1 || len(report.Errors) != 1 || report.Errors[0].Line != 7 {
		t.Errorf("tests %+v, errors %q", report.Tests, lines(report.Errors))
	}
	if len(report.Warnings) != 2 || !strings.Contains(report.Warnings[0].Message, "test_no_number passes, though a builtin failed") {
		t.Errorf("warnings are %q", lines(report.Warnings))
	}
}

func TestRunTests(t *testing.T) {
	tree := goodTree().Overlay(map[string]string{"routing/routing_test.rego": "package routing_test\n\nimport data.routing\n\n" +
		"test_a if { print(\"seen\"); routing.decision }\n\ntest_b if not routing.decision\n\ntodo_test_c if false\n"})
	run, report := Test(t.Context(), tree, testOptions(t), TestOptions{Coverage: true})
	if report.OK || len(run.Results) != 3 || run.Coverage == nil || run.Coverage.CoveredLines == 0 {
		t.Fatalf("run is %+v, report %+v", run, report)
	}
	var outcomes []string
	for _, r := range run.Results {
		outcomes = append(outcomes, r.Name+" "+r.Outcome)
	}
	want := []string{"data.routing_test.test_a pass", "data.routing_test.test_b fail", "data.routing_test.todo_test_c skip"}
	if !slices.Equal(outcomes, want) || run.Results[0].Output != "seen\n" || run.Results[1].Line != 7 {
		t.Errorf("results are %+v", run.Results)
	}
	if run, report := Test(t.Context(), tree, testOptions(t), TestOptions{Filter: "test_a$"}); !report.OK || len(run.Results) != 1 || run.Coverage != nil {
		t.Errorf("the filtered run is %+v", run)
	}
	if run, report := Test(t.Context(), Tree{}, testOptions(t), TestOptions{}); report.OK || run.Results != nil {
		t.Errorf("the run of nothing is %+v", run)
	}
}

func TestCapabilities(t *testing.T) {
	text, err := CapabilitiesJSON()
	if err != nil {
		t.Fatal(err)
	}
	var doc struct {
		Builtins []struct{ Name string }
		AllowNet []string `json:"allow_net"`
	}
	if err := json.Unmarshal(text, &doc); err != nil || doc.AllowNet == nil || len(doc.AllowNet) != 0 {
		t.Errorf("allow_net is %v, %v", doc.AllowNet, err)
	}
	names := map[string]bool{}
	for _, b := range doc.Builtins {
		names[b.Name] = true
	}
	for name := range outside {
		if names[name] {
			t.Errorf("%s is allowed", name)
		}
	}
	if !names["time.now_ns"] || !names["io.jwt.decode"] || len(names) < 150 {
		t.Errorf("only %d builtins are left", len(names))
	}
}

var _ engine.Evaluator = (*Manager)(nil)
