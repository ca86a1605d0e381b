package policy

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"runtime/debug"
	"slices"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"

	"switchboard/engine"
	"switchboard/engine/failpoint"
	"switchboard/engine/policy/finding"
)

// Load takes a tree through everything that can fail and touches nothing live:
// parse, lint, strict compile with schema and capabilities, contract, the set's
// own tests, smoke evaluation. The set is nil unless the report is OK. Load
// never panics and fails with ctx.
func Load(ctx context.Context, tree Tree, opts Options, checks Checks) (set *Set, report engine.Report) {
	opts = opts.withDefaults()
	began := time.Now()
	defer func() {
		// The library is large and the text is anybody's: a bug that one file
		// provokes must cost a reload, not the server.
		if p := recover(); p != nil {
			opts.Log.Error("loading policies panicked", "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			f := finding.List{}
			f.Fail(engine.Problem{Code: finding.CodeCompile, Message: fmt.Sprintf("loading the policies broke off: %v", p),
				Hint: "undo the last change; this is a defect of the server or of OPA, please report it"})
			set, report = nil, reportOf(tree, began, f, engine.TestSummary{})
		}
	}()
	set, f, tests := load(ctx, tree, opts, checks)
	if ctx.Err() != nil {
		f.Errors = nil // whatever the interruption broke is no fault of the set
		f.Fail(engine.Problem{Message: "loading the policies was interrupted: " + context.Cause(ctx).Error(), Hint: "load them again"})
	}
	report = reportOf(tree, began, f, tests)
	if !report.OK {
		set = nil
	}
	return set, report
}

func load(ctx context.Context, tree Tree, opts Options, checks Checks) (*Set, finding.List, engine.TestSummary) {
	var tests engine.TestSummary
	c, p, f := compileTree(ctx, tree, opts, checks.Active)
	f.Add(broken(failpoint.ReloadCompile))
	if f.Failed() {
		return nil, f, tests
	}
	if checks.SkipTests {
		tests = checks.Earlier
	} else {
		run, found := runTests(ctx, tree, p, opts, TestOptions{Coverage: checks.Coverage, beside: checks.Active != nil})
		tests = run.Summary
		f.Add(found)
		f.Add(uncovered(p, run))
		if checks.Results != nil {
			checks.Results(run)
		}
	}
	f.Add(broken(failpoint.ReloadTests))
	if f.Failed() {
		return nil, f, tests
	}
	set, err := prepare(ctx, c, opts)
	if err = cmp.Or(err, failpoint.Here(failpoint.ReloadPrepare)); err != nil {
		f.Fail(engine.Problem{Code: finding.CodeCompile, Message: err.Error()})
		return nil, f, tests
	}
	if err := set.planSet(ctx); err != nil {
		opts.Log.Warn("policies can't be compiled to a plan; OPA's own evaluator answers", "revision", set.Revision(), "error", err)
		f.Warn(slowly(finding.Flat(err.Error())))
	}
	f.Add(smoke(ctx, set, opts, checks))
	f.Add(broken(failpoint.ReloadSmoke))
	return set, f, tests
}

// broken is a step that a test makes fail.
func broken(p failpoint.Point) (f finding.List) {
	if err := failpoint.Here(p); err != nil {
		f.Fail(engine.Problem{Code: finding.CodeCompile, Message: err.Error()})
	}
	return f
}

func reportOf(tree Tree, began time.Time, f finding.List, tests engine.TestSummary) engine.Report {
	return engine.Report{
		Revision: tree.Revision(),
		OK:       !f.Failed(),
		At:       began,
		Took:     time.Since(began).Seconds(),
		Errors:   finding.Tidy(f.Errors),
		Warnings: finding.Tidy(f.Warnings),
		Tests:    tests,
	}
}

func sortedModules(modules map[string]*ast.Module) []string {
	return slices.Sorted(maps.Keys(modules))
}
