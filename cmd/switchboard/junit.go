package main

import (
	"encoding/xml"
	"fmt"
	"io"
	"strings"

	"switchboard/engine"
	"switchboard/engine/policy"
)

// The JUnit XML that CI servers read.
type (
	junitSuites struct {
		XMLName xml.Name     `xml:"testsuites"`
		Suites  []junitSuite `xml:"testsuite"`
	}
	junitSuite struct {
		Name     string      `xml:"name,attr"`
		Tests    int         `xml:"tests,attr"`
		Failures int         `xml:"failures,attr"`
		Errors   int         `xml:"errors,attr"`
		Skipped  int         `xml:"skipped,attr"`
		Time     string      `xml:"time,attr"`
		Cases    []junitCase `xml:"testcase"`
	}
	junitCase struct {
		Class   string        `xml:"classname,attr"`
		Name    string        `xml:"name,attr"`
		File    string        `xml:"file,attr"`
		Line    int           `xml:"line,attr"`
		Time    string        `xml:"time,attr"`
		Failure *junitFailure `xml:"failure,omitempty"`
		Error   *junitFailure `xml:"error,omitempty"`
		Skipped *struct{}     `xml:"skipped,omitempty"`
		Output  string        `xml:"system-out,omitempty"`
	}
	junitFailure struct {
		Message string `xml:"message,attr"`
		Text    string `xml:",chardata"`
	}
)

// testSuite has one case a test rule.
func testSuite(name string, run policy.TestRun) junitSuite {
	suite := junitSuite{Name: name, Tests: len(run.Results), Time: fmt.Sprintf("%.6f", run.Summary.Took.Seconds())}
	for _, r := range run.Results {
		pkg, rule := r.Name, r.Name
		if i := strings.LastIndex(r.Name, "."); i >= 0 {
			pkg, rule = r.Name[:i], r.Name[i+1:]
		}
		c := junitCase{Class: pkg, Name: rule, File: r.File, Line: r.Line, Time: fmt.Sprintf("%.6f", r.Took.Seconds()), Output: r.Output}
		why := &junitFailure{Message: fmt.Sprintf("%s:%d", r.File, r.Line), Text: r.Detail}
		switch r.Outcome {
		case "fail":
			c.Failure = why
			suite.Failures++
		case "error":
			c.Error = why
			suite.Errors++
		case "skip":
			c.Skipped = &struct{}{}
			suite.Skipped++
		}
		suite.Cases = append(suite.Cases, c)
	}
	return suite
}

// checkSuite has one case for everything that came before and after the tests:
// a case an error, or one that passed. Warnings stand in its output.
func checkSuite(name string, report engine.Report) junitSuite {
	suite := junitSuite{Name: name + ": check", Time: fmt.Sprintf("%.6f", report.Took)}
	var warnings strings.Builder
	for _, p := range report.Warnings {
		printProblem(&warnings, "warning", p)
	}
	for _, p := range report.Errors {
		if ofATest(p) {
			continue // a case of its own in the tests' suite
		}
		text := strings.TrimSpace(p.String() + "\n" + p.Hint)
		suite.Cases = append(suite.Cases, junitCase{Class: "check", Name: p.String(), File: p.File, Line: p.Line, Time: "0",
			Failure: &junitFailure{Message: p.Message, Text: text}})
	}
	suite.Failures = len(suite.Cases)
	if suite.Failures == 0 {
		suite.Cases = []junitCase{{Class: "check", Name: "loads", Time: suite.Time}}
	}
	suite.Cases[0].Output = warnings.String()
	suite.Tests = len(suite.Cases)
	return suite
}

// ofATest reports whether a problem is a test that failed, and not what kept tests
// from running, which has no place.
func ofATest(p engine.Problem) bool { return p.Code == "test" && p.File != "" }

func printJUnit(w io.Writer, suites ...junitSuite) error {
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	enc := xml.NewEncoder(w)
	enc.Indent("", "  ")
	if err := enc.Encode(junitSuites{Suites: suites}); err != nil {
		return err
	}
	_, err := fmt.Fprintln(w)
	return err
}
