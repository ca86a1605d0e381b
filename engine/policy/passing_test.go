package policy

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/storage"
	"github.com/open-policy-agent/opa/v1/tester"

	"switchboard/policies"
)

// bothWays runs a set's tests as the command line does and as a reload does.
func bothWays(t *testing.T, tree Tree, o Options) TestRun {
	t.Helper()
	o = o.withDefaults()
	runOf := func(beside bool) (TestRun, []string) {
		c, p, f := compileTree(t.Context(), tree, o, nil)
		if c == nil {
			t.Fatalf("%q", lines(f.Errors))
		}
		run, found := runTests(t.Context(), tree, p, o, TestOptions{beside: beside})
		return run, append(lines(found.Errors), lines(found.Warnings)...)
	}
	want, wantFound := runOf(false)
	got, gotFound := runOf(true)
	ignore := cmp.Options{cmpopts.IgnoreFields(TestResult{}, "Took"), cmpopts.IgnoreFields(TestRun{}, "Summary.Took"), cmpopts.EquateEmpty()}
	if d := cmp.Diff(want, got, ignore); d != "" {
		t.Errorf("the results (-alone +beside):\n%s", d)
	}
	if d := cmp.Diff(wantFound, gotFound); d != "" {
		t.Errorf("what is found (-alone +beside):\n%s", d)
	}
	return got
}

// A test has one outcome, be it run by OPA's runner or asked beside calls.
func TestTestsBesideCallsComeToTheSame(t *testing.T) {
	tree := goodTree().Overlay(map[string]string{"routing/routing_test.rego": `package routing_test

import data.routing

test_pass if routing.decision

test_prints if {
	print("seen")
	routing.decision
}

test_fails if not routing.decision

test_undefined if false

test_text := "yes"

test_set contains "x"

test_builtin_failed if not to_number("abc")

test_builtin_fails if to_number("abc")

test_conflict := x if some x in [1, 2]

test_twice if true

test_twice if false

todo_test_later if false

test_table[name] if {
	some name, want in {"a": 1, "b": 2}
	want > 0
}

test_table_fails[name] if {
	some name, want in {"a": 1, "b": 2, "c": 3}
	want != 2
}

test_table_is_false[name] := want if some name, want in {"a": true, "b": false}

test_table_of_numbers[n] if {
	some n in [1, 2]
	n > 0
}

test_table_of_nothing[name] if some name, _ in {}

test_two_levels[name][more] if {
	some name, cases in {"a": {"x": 1}, "b": {"y": 2, "z": 3}}
	some more, want in cases
	want < 3
}

test_table_prints[name] if {
	some name in ["a"]
	print(name)
}

test_table_builtin[name] if {
	some name in ["a"]
	not to_number(name)
}

test_deep.test_inner if routing.decision
`})
	run := bothWays(t, tree, testOptions(t))
	outcomes := map[string]int{}
	for _, r := range run.Results {
		outcomes[r.Outcome]++
	}
	if outcomes["pass"] < 6 || outcomes["fail"] < 5 || outcomes["skip"] != 1 {
		t.Errorf("outcomes %v: it tries too little", outcomes)
	}
}

// The starter set's tests pass without the runner, which runs none of them.
func TestTestsThatPassAreNotRunTwice(t *testing.T) {
	tree, err := FromFS(policies.Files)
	if err != nil {
		t.Fatal(err)
	}
	_, p, f := compileTree(t.Context(), tree, testOptions(t), nil)
	if f.Failed() {
		t.Fatalf("%q", lines(f.Errors))
	}
	schemas, err := schemaSet(tree)
	if err != nil {
		t.Fatal(err)
	}
	var filters []string
	runner := func(filter string) (*tester.Runner, *ast.Compiler) {
		filters = append(filters, filter)
		compiler := newCompiler(schemas).WithEnablePrintStatements(true)
		return tester.NewRunner().SetCompiler(compiler).SetModules(p.modules).SetStore(p.documents.store).Filter(filter), compiler
	}
	var passed []*tester.Result
	err = storage.Txn(t.Context(), p.documents.store, storage.TransactionParams{}, func(txn storage.Transaction) error {
		passed, _, err = runBeside(t.Context(), runner, p.documents.store, txn)
		return err
	})
	if err != nil || len(passed) < 80 || len(filters) != 1 {
		t.Errorf("%d tests passed, the runner was asked for %q, %v", len(passed), filters, err)
	}
}
