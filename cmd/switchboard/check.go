package main

import (
	"context"
	"fmt"
	"io"

	"switchboard/engine"
	"switchboard/engine/policy"
)

type checkCmd struct {
	Dir   string `arg:"" optional:"" help:"The folder. Default: ./policies, else the built-in set."`
	JSON  bool   `name:"json" xor:"format" help:"Print the report as JSON."`
	JUnit bool   `name:"junit" xor:"format" help:"Print the report and the tests as JUnit XML, for CI."`
	place
	trial
}

// Run takes a folder through everything a reload would, and prints the report.
func (c *checkCmd) Run(ctx context.Context, io stdio) error {
	options, err := c.trial.policyOptions(c.place)
	if err != nil {
		return err
	}
	tree, name, err := readPolicies(c.Dir)
	if err != nil {
		return err
	}
	var tests policy.TestRun
	_, report := policy.Load(ctx, tree, options, policy.Checks{Strict: true, Coverage: true,
		Results: func(run policy.TestRun) { tests = run }})
	switch {
	case c.JSON:
		err = printJSON(io, report)
	case c.JUnit:
		err = printJUnit(io.out, checkSuite(name, report), testSuite(name, tests))
	default:
		printReport(io.out, name, report)
	}
	if err != nil {
		return err
	}
	return verdict(report)
}

// verdict is the exit code of a report: tests that fail are another thing than
// a set that does not load.
func verdict(report engine.Report) error {
	if report.OK {
		return nil
	}
	for _, p := range report.Errors {
		if p.Code != "test" {
			return &exitError{code: exitBroken}
		}
	}
	return &exitError{code: exitTests}
}

func printReport(w io.Writer, name string, r engine.Report) {
	for _, p := range r.Errors {
		printProblem(w, "error", p)
	}
	for _, p := range r.Warnings {
		printProblem(w, "warning", p)
	}
	state := "good: a reload would take it"
	if !r.OK {
		state = "refused: a reload would keep the set that serves"
	}
	fmt.Fprintf(w, "%s: %s\n  revision %s, %d tests passed, %d failed, %d errors, %d warnings\n",
		name, state, r.Revision, r.Tests.Passed, r.Tests.Failed, len(r.Errors), len(r.Warnings))
}

func printProblem(w io.Writer, kind string, p engine.Problem) {
	p.Message = kind + ": " + p.Message
	fmt.Fprintln(w, p)
	if p.Hint != "" {
		fmt.Fprintf(w, "  %s\n", p.Hint)
	}
}
