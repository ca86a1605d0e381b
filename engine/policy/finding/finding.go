package finding

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"

	"switchboard/engine"
)

// The codes of an [engine.Problem]: the step that found it.
const (
	CodeParse    = "parse"
	CodeCompile  = "compile"
	CodeType     = "type"
	CodeLint     = "lint"
	CodeData     = "data"
	CodeContract = "contract"
	CodeTest     = "test"
	CodeSmoke    = "smoke"
	CodeEmpty    = "empty"
	CodeArchive  = "archive"
	CodeHold     = "hold" // a rollback keeps the folder out
	CodePlan     = "plan" // OPA's own evaluator answers instead of the compiled plan
)

// Max bounds each list of a report: what follows the first hundred is nearly
// always more of the same.
const Max = 100

// List is what the steps of a load found. Each cause is reported once.
type List struct {
	Errors   []engine.Problem
	Warnings []engine.Problem
}

// Fail adds an error.
func (f *List) Fail(p engine.Problem) { f.Errors = append(f.Errors, p) }

// Warn adds a warning.
func (f *List) Warn(p engine.Problem) { f.Warnings = append(f.Warnings, p) }

// Fail adds an error.

// Failed reports whether there is an error.
func (f *List) Failed() bool { return len(f.Errors) > 0 }

// Add adds what another step found.
func (f *List) Add(g List) {
	f.Errors = append(f.Errors, g.Errors...)
	f.Warnings = append(f.Warnings, g.Warnings...)
}

// Without leaves out errors that stand where one of others does: what two steps
// find in one place is one slip.
func (f List) Without(others []engine.Problem) List {
	type place struct {
		file string
		line int
	}
	told := map[place]bool{}
	for _, p := range others {
		told[place{p.File, p.Line}] = p.Line > 0
	}
	f.Errors = slices.DeleteFunc(slices.Clone(f.Errors), func(p engine.Problem) bool { return told[place{p.File, p.Line}] })
	return f
}

// Tidy sorts a list by place and drops repetitions; never nil, so that the JSON
// is a list.
func Tidy(list []engine.Problem) []engine.Problem {
	out := slices.Clone(list)
	slices.SortStableFunc(out, func(a, b engine.Problem) int {
		// What stands nowhere ("and 7 more") comes last.
		return cmp.Or(cmp.Compare(min(len(b.File), 1), min(len(a.File), 1)),
			cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column),
			cmp.Compare(a.Code, b.Code), cmp.Compare(a.Message, b.Message))
	})
	out = slices.CompactFunc(out, func(a, b engine.Problem) bool {
		return a.File == b.File && a.Line == b.Line && a.Message == b.Message
	})
	if more := len(out) - Max; more > 0 {
		out = append(out[:Max], engine.Problem{Message: fmt.Sprintf("and %d more", more)})
	}
	if out == nil {
		out = []engine.Problem{}
	}
	return out
}

// Flat joins the lines of OPA's longer messages: reports and logs are read by
// the line.
func Flat(text string) string {
	var b strings.Builder
	for _, line := range strings.FieldsFunc(text, func(r rune) bool { return r == '\n' || r == '\t' }) {
		line = strings.TrimSpace(line)
		switch {
		case b.Len() == 0 || line == "":
		case strings.HasSuffix(b.String(), ":"):
			b.WriteByte(' ')
		default:
			b.WriteString("; ")
		}
		b.WriteString(line)
	}
	return b.String()
}

// At places a problem where a piece of Rego stands.
func At(loc *ast.Location, p engine.Problem) engine.Problem {
	if loc != nil {
		p.File, p.Line, p.Column = loc.File, loc.Row, loc.Col
	}
	return p
}
