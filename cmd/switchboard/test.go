package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"

	"switchboard/engine"
	"switchboard/engine/policy"
)

type testCmd struct {
	Dir      string `arg:"" optional:"" help:"The folder. Default: ./policies, else the built-in set."`
	Only     string `name:"run" placeholder:"REGEXP" help:"Only tests whose name matches."`
	Coverage bool   `help:"Also tell which lines the tests cover."`
	JSON     bool   `name:"json" xor:"format" help:"Print as JSON."`
	JUnit    bool   `name:"junit" xor:"format" help:"Print as JUnit XML, for CI."`
	place
	trial
}

// Run runs the tests that opa test DIR would, with the same results.
func (c *testCmd) Run(ctx context.Context, io stdio) error {
	if _, err := regexp.Compile(c.Only); err != nil {
		return fmt.Errorf("--run %q is no regular expression: %w", c.Only, err)
	}
	options, err := c.trial.policyOptions(c.place)
	if err != nil {
		return err
	}
	tree, name, err := readPolicies(c.Dir)
	if err != nil {
		return err
	}
	run, report := policy.Test(ctx, tree, options, policy.TestOptions{Filter: c.Only, Coverage: c.Coverage})
	untested := report // what no test's result tells
	untested.Errors = slices.DeleteFunc(slices.Clone(report.Errors), ofATest)
	switch {
	case c.JSON:
		err = json.NewEncoder(io.out).Encode(testReport(run, untested.Errors))
	case c.JUnit && len(untested.Errors) > 0:
		err = printJUnit(io.out, checkSuite(name, untested), testSuite(name, run))
	case c.JUnit:
		err = printJUnit(io.out, testSuite(name, run))
	default:
		err = printTests(io.out, name, run)
	}
	if err != nil {
		return err
	}
	for _, p := range untested.Errors {
		printProblem(io.err, "error", p)
	}
	return verdict(report)
}

// jsonTest is one result as --json prints it.
type jsonTest struct {
	Name    string  `json:"name"`
	File    string  `json:"file"`
	Line    int     `json:"line"`
	Outcome string  `json:"outcome"`
	Seconds float64 `json:"seconds"`
	Detail  string  `json:"detail,omitempty"`
	Output  string  `json:"output,omitempty"`
}

type jsonTests struct {
	Passed   int              `json:"passed"`
	Failed   int              `json:"failed"`
	Skipped  int              `json:"skipped"`
	Seconds  float64          `json:"seconds"`
	Tests    []jsonTest       `json:"tests"`
	Errors   []engine.Problem `json:"errors"` // why no test ran, say
	Coverage any              `json:"coverage,omitempty"`
}

func testReport(run policy.TestRun, problems []engine.Problem) jsonTests {
	out := jsonTests{Errors: append([]engine.Problem{}, problems...), Passed: run.Summary.Passed, Failed: run.Summary.Failed, Skipped: run.Summary.Skipped,
		Seconds: run.Summary.Took.Seconds(), Tests: []jsonTest{}}
	for _, r := range run.Results {
		out.Tests = append(out.Tests, jsonTest{r.Name, r.File, r.Line, r.Outcome, r.Took.Seconds(), r.Detail, r.Output})
	}
	if run.Coverage != nil {
		out.Coverage = run.Coverage
	}
	return out
}

func printTests(w io.Writer, name string, run policy.TestRun) error {
	for _, r := range run.Results {
		if r.Outcome == "pass" {
			continue
		}
		fmt.Fprintf(w, "%s:%d: %s %s\n", r.File, r.Line, r.Outcome, r.Name)
		for line := range strings.Lines(r.Detail + "\n" + r.Output) {
			if strings.TrimSpace(line) != "" {
				fmt.Fprintf(w, "  %s\n", strings.TrimRight(line, "\n"))
			}
		}
	}
	if run.Coverage != nil {
		printCoverage(w, run)
	}
	_, err := fmt.Fprintf(w, "%s: %d passed, %d failed, %d skipped in %.2f s\n",
		name, run.Summary.Passed, run.Summary.Failed, run.Summary.Skipped, run.Summary.Took.Seconds())
	return err
}

func printCoverage(w io.Writer, run policy.TestRun) {
	files := make([]string, 0, len(run.Coverage.Files))
	for file := range run.Coverage.Files {
		files = append(files, file)
	}
	slices.Sort(files)
	for _, file := range files {
		report := run.Coverage.Files[file]
		fmt.Fprintf(w, "%6.1f %%  %s", report.Coverage, file)
		for i, gap := range report.NotCovered {
			if i == 0 {
				fmt.Fprint(w, "  not covered: ")
			} else {
				fmt.Fprint(w, ", ")
			}
			fmt.Fprintf(w, "%d-%d", gap.Start.Row, gap.End.Row)
		}
		fmt.Fprintln(w)
	}
	fmt.Fprintf(w, "%6.1f %%  in all\n", run.Coverage.Coverage)
}
