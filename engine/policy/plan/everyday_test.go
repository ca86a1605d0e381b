package plan_test

import (
	_ "embed"
	"fmt"
	"strings"
	"testing"

	"github.com/open-policy-agent/opa/v1/test/cases"
	"github.com/open-policy-agent/opa/v1/util"
)

//go:embed testdata/everyday.txt
var everyday string

const everydayData = `{
  "teams": {"north": ["11999", "1", "22888"], "south": ["22888", "3"]},
  "paused": {"3": true, "1": false},
  "hours": {"monday": [{"from": "09:30", "to": "18:30"}]},
  "bigtable": {"11999": {"to": "9", "flags": ["no", "yes"]}, "22888": {"to": null}, "1": {}},
  "nums": [1, 2, 9]
}`

// everydayInputs are an ordinary call, one whose fields say something else, and
// some that no rule expects.
var everydayInputs = []string{
	`{"team": "north", "caller": "11999", "n": 1, "k": "a", "list": [1, 2, 3], "kv": {"a": "x", "b": "y"}, "deep": {"a": {"b": 1, "c": [1, 2]}, "d": 1},
	  "live": {"11999": {"in_flight": 1}, "1": {"in_flight": 0}}, "pair": [1, 2], "nul": null, "fls": false, "time": {"clock": "10:30", "weekday": "monday"}}`,
	`{"team": "south", "caller": "22888", "n": 2, "k": "b", "list": [1, "2", 3, 2], "kv": {"a": "a", "b": "y", "A": "q"}, "deep": {"a": {"b": 2}, "x": [{"b": 1}]},
	  "live": {"1": {"in_flight": 2}}, "pair": [2, 2], "nul": null, "fls": false, "time": {"clock": "18:30", "weekday": "sunday"}}`,
	`{"team": "none", "caller": "v1", "n": 3, "k": "zz", "list": [], "kv": {}, "deep": 1, "live": {}, "pair": "x"}`,
	`{}`,
	`{"list": {"a": 2, "b": 3}, "kv": [1, 2, 3], "n": "1", "k": 1, "caller": 9, "deep": [[1]], "live": [1], "team": 0, "time": "x", "pair": {"0": 1}}`,
	`{"n": 2, "k": "a", "list": [2, 2], "kv": {"a": 1, "b": {"c": 1}, "zz": [1]}, "caller": "1", "team": "north", "live": {"1": {"in_flight": 3}}}`,
}

// TestEverydayRules holds plans to OPA's evaluator over rules as people write
// them: chains, defaults, partial rules asked by key, equations, mocks.
func TestEverydayRules(t *testing.T) {
	var data map[string]any
	if err := util.UnmarshalJSON([]byte(everydayData), &data); err != nil {
		t.Fatal(err)
	}
	_, list, _ := strings.Cut(everyday, "\n\n") // behind the note
	asked, answered := 0, 0
	for i, module := range strings.Split(strings.TrimSpace(list), "\n\n") {
		for j, text := range everydayInputs {
			t.Run(fmt.Sprintf("%d by input %d", i, j), func(t *testing.T) {
				var in any
				if err := util.UnmarshalJSON([]byte(text), &in); err != nil {
					t.Fatal(err)
				}
				asked++
				if conforms(t, cases.TestCase{Note: "everyday", Modules: []string{"package p\n\n" + module}, Data: &data, Input: &in, Query: "data.p.answer = x"}) {
					answered++
				}
				if t.Failed() {
					t.Logf("input %s\n%s", text, module)
				}
			})
		}
	}
	if asked < 1000 || answered < asked*9/10 {
		t.Errorf("of %d questions plans answered %d", asked, answered)
	}
	t.Logf("%d questions, %d are left to OPA's evaluator", asked, asked-answered)
}
