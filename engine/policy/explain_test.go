package policy

import (
	"context"
	"strings"
	"testing"
	"time"

	"switchboard/engine"
)

func explained(t *testing.T, s *Set, view engine.View) []string {
	t.Helper()
	out, err := whatIf(t.Context(), s, Options{}, engine.WhatIf{Question: testQuestion(), Explain: true}, view)
	if err != nil {
		t.Fatal(err)
	}
	t.Log("\n" + strings.Join(out.Trace, "\n"))
	return out.Trace
}

// expectLines finds lines in a trace, in this order, by parts of their text.
func expectLines(t *testing.T, trace []string, want ...string) {
	t.Helper()
	at := 0
	for _, part := range want {
		for at < len(trace) && !strings.Contains(trace[at], part) {
			at++
		}
		if at == len(trace) {
			t.Fatalf("no line with %q where it belongs", part)
		}
		at++
	}
}

func TestExplain(t *testing.T) {
	s := compileSet(t, map[string]string{"routing/routing.rego": starterLike}, directoryData(3))
	trace := explained(t, s, sampleView(3))
	expectLines(t, trace,
		"try data.routing.decision (routing/routing.rego:33)",
		"try data.routing.blocked (routing/routing.rego:5)",
		`no  data.directory.blocked[input.caller_number] (routing/routing.rego:5)  where input.caller_number = "9988912345"`,
		"try data.routing.open (routing/routing.rego:7)",
		"ok  data.routing.open (routing/routing.rego:7)",
		`ok  data.routing.sticky = "9876543210" (routing/routing.rego:14)`,
		`ok  data.routing.decision = {"call_forwarding_number": `,
		`data.routing.decision = {`,
	)
	if len(trace) > 40 {
		t.Errorf("%d lines for a small policy", len(trace))
	}
	for _, line := range trace {
		if strings.Contains(line, firedBuiltin.Name) || strings.Contains(line, "__local") {
			t.Errorf("a line of machinery: %s", line)
		}
	}
}

func TestExplainWhyNot(t *testing.T) {
	s := routing(t, `
decision := {"call_forwarding_number": "9876543210"} if {
	call := data.history.callers[input.caller_number].last_answered
	call.status == "notanswered"
	input.time.hour >= 9
}
`)
	trace := explained(t, s, sampleView(1))
	expectLines(t, trace, "try data.routing.decision", `no  call.status == "notanswered" (routing/routing.rego:6)  where call.status = "answered"`, "data.routing.decision is undefined")
	trace = explained(t, s, sampleView(0))
	expectLines(t, trace, `no  call := data.history.callers[input.caller_number].last_answered (routing/routing.rego:5)`, "is undefined")
}

func TestExplainFailures(t *testing.T) {
	trace := explained(t, routing(t, `decision := {"reject": count(data.history.callers) > 0}`), sampleView(1))
	expectLines(t, trace, "failed: routing/routing.rego:3: data.history.callers cannot be read as a whole")
	trace = explained(t, routing(t, `decision := {"reject": true} if to_number("abc") == 1`), nil)
	expectLines(t, trace, "builtin failed, taken as undefined: routing/routing.rego:3", "data.routing.decision is undefined")
}

func TestExplainPrints(t *testing.T) {
	s := routing(t, `
decision := {"reject": true} if {
	print("seen", input.did, data.history.dids[input.did].in_flight)
}`)
	trace := explained(t, s, sampleView(1))
	expectLines(t, trace, "try data.routing.decision", "print seen 918645658689 1 (routing/routing.rego:5)", "ok  data.routing.decision")
	ev, err := s.Evaluate(t.Context(), testQuestion(), sampleView(1))
	if err != nil || len(ev.Read) > 0 {
		t.Errorf("a call's evaluation prints: it read %q, error %v", ev.Read, err)
	}
}

// A trace is for a person: it ends, however long the policy goes on.
func TestExplainIsBounded(t *testing.T) {
	s := routing(t, `
odd(n) if n % 2 == 1
decision := {"reject": true, "reason": sprintf("%d", [count([n | some n in numbers.range(1, 2000); odd(n)])])}`)
	trace := explained(t, s, nil)
	if len(trace) > maxTraceLines+5 {
		t.Errorf("%d lines", len(trace))
	}
	expectLines(t, trace, "lines more", `"1000"`)

	ctx, stop := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer stop()
	began := time.Now()
	r := routing(t, runaway)
	r.Walk(ctx, testQuestion(), nil)
	if took := time.Since(began); took > 500*time.Millisecond {
		t.Errorf("a runaway's trace took %v", took)
	}
}
