package policy

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/cover"
	"github.com/open-policy-agent/opa/v1/storage"
	"github.com/open-policy-agent/opa/v1/tester"
	"github.com/open-policy-agent/opa/v1/topdown"

	"switchboard/engine"
	"switchboard/engine/policy/finding"
)

// oneTest bounds a single test, as `opa test` does. Who gives all of them more
// time than usual gives each more, too.
func oneTest(all time.Duration) time.Duration {
	const asOPA = 5 * time.Second
	return min(all, max(asOPA, all/6))
}

// TestResult is the outcome of one test rule.
type TestResult struct {
	Name    string // data.routing_test.test_sticky
	File    string
	Line    int
	Outcome string // "pass", "fail", "error" or "skip"
	Took    time.Duration
	Detail  string // why it failed: cases of a table, an error, what it printed
	Output  string // of print()
}

// TestOptions choose what [Test] runs.
type TestOptions struct {
	Filter   string // a regular expression over test names; empty is all
	Coverage bool

	beside bool // calls: one test at a time, so that a processor stays free
}

// TestRun is what a set's own tests said. Coverage is nil unless asked for.
type TestRun struct {
	Results  []TestResult // in order of file and line
	Summary  engine.TestSummary
	Coverage *cover.Report
}

// Test runs a tree's own tests on the command line's behalf, with the results
// that `opa test` would have. The report is OK when everything static passed
// and no test failed; the set does not go live by it.
func Test(ctx context.Context, tree Tree, opts Options, t TestOptions) (TestRun, engine.Report) {
	opts = opts.withDefaults()
	began := time.Now()
	_, p, f := compileTree(ctx, tree, opts, nil)
	var run TestRun
	if !f.Failed() {
		var found finding.List
		run, found = runTests(ctx, tree, p, opts, t)
		f.Add(found)
	}
	return run, reportOf(tree, began, f, run.Summary)
}

// runTests runs the set's tests on a plain store, without live history: the
// command line has none either, and both must agree.
func runTests(ctx context.Context, tree Tree, p parsed, opts Options, t TestOptions) (TestRun, finding.List) {
	began := time.Now()
	var f finding.List
	var run TestRun
	schemas, err := schemaSet(tree)
	if err != nil {
		f.Fail(engine.Problem{Code: finding.CodeTest, Message: err.Error()})
		return run, f
	}
	ctx, stop := context.WithTimeout(ctx, opts.TestTimeout)
	defer stop()
	store := p.documents.store
	runner := func(filter string) (*tester.Runner, *ast.Compiler) {
		compiler := newCompiler(schemas).WithEnablePrintStatements(true)
		return tester.NewRunner().
			SetCompiler(compiler).
			SetModules(p.modules).
			SetStore(store).
			CapturePrintOutput(true).
			RaiseBuiltinErrors(true). // told apart below: they warn
			SetTimeout(oneTest(opts.TestTimeout)).
			Filter(filter), compiler
	}
	var compiler *ast.Compiler
	var coverage *cover.Cover
	var raw []*tester.Result
	err = storage.Txn(ctx, store, storage.TransactionParams{}, func(txn storage.Transaction) error {
		if t.beside && !t.Coverage && t.Filter == "" {
			raw, compiler, err = runBeside(ctx, runner, store, txn)
			return err
		}
		var all *tester.Runner
		all, compiler = runner(t.Filter)
		if t.beside {
			all.SetParallel(1)
		}
		if t.Coverage {
			coverage = cover.New()
			all.SetCoverageQueryTracer(coverage)
		}
		raw, err = collect(ctx, all, txn)
		return err
	})
	if err != nil {
		for _, problem := range loadProblems(tree, err) {
			f.Fail(problem)
		}
		return run, f
	}
	f.Add(lintTestFiles(compiler))
	slices.SortFunc(raw, func(a, b *tester.Result) int {
		return cmp.Or(cmp.Compare(a.Location.File, b.Location.File), cmp.Compare(a.Location.Row, b.Location.Row), cmp.Compare(a.Name, b.Name))
	})
	why := failingLines(ctx, p, opts, store, schemas, raw)
	for _, r := range raw {
		run.add(r, why[testName(r)], &f)
	}
	run.Summary.Took, run.Summary.By = time.Since(began), testedBy()
	if ctx.Err() != nil {
		f.Fail(engine.Problem{Code: finding.CodeTest,
			Message: fmt.Sprintf("the tests were stopped after %s; %d had finished", run.Summary.Took.Round(time.Millisecond), len(raw)),
			Hint:    "keep large tables in data files and test a few of their entries"})
	}
	if coverage != nil {
		report := coverage.Report(p.modules)
		run.Coverage = &report
	}
	return run, f
}

