package policy

import (
	"context"
	"maps"
	"slices"

	"switchboard/engine"
)

// RunTests runs the tests of a policy set's files, and tells what they cover.
// Nothing that serves is touched.
func (m *Manager) RunTests(ctx context.Context, files map[string][]byte) engine.TestReport {
	run, report := Test(ctx, Tree(files), m.o.Options, TestOptions{Coverage: true})
	out := engine.TestReport{Summary: run.Summary, Tests: make([]engine.TestOutcome, 0, len(run.Results))}
	for _, r := range run.Results {
		out.Tests = append(out.Tests, engine.TestOutcome{Name: r.Name, File: r.File, Line: r.Line, Outcome: r.Outcome, Took: r.Took, Detail: r.Detail})
	}
	if len(run.Results) == 0 {
		out.Errors = report.Errors
	}
	if run.Coverage == nil {
		return out
	}
	// Of the rules alone: a test always covers itself.
	covered, all := 0, 0
	for _, name := range slices.Sorted(maps.Keys(run.Coverage.Files)) {
		if isTestFile(name) {
			continue
		}
		covered += run.Coverage.Files[name].CoveredLines
		all += run.Coverage.Files[name].CoveredLines + run.Coverage.Files[name].NotCoveredLines
		f := engine.FileCoverage{File: name, Percent: run.Coverage.Files[name].Coverage}
		for _, gap := range run.Coverage.Files[name].NotCovered {
			f.Gaps = append(f.Gaps, engine.LineRange{First: gap.Start.Row, Last: gap.End.Row})
		}
		out.Files = append(out.Files, f)
	}
	if all > 0 {
		out.Coverage = 100 * float64(covered) / float64(all)
	}
	return out
}

// Check tells whether the active set with edits laid over it (path -> text; an
// empty text removes the file) could go live: lint, compilation, its tests and
// the smoke evaluation, as a reload would run them. Nothing that serves is
// touched.
func (m *Manager) Check(ctx context.Context, edits map[string]string) engine.Report {
	active := m.Active()
	var tree Tree
	if active != nil {
		tree = active.Tree()
	}
	checks := m.checks(active)
	checks.Coverage = true
	_, report := Load(ctx, tree.Overlay(edits), m.o.Options, checks)
	report.Active, report.Origin = m.revision(), "console"
	return report
}
