package policy

import (
	"context"
	"runtime/debug"

	"github.com/open-policy-agent/opa/v1/version"

	"switchboard/engine"
)

// A set's own tests see its files and no history, so that what passed once
// passes again in the same program, unless a test looks at the clock. To run
// them again would hold up the first calls after a start: a set that the archive
// knows to have passed goes live without, and without their running beside the
// calls that pile up at such a moment. Everything else (lint, compile, contract,
// smoke evaluation) is done each time: it sees the history, and takes a
// twentieth of the time.

// The reasons why tests were not run.
const (
	passedBefore = "the same files passed when they went live"
	passedAtHome = "the built-in set is tested where the program is built"
)

// testedBy names what the results of tests depend on beside the files: this
// program and its version of OPA.
func testedBy() string {
	program := "(unknown)"
	if build, ok := debug.ReadBuildInfo(); ok && build.Main.Version != "" {
		program = build.Main.Version
	}
	return "switchboard " + program + ", OPA " + version.Version
}

// passed leaves the tests of a tree out of checks where the archive says that
// this program has seen all of them pass.
func (m *Manager) passed(ctx context.Context, tree Tree, c Checks) Checks {
	if m.o.Archive == nil {
		return c
	}
	r, err := m.o.Archive.Revision(ctx, tree.Revision())
	if err != nil {
		m.log.Warn("the archive can't be asked whether the policies passed their tests, so they are run", "error", err)
		return c
	}
	if r == nil || r.Tests.By != testedBy() || r.Tests.Failed > 0 {
		return c
	}
	c.SkipTests, c.Earlier = true, r.Tests
	c.Earlier.NotRun = passedBefore
	return c
}

// loadBuiltin loads the built-in set where nothing serves yet. A folder with the
// same files is tested all the same: a program built from an edited folder
// holds whatever was there.
func (m *Manager) loadBuiltin(ctx context.Context) (*Set, engine.Report) {
	c := m.checks(nil)
	c.SkipTests, c.Earlier = true, engine.TestSummary{NotRun: passedAtHome}
	return Load(ctx, m.o.Builtin, m.o.Options, c)
}
