package policy

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/storage"
	"github.com/open-policy-agent/opa/v1/tester"
	"github.com/open-policy-agent/opa/v1/topdown"
)

// Bounds on finding out why tests fail: the first few tell, and a set that is
// refused must not take long to be refused.
const (
	maxExplainedTests = 20
	explainTests      = 5 * time.Second
)

// failure is the expression that a test did not get past.
type failure struct {
	location *ast.Location // nil where it is not known
	text     string
}

// failingLines runs the tests that failed once more, watched, and answers by
// test name what each did not get past. Only what fails pays for being watched.
func failingLines(ctx context.Context, p parsed, opts Options, store storage.Store, schemas *ast.SchemaSet, results []*tester.Result) map[string]failure {
	var names []string
	for _, r := range results {
		// The cases of a table fail one by one, and are named instead.
		if r.Fail && len(r.SubResults) == 0 && len(names) < maxExplainedTests {
			names = append(names, regexp.QuoteMeta(testName(r)))
		}
	}
	if len(names) == 0 {
		return nil
	}
	ctx, stop := context.WithTimeout(ctx, explainTests)
	defer stop()
	w := &failureTracer{found: map[string]failure{}}
	runner := tester.NewRunner().
		SetCompiler(newCompiler(schemas).WithEnablePrintStatements(true)).
		SetModules(p.modules).
		SetStore(store).
		SetParallel(1). // one tracer watches all of them
		SetTimeout(oneTest(opts.TestTimeout)).
		SetCoverageQueryTracer(w).
		Filter("^(" + strings.Join(names, "|") + ")$")
	// What goes wrong here leaves a test without its reason, and no more.
	_ = storage.Txn(ctx, store, storage.TransactionParams{}, func(txn storage.Transaction) error {
		again, err := runner.RunTests(ctx, txn)
		if err != nil {
			return err
		}
		for range again {
			continue // until the last one is through
		}
		return nil
	})
	return w.found
}

// failureTracer keeps, of each test, the furthest expression of its own body
// that failed. It remembers expressions and not events: a test may take millions
// of steps.
type failureTracer struct {
	tracer
	test  string // the one that runs
	query uint64 // that evaluates its body
	found map[string]failure
}

// TraceEvent takes one step of the evaluation.
func (t *failureTracer) TraceEvent(e topdown.Event) {
	switch node := e.Node.(type) {
	case *ast.Rule:
		if e.Op == topdown.EnterOp && isTestFile(node.Location.File) && strings.HasPrefix(node.Head.Name.String(), tester.TestPrefix) {
			t.test, t.query = ruleName(node), e.QueryID
		}
	case *ast.Expr:
		if e.Op != topdown.FailOp || e.QueryID != t.query || node.Location == nil || node.Location.File == "" {
			return
		}
		if last := t.found[t.test].location; last != nil && node.Location.Row < last.Row {
			return
		}
		t.input = ast.NewObject()
		if input := e.Input(); input != nil {
			t.input = input.Value
		}
		text := string(node.Location.Text)
		if len(node.With) > 0 {
			text, _, _ = strings.Cut(text, " with ") // what it sets stands in the file, and is long
		}
		t.found[t.test] = failure{node.Location, fmt.Sprintf("`%s` does not hold%s", oneLine(text), t.values(e, node))}
	}
}
