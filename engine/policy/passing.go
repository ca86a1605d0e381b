package policy

import (
	"bytes"
	"context"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/rego"
	"github.com/open-policy-agent/opa/v1/storage"
	"github.com/open-policy-agent/opa/v1/tester"
	"github.com/open-policy-agent/opa/v1/topdown"

	"switchboard/engine/giveway"
)

// OPA's test runner watches table-driven tests with all variables of every step
// written down, which costs as much as everything else in a reload and tells only
// which cases failed. So a reload asks the tests without being told, one after the
// other, and hands the runner those alone that did not simply pass: what they come
// to is the runner's to say.

// askBound is how long a test is asked before it is left to the runner, which
// gives it all the time it may take.
const askBound = time.Second

// noTest is a filter that lets the runner compile and run nothing.
const noTest = "^$"

// runBeside runs all tests while calls are served, one at a time, and answers
// with what has compiled them. runner makes a runner of what a filter lets through.
func runBeside(ctx context.Context, runner func(filter string) (*tester.Runner, *ast.Compiler),
	store storage.Store, txn storage.Transaction) ([]*tester.Result, *ast.Compiler, error) {
	compile, compiler := runner(noTest)
	if _, err := collect(ctx, compile, txn); err != nil {
		return nil, nil, err
	}
	passed, others := passing(ctx, compiler, store, txn)
	if others == "" {
		return passed, compiler, nil
	}
	rest, _ := runner(others)
	raw, err := collect(ctx, rest.SetParallel(1), txn)
	return append(passed, raw...), compiler, err
}

// passing asks the tests of modules that the runner has compiled. It answers those
// that pass and nothing else to say of, and a filter for the others; empty: none.
func passing(ctx context.Context, compiler *ast.Compiler, store storage.Store, txn storage.Transaction) (passed []*tester.Result, others string) {
	var rest []string
	for _, name := range sortedModules(compiler.Modules) {
		module := compiler.Modules[name]
		for _, rule := range module.Rules {
			head := rule.Head.Ref()
			i := slices.IndexFunc(head.GroundPrefix(), isTestName)
			if i < 0 {
				continue
			}
			giveway.Now()
			head = head[:i+1]
			if result := passes(ctx, compiler, store, txn, rule, head); result != nil {
				passed = append(passed, result)
			} else {
				rest = append(rest, regexp.QuoteMeta(module.Package.Path.Extend(head).String()))
			}
		}
	}
	if rest == nil {
		return passed, ""
	}
	return passed, "^(" + strings.Join(rest, "|") + ")$"
}

func isTestName(part *ast.Term) bool {
	name := ""
	switch v := part.Value.(type) {
	case ast.Var:
		name = string(v)
	case ast.String:
		name = string(v)
	}
	return strings.HasPrefix(name, tester.TestPrefix) || strings.HasPrefix(name, tester.SkipTestPrefix)
}

// passes is the result of a test that passes, nil for any other.
func passes(ctx context.Context, compiler *ast.Compiler, store storage.Store, txn storage.Transaction, rule *ast.Rule, head ast.Ref) *tester.Result {
	if len(head) != 1 || strings.HasPrefix(head.String(), tester.SkipTestPrefix) {
		return nil
	}
	ctx, stop := context.WithTimeout(ast.WithCompiler(ctx, compiler), askBound)
	defer stop()
	var output bytes.Buffer
	var builtins []topdown.Error
	path := rule.Module.Package.Path
	query, err := rego.New(rego.Store(store), rego.Transaction(txn), rego.Compiler(compiler), rego.Query(path.Extend(head).String()),
		rego.PrintHook(topdown.NewPrintHook(&output)), rego.BuiltinErrorList(&builtins)).PrepareForEval(ctx)
	if err != nil {
		return nil
	}
	began := time.Now()
	eval := []rego.EvalOption{rego.EvalTransaction(txn)}
	table := rule.Head.DocKind() == ast.PartialObjectDoc
	var cases caseTracer
	if table {
		eval = append(eval, rego.EvalQueryTracer(&cases))
	}
	results, err := query.Eval(ctx, eval...)
	if err != nil || len(builtins) > 0 || len(results) == 0 {
		return nil
	}
	value := results[0].Expressions[0].Value
	if _, isTable := value.(map[string]any); isTable != table || !holds(value) ||
		slices.ContainsFunc(cases.begun, func(path *ast.Array) bool { return !came(value, path) }) {
		return nil
	}
	return &tester.Result{Location: rule.Loc(), Package: path.String(), Name: head.String(), Duration: time.Since(began), Output: output.Bytes()}
}

// holds reports whether a value is true, or an object of values that are.
func holds(v any) bool {
	switch v := v.(type) {
	case bool:
		return v
	case map[string]any:
		for _, one := range v {
			if !holds(one) {
				return false
			}
		}
		return true
	}
	return false
}

// came reports whether a case that was begun stands in the value of its table.
func came(value any, path *ast.Array) bool {
	for i := range path.Len() {
		table, _ := value.(map[string]any)
		name, _ := path.Elem(i).Value.(ast.String) // other names are the runner's to tell
		var ok bool
		if value, ok = table[string(name)]; !ok {
			return false
		}
	}
	return true
}

// caseTracer is told which cases of a table are begun. It asks for no variables.
type caseTracer struct{ begun []*ast.Array }

// Enabled is true.
func (*caseTracer) Enabled() bool { return true }

// Config asks for nothing.
func (*caseTracer) Config() topdown.TraceConfig { return topdown.TraceConfig{} }

// TraceEvent takes one step of the evaluation.
func (t *caseTracer) TraceEvent(e topdown.Event) {
	if e.Op != topdown.TestCaseOp {
		return
	}
	if expr, ok := e.Node.(*ast.Expr); ok {
		if path, ok := expr.Operand(0).Value.(*ast.Array); ok {
			t.begun = append(t.begun, path)
		}
	}
}
