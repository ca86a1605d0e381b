package engine

import "time"

// The outcomes of a policy set's own tests.
const (
	TestPassed  = "pass"
	TestFailed  = "fail"
	TestError   = "error"
	TestSkipped = "skip"
)

// TestReport is what a policy set's own tests said, and what they cover.
type TestReport struct {
	Summary  TestSummary
	Tests    []TestOutcome // in order of file and line
	Coverage float64       // percent of the lines that can be covered
	Files    []FileCoverage
	Errors   []Problem // of a set whose tests cannot run
}

// TestOutcome is one test.
type TestOutcome struct {
	Name    string // data.routing_test.test_sticky
	File    string
	Line    int
	Outcome string // TestPassed, TestFailed, TestError or TestSkipped
	Took    time.Duration
	Detail  string // why it failed
}

// FileCoverage is how much of a file the tests cover.
type FileCoverage struct {
	File    string
	Percent float64
	Gaps    []LineRange // not covered
}

// LineRange is a range of lines, both included.
type LineRange struct{ First, Last int }