// collect runs a runner's tests.
func collect(ctx context.Context, runner *tester.Runner, txn storage.Transaction) ([]*tester.Result, error) {
	results, err := runner.RunTests(ctx, txn)
	if err != nil {
		return nil, err
	}
	var raw []*tester.Result
	for r := range results {
		raw = append(raw, r)
	}
	return raw, nil
}

// testName is a test's full name.
func testName(r *tester.Result) string { return r.Package + "." + r.Name }

// add counts one result. why is where and with which values it failed, as far
// as that is known.
func (run *TestRun) add(r *tester.Result, why failure, f *finding.List) {
	result := TestResult{
		Name: testName(r), File: r.Location.File, Line: r.Location.Row,
		Took: r.Duration, Output: string(r.Output),
	}
	builtin := r.Error != nil && onlyBuiltins(r.Error)
	problem := finding.At(r.Location, engine.Problem{Code: finding.CodeTest})
	switch {
	case r.Skip:
		result.Outcome = "skip"
		run.Summary.Skipped++
	case r.Error != nil && !builtin:
		result.Outcome, result.Detail = "error", errorText(r.Error)
		problem.Message = fmt.Sprintf("%s: %s", result.Name, engine.Mask(result.Detail))
		problem.Hint = mend(r.Error)
		run.Summary.Failed++
		f.Fail(problem)
	case r.Fail:
		parts := []string{failedCases(r), why.text}
		if builtin {
			parts = append(parts, errorText(r.Error))
		}
		parts = slices.DeleteFunc(parts, func(s string) bool { return s == "" })
		result.Outcome, result.Detail = "fail", strings.Join(parts, "; ")
		problem = finding.At(why.location, problem)
		problem.Message = result.Name + " fails"
		if result.Detail != "" {
			problem.Message += ": " + engine.Mask(result.Detail)
		}
		problem.Hint = "mend the rule, or change the test if it expects what is wanted no more"
		run.Summary.Failed++
		f.Fail(problem)
	default:
		result.Outcome = "pass"
		run.Summary.Passed++
		if builtin {
			result.Detail = errorText(r.Error)
			problem.Message = fmt.Sprintf("%s passes, though a builtin failed in it: %s", result.Name, engine.Mask(result.Detail))
			f.Warn(problem)
		}
	}
	run.Results = append(run.Results, result)
}

// failedCases names the failing entries of a table-driven test.
func failedCases(r *tester.Result) string {
	var names []string
	for name, sub := range r.SubResults.Iter {
		if sub.Fail && len(sub.SubResults) == 0 {
			names = append(names, strings.Join(name, "/"))
		}
	}
	return strings.Join(names, ", ")
}

// onlyBuiltins tells builtins that failed, which Rego takes as undefined, from
// an evaluation that broke off. The runner hands several builtin errors over as
// one text without a type.
func onlyBuiltins(err error) bool {
	var broke *topdown.Error
	if errors.As(err, &broke) {
		return broke.Code == topdown.BuiltinErr || broke.Code == topdown.TypeErr
	}
	var compile ast.Errors
	return !errors.As(err, &compile)
}

func errorText(err error) string {
	var broke *topdown.Error
	if errors.As(err, &broke) {
		return finding.Flat(broke.Message)
	}
	return finding.Flat(err.Error())
}

// lintTestFiles finds rules of test files that reach into the set that serves.
// Test files stay out of it, so the tests would judge another policy than the
// one that answers.
func lintTestFiles(compiler *ast.Compiler) finding.List {
	var f finding.List
	for _, name := range sortedModules(compiler.Modules) {
		module := compiler.Modules[name]
		if isTestFile(name) {
			for _, rule := range module.Rules {
				for _, other := range compiler.GetRulesExact(rule.Ref().GroundPrefix()) {
					if file := other.Location.File; !isTestFile(file) {
						f.Fail(finding.At(rule.Location, engine.Problem{Code: finding.CodeLint,
							Message: fmt.Sprintf("%s is defined in %s too, which serves without this file", rule.Ref(), file),
							Hint:    "give it another name here, or move it out of the test file"}))
						break
					}
				}
			}
			continue
		}
		ast.WalkRefs(module, func(ref ast.Ref) bool {
			if len(ref) < 2 || !ref[0].Equal(ast.DefaultRootDocument) {
				return false
			}
			for _, rule := range compiler.GetRulesForVirtualDocument(ref) {
				if file := rule.Location.File; isTestFile(file) {
					f.Fail(finding.At(ref[0].Location, engine.Problem{File: name, Code: finding.CodeLint,
						Message: fmt.Sprintf("%s is defined in %s, and test files don't serve", ref, file),
						Hint:    "move it out of the test file"}))
				}
			}
			return false
		})
	}
	return f
}
