package policy

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/open-policy-agent/opa/v1/ast"

	"switchboard/engine"
)

func TestAnswer(t *testing.T) {
	number := engine.Answer{Number: "9876543210"}
	for _, c := range []struct {
		name, rego string
		want       engine.Answer
	}{
		{"number alone", `{"call_forwarding_number": "9876543210"}`, number},
		{"everything", `{"call_forwarding_number": "+91 98765 43210", "call_timeout": 30, "reason": "sticky", "reject": false,
			"tags": {"team": "support"}, "skipped": [{"number": "9876543211", "why": "busy"}]}`,
			engine.Answer{Number: "+91 98765 43210", Timeout: 30, Reason: "sticky", Tags: map[string]string{"team": "support"},
				Skipped: []engine.Skipped{{Number: "9876543211", Why: "busy"}}}},
		{"reject", `{"reject": true}`, engine.Answer{Reject: true}},
		{"reject with a reason", `{"reject": true, "reason": "blocked"}`, engine.Answer{Reject: true, Reason: "blocked"}},
		{"whole number with a point", `{"call_forwarding_number": "9876543210", "call_timeout": 12.0}`, engine.Answer{Number: "9876543210", Timeout: 12}},
		{"whole number with an exponent", `{"call_forwarding_number": "9876543210", "call_timeout": 1e2}`, engine.Answer{Number: "9876543210", Timeout: 100}},
		{"no timeout", `{"call_forwarding_number": "9876543210", "call_timeout": 0}`, number},
		{"longest timeout", `{"call_forwarding_number": "9876543210", "call_timeout": 86400}`, engine.Answer{Number: "9876543210", Timeout: 86400}},
		{"unknown fields", `{"call_forwarding_number": "9876543210", "debug": {"x": [1]}, 5: 6}`, number},
		{"skipped as a set", `{"call_forwarding_number": "9876543210", "skipped": {{"number": "2", "why": "b"}, {"number": "1", "why": "a"}}}`,
			engine.Answer{Number: "9876543210", Skipped: []engine.Skipped{{Number: "1", Why: "a"}, {Number: "2", Why: "b"}}}},
		{"skipped without a reason", `{"call_forwarding_number": "9876543210", "skipped": [{"number": "1"}]}`,
			engine.Answer{Number: "9876543210", Skipped: []engine.Skipped{{Number: "1"}}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := answerOf(ast.MustParseTerm(c.rego).Value)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestAnswerThatBreaksTheContract(t *testing.T) {
	const n = `"call_forwarding_number": "9876543210", `
	for rego, want := range map[string]string{
		`"9876543210"`:                                      "data.routing.decision must be an object",
		`null`:                                              "but it is null",
		`[{"reject": true}]`:                                "but it is an array",
		`{}`:                                                "has no call_forwarding_number",
		`{"reject": false}`:                                 "has no call_forwarding_number",
		`{"call_forwarding_number": ""}`:                    "has no call_forwarding_number",
		`{"call_forwarding_number": 98.5}`:                  "call_forwarding_number must be a string, but it is a number",
		`{"call_forwarding_number": null}`:                  "call_forwarding_number must be a string, but it is null",
		`{"reject": "true"}`:                                "reject must be true or false, but it is a string",
		`{"reject": true, "reason": 5}`:                     "reason must be a string, but it is a number",
		`{` + n + `"call_timeout": 12.5}`:                   "call_timeout must be an integer from 0 to 86400 seconds, but it is 12.5",
		`{` + n + `"call_timeout": -1}`:                     "but it is -1",
		`{` + n + `"call_timeout": 86401}`:                  "but it is 86401",
		`{` + n + `"call_timeout": 1e400}`:                  "but it is 1e400",
		`{` + n + `"call_timeout": "30"}`:                   "call_timeout must be an integer from 0 to 86400 seconds, but it is a string",
		`{` + n + `"tags": ["a"]}`:                          "tags must be an object of strings, but it is an array",
		`{` + n + `"tags": {"a": 1}}`:                       `tags["a"] is a number`,
		`{` + n + `"tags": {1: "a"}}`:                       "one of its keys is a number",
		`{` + n + `"skipped": "x"}`:                         "skipped must be an array of objects",
		`{` + n + `"skipped": ["x"]}`:                       "one of them is a string",
		`{` + n + `"skipped": [{}]}`:                        "one of them has no number",
		`{` + n + `"skipped": [{"number": 1, "why": "a"}]}`: "skipped: number must be a string, but it is a number",
	} {
		got, err := answerOf(ast.MustParseTerm(rego).Value)
		var invalid *engine.InvalidError
		if !errors.As(err, &invalid) || !strings.Contains(invalid.Why, want) {
			t.Errorf("%s: %v, want %q", rego, err, want)
		}
		if diff := cmp.Diff(engine.Answer{}, got); diff != "" {
			t.Errorf("%s: an answer comes with the error:\n%s", rego, diff)
		}
	}
}
