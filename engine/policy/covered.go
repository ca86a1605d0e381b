package policy

import (
	"fmt"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/cover"

	"switchboard/engine"
	"switchboard/engine/policy/finding"
)

// uncovered warns of rules that no test has evaluated: an edit of them could do
// anything and nobody would be told. Each branch of an else chain is one; a
// default comes to bear where the others do not.
func uncovered(p parsed, run TestRun) finding.List {
	var f finding.List
	if run.Coverage == nil {
		return f
	}
	if len(run.Results) == 0 {
		f.Warn(engine.Problem{Code: finding.CodeTest, Message: "the set has no tests, so nothing tells when an edit breaks a rule",
			Hint: "write a rule test_... in a file ending in _test.rego; policies/README.md shows one"})
		return f
	}
	for _, name := range sortedModules(p.modules) {
		report := run.Coverage.Files[name]
		if isTestFile(name) || report == nil {
			continue
		}
		for _, first := range p.modules[name].Rules {
			for rule, branch := first, 0; rule != nil; rule, branch = rule.Else, branch+1 {
				if rule.Default || covered(rule, report) {
					continue
				}
				what := first.Ref().String()
				if branch > 0 {
					what = fmt.Sprintf("the else of %s", what)
				}
				f.Warn(finding.At(rule.Location, engine.Problem{Code: finding.CodeTest, Message: "no test covers " + what,
					Hint: "add a test, or a row to a table of one, that comes to this rule"}))
			}
		}
	}
	return f
}

// covered reports whether a test came to a rule. What the report says nothing
// of needs no test.
func covered(rule *ast.Rule, report *cover.FileReport) bool {
	reached, known := false, false
	look := func(loc *ast.Location) {
		if loc == nil {
			return
		}
		reached = reached || report.IsCovered(loc.Row)
		known = known || report.IsCovered(loc.Row) || report.IsNotCovered(loc.Row)
	}
	look(rule.Head.Location)
	for _, expr := range rule.Body {
		look(expr.Location)
	}
	return reached || !known
}
