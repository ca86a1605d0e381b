package plan_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/ir"
	"github.com/open-policy-agent/opa/v1/topdown"
	"github.com/open-policy-agent/opa/v1/types"

	"switchboard/engine/policy/plan"
)

// strange is a statement that a later OPA may bring.
type strange struct{ ir.Location }

// What a program cannot do it does not try.
func TestUnsupported(t *testing.T) {
	at := ir.Location{File: 0, Row: 7, Col: 1}
	static := &ir.Static{
		Strings: []*ir.StringConst{{Value: "x"}}, Files: []*ir.StringConst{{Value: "p.rego"}},
		BuiltinFuncs: []*ir.BuiltinFunc{{Name: "unheard.of", Decl: types.NewFunction(nil, types.N)}},
	}
	one := func(stmts ...ir.Stmt) []*ir.Plan { return []*ir.Plan{{Blocks: []*ir.Block{{Stmts: stmts}}}} }
	for name, c := range map[string]struct {
		plans []*ir.Plan
		want  string
	}{
		"no query":        {nil, "without exactly one query"},
		"two queries":     {append(one(), one()...), "without exactly one query"},
		"statement":       {one(&strange{at}), "p.rego:7: the statement *plan_test.strange"},
		"in a block":      {one(&ir.BlockStmt{Blocks: []*ir.Block{{Stmts: []ir.Stmt{&strange{at}}}}}), "p.rego:7"},
		"in a not":        {one(&ir.NotStmt{Block: &ir.Block{Stmts: []ir.Stmt{&strange{at}}}}), "p.rego:7"},
		"in a loop":       {one(&ir.ScanStmt{Source: 0, Key: 2, Value: 3, Block: &ir.Block{Stmts: []ir.Stmt{&strange{at}}}}), "p.rego:7"},
		"in a with":       {one(&ir.WithStmt{Local: 0, Value: ir.Operand{Value: ir.Bool(true)}, Block: &ir.Block{Stmts: []ir.Stmt{&strange{at}}}}), "p.rego:7"},
		"no place":        {one(&strange{}), "the statement *plan_test.strange cannot be compiled"},
		"unknown builtin": {one(&ir.CallStmt{Func: "unheard.of", Result: 2, Location: at}), "p.rego:7: a call of unheard.of"},
		"a mark of what":  {one(&ir.CallStmt{Func: "mark", Args: []ir.Operand{{Value: ir.StringIndex(0)}}, Result: 2, Location: at}), "p.rego:7: a mark without a number"},
		"a mark of input": {one(&ir.CallStmt{Func: "mark", Args: []ir.Operand{{Value: ir.Local(0)}}, Result: 2, Location: at}), "p.rego:7: a mark without a number"},
	} {
		t.Run(name, func(t *testing.T) {
			policy := &ir.Policy{Static: static, Plans: &ir.Plans{Plans: c.plans}, Funcs: &ir.Funcs{}}
			_, err := plan.Compile(policy, plan.Options{Mark: "mark"})
			var unsupported *plan.UnsupportedError
			if !errors.As(err, &unsupported) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want %s", err, c.want)
			}
		})
	}
}

// A function that only running finds to be another than was meant.
func TestUnsupportedWhileRunning(t *testing.T) {
	function := &ir.Func{Name: "g0.data.p.f", Params: []ir.Local{0, 1, 3}, Return: 2, Path: []string{"g0", "p", "f"},
		Blocks: []*ir.Block{{Stmts: []ir.Stmt{&ir.ReturnLocalStmt{Source: 2}}}}}
	str := func(i int) ir.Operand { return ir.Operand{Value: ir.StringIndex(i)} }
	policy := &ir.Policy{
		Static: &ir.Static{Strings: []*ir.StringConst{{Value: "g0"}, {Value: "p"}, {Value: "f"}}},
		Funcs:  &ir.Funcs{Funcs: []*ir.Func{function}},
		Plans: &ir.Plans{Plans: []*ir.Plan{{Blocks: []*ir.Block{{Stmts: []ir.Stmt{
			&ir.CallDynamicStmt{Args: []ir.Local{0, 1}, Path: []ir.Operand{str(0), str(1), str(2)}, Result: 2},
		}}}}}},
	}
	program, err := plan.Compile(policy, plan.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var unsupported *plan.UnsupportedError
	if _, err := program.Eval(&plan.Env{Context: t.Context(), Cancel: topdown.NewCancel()}); !errors.As(err, &unsupported) {
		t.Errorf("error %v", err)
	}
}

func TestWhatCannotBePlanned(t *testing.T) {
	compiler := ast.NewCompiler()
	compiler.Compile(map[string]*ast.Module{"p.rego": ast.MustParseModule(`package p

table.first[x] := 1 if some x in ["a"]

table[k].b := table.first.a if some k in ["second"]
`)})
	if compiler.Failed() {
		t.Fatal(compiler.Errors)
	}
	if policy, err := plan.Of(t.Context(), compiler, "data.p.table"); err == nil || policy != nil {
		t.Errorf("plan %v, error %v", policy, err)
	}
}
