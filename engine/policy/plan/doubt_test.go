package plan_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/open-policy-agent/opa/v1/ast"

	"switchboard/engine/policy/plan"
)

// What OPA's planner makes something else of than was written is not taken.
func TestWrongPlansAreNotTaken(t *testing.T) {
	for name, c := range map[string]struct{ module, want string }{
		"rules at two depths": {
			"team.north.to := \"1\"\nteam.south[k] := v if some k, v in input.south\nanswer := team[input.team].to",
			"p.rego:5: a reference by a variable to rules some of which lie deeper",
		},
		"rules at two depths, mocked": {
			"team.north.to := \"1\"\nteam.south[k] := v if some k, v in input.south\nx := team[input.team].to\nanswer := y if y := x with input.team as \"north\"",
			"lie deeper",
		},
		"an equation that gives a value later": {"answer := x if [x, y] = [y, 2]", "p.rego:3: a variable that is used before it has a value"},
		"in an object":                         {"answer := x if {\"a\": x, \"b\": y} = {\"a\": y, \"b\": input.n}", "before it has a value"},
		"in a function":                        {"f(z) := x if [x, y] = [y, z]\nanswer := f(2)", "before it has a value"},
		"in a loop":                            {"answer := [x | some z in input.list; [x, y] = [y, z]]", "before it has a value"},
	} {
		t.Run(name, func(t *testing.T) {
			policy, err := planned(t, c.module)
			var unsupported *plan.UnsupportedError
			if !errors.As(err, &unsupported) || !strings.Contains(err.Error(), c.want) || policy {
				t.Errorf("error %v, want %s", err, c.want)
			}
		})
	}
}

// What only looks like it is planned.
func TestRightPlansAreTaken(t *testing.T) {
	for name, module := range map[string]string{
		"rules at one depth":   "team.north.to := \"1\"\nteam.south.to := \"2\"\nanswer := team[input.team].to",
		"a deeper rule's path": "team.north.to := \"1\"\nteam.south.at.night := \"2\"\nanswer := team[\"south\"].at[input.when]",
		"values both ways":     "answer := [x, y] if [x, 2] = [1, y]",
		"a chain":              "answer := x if { y := input.n; [x, z] = [y, 2]; z > 1 } else := 3",
		"a loop":               "answer := x if { some x in input.list; not x in [y | some y in input.list; y > 1] }",
	} {
		t.Run(name, func(t *testing.T) {
			if ok, err := planned(t, module); !ok {
				t.Error(err)
			}
		})
	}
}

func planned(t *testing.T, module string) (bool, error) {
	t.Helper()
	compiler, err := ast.CompileModules(map[string]string{"p.rego": "package p\n\n" + module})
	if err != nil {
		t.Fatal(err)
	}
	policy, err := plan.Of(t.Context(), compiler, "x = data.p.answer")
	return policy != nil, err
}
