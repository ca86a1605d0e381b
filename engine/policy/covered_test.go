package policy

import (
	"strings"
	"testing"
)

func TestRulesThatNoTestCovers(t *testing.T) {
	tree := Tree{
		"routing/routing.rego": []byte(`package routing

default limit := 5

decision := {"call_forwarding_number": "9876543210"} if {
	input.did == "1"
} else := {"reject": true} if {
	input.did == "2"
} else := {"call_forwarding_number": spare}

spare := "9876543211"

spare_of(x) := x if {
	x > limit
}
`),
		"routing/routing_test.rego": []byte(`package routing_test

test_first if data.routing.decision.call_forwarding_number with input as {"did": "1"}
`),
	}
	got := func(tree Tree, coverage bool) []string {
		var results int
		set, report := Load(t.Context(), tree, testOptions(t), Checks{Coverage: coverage, Results: func(run TestRun) { results = len(run.Results) }})
		if set == nil || results != report.Tests.Passed {
			t.Fatalf("errors %q, %d results", lines(report.Errors), results)
		}
		return lines(report.Warnings)
	}
	want := []string{
		"test routing/routing.rego:7 no test covers the else of data.routing.decision | add a test",
		"test routing/routing.rego:9 no test covers the else of data.routing.decision",
		"test routing/routing.rego:11 no test covers data.routing.spare",
		"test routing/routing.rego:13 no test covers data.routing.spare_of",
	}
	lines := got(tree, true)
	if len(lines) != len(want) {
		t.Fatalf("warned of %q", lines)
	}
	for i, w := range want {
		if !strings.HasPrefix(lines[i], w) {
			t.Errorf("warned of %q, want %q", lines[i], w)
		}
	}
	if quiet := got(tree, false); len(quiet) != 0 {
		t.Errorf("a reload warns of %q", quiet)
	}
	delete(tree, "routing/routing_test.rego")
	if none := got(tree, true); len(none) != 1 || !strings.HasPrefix(none[0], "test - the set has no tests") {
		t.Errorf("without tests it warns of %q", none)
	}
}
