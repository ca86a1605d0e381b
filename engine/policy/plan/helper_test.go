package plan_test

import (
	"bytes"
	"context"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/storage"
	"github.com/open-policy-agent/opa/v1/topdown"
	"github.com/open-policy-agent/opa/v1/types"

	"switchboard/engine/policy/plan"
)

var at = time.Date(2025, 11, 22, 14, 35, 0, 0, time.UTC)

// seed is a source of random numbers that begins anew each time.
func seed() io.Reader { return bytes.NewReader(bytes.Repeat([]byte("0123456789abcdef"), 1024)) }

// marker is the builtin that tests mark rules with.
var marker = &ast.Builtin{Name: "mark", Decl: types.NewFunction(types.Args(types.N), nil)}

// world is a program, and what it sees and says.
type world struct {
	program  *plan.Program
	input    *ast.Term
	mounted  map[string]string // what lies below data.live, by path, in Rego
	failing  error             // of reads
	asked    []string
	marks    []int
	problems []topdown.Error
	cancel   topdown.Cancel
}

// numbered are rules numbered as they stand in their module.
type numbered struct {
	compiler *ast.Compiler
	numbers  map[*ast.Rule]int
}

func (n numbered) Index(path ast.Ref) ast.RuleIndex { return n.compiler.RuleIndex(path) }

func (n numbered) Number(rule *ast.Rule) int {
	if i, ok := n.numbers[rule]; ok {
		return i
	}
	return -1
}

// compile makes a program of data.p.answer in one module, whose rules mark
// themselves.
func compile(t testing.TB, module, data string) *world {
	t.Helper()
	compiler := ast.NewCompiler().WithVirtual(func(r ast.Ref) bool { return r.HasPrefix(ast.MustParseRef("data.live")) })
	compiler.Compile(map[string]*ast.Module{"p.rego": ast.MustParseModule("package p\n\n" + module)})
	if compiler.Failed() {
		t.Fatal(compiler.Errors)
	}
	rules := numbered{compiler, map[*ast.Rule]int{}}
	operator := ast.NewTerm(ast.Ref{ast.StringTerm(marker.Name)})
	for _, head := range compiler.Modules["p.rego"].Rules {
		for r := head; r != nil; r = r.Else {
			r.Body.Append(ast.NewExpr([]*ast.Term{operator, ast.IntNumberTerm(len(rules.numbers))}))
			rules.numbers[r] = len(rules.numbers)
		}
	}
	policy, err := plan.Of(t.Context(), compiler, "x = data.p.answer", marker)
	if err != nil {
		t.Fatal(err)
	}
	w := &world{input: ast.MustParseTerm(`{"a": "x", "n": 2, "list": [1, 2, 3], "deep": {"b": {"c": 1}}}`), mounted: map[string]string{}}
	w.program, err = plan.Compile(policy, plan.Options{
		Files: ast.MustParseTerm(data).Value.(ast.Object), Mounted: func(root string) bool { return root == "live" },
		Mark: marker.Name, Rules: rules,
	})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *world) read(path storage.Path) (ast.Value, error) {
	name := strings.Join(path[1:], "/")
	w.asked = append(w.asked, name)
	if w.failing != nil {
		return nil, w.failing
	}
	text, ok := w.mounted[name]
	if !ok {
		return nil, &storage.Error{Code: storage.NotFoundErr}
	}
	return ast.MustParseTerm(text).Value, nil
}

// ask runs the program; the answer is empty where it is undefined.
func (w *world) ask(ctx context.Context) (string, error) {
	w.asked, w.marks, w.problems = nil, nil, nil
	env := &plan.Env{
		Context: ctx, Input: w.input, Time: at, Seed: seed(), Cancel: w.cancel, Read: w.read,
		Mark: func(n int) { w.marks = append(w.marks, n) }, Problems: &w.problems,
		Capabilities: ast.CapabilitiesForThisVersion(),
	}
	if env.Cancel == nil {
		env.Cancel = topdown.NewCancel()
	}
	results, err := w.program.Eval(env)
	if err != nil || len(results) == 0 {
		return "", err
	}
	return results[0].Value.(ast.Object).Get(ast.StringTerm("x")).String(), nil
}

func (w *world) answer(t testing.TB) string {
	t.Helper()
	answer, err := w.ask(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return answer
}
