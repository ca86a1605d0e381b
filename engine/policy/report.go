package policy

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/loader"
	"github.com/open-policy-agent/opa/v1/topdown"

	"switchboard/engine"
)

// The codes of an [engine.Problem]: the step that found it.
const (
	codeParse    = "parse"
	codeCompile  = "compile"
	codeType     = "type"
	codeLint     = "lint"
	codeData     = "data"
	codeContract = "contract"
	codeTest     = "test"
	codeSmoke    = "smoke"
	codeEmpty    = "empty"
	codeArchive  = "archive"
)

// maxProblems bounds each list of a report: what follows the first hundred is
// nearly always more of the same.
const maxProblems = 100

// findings is what the steps of a load found. Each cause is reported once.
type findings struct {
	errors   []engine.Problem
	warnings []engine.Problem
}

func (f *findings) fail(p engine.Problem) { f.errors = append(f.errors, p) }
func (f *findings) warn(p engine.Problem) { f.warnings = append(f.warnings, p) }
func (f *findings) failed() bool          { return len(f.errors) > 0 }

func (f *findings) add(g findings) {
	f.errors = append(f.errors, g.errors...)
	f.warnings = append(f.warnings, g.warnings...)
}

// tidy sorts a list by place and drops repetitions; never nil, so that the JSON
// is a list.
func tidy(list []engine.Problem) []engine.Problem {
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
	if more := len(out) - maxProblems; more > 0 {
		out = append(out[:maxProblems], engine.Problem{Message: fmt.Sprintf("and %d more", more)})
	}
	if out == nil {
		out = []engine.Problem{}
	}
	return out
}

// flat joins the lines of OPA's longer messages: reports and logs are read by
// the line.
func flat(text string) string {
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

// mend says what helps against an evaluation's error, where that is the same
// for every policy; empty where it is not.
func mend(err error) string {
	var broke *topdown.Error
	if errors.As(err, &broke) && broke.Code == topdown.ConflictErr {
		return "chain the rules with `else`, so that the first one that holds decides, or make their conditions exclude each other"
	}
	return ""
}

// at places a problem where a piece of Rego stands.
func at(loc *ast.Location, p engine.Problem) engine.Problem {
	if loc != nil {
		p.File, p.Line, p.Column = loc.File, loc.Row, loc.Col
	}
	return p
}

// loadProblems are the errors of OPA's loader.
func loadProblems(tree Tree, err error) []engine.Problem {
	var list loader.Errors
	if !errors.As(err, &list) {
		list = loader.Errors{err}
	}
	var out []engine.Problem
	var rego ast.Errors
	if errors.As(err, &rego) {
		return regoProblems(rego)
	}
	for _, e := range list {
		var one *ast.Error
		if errors.As(e, &one) {
			rego = append(rego, one)
		} else {
			out = append(out, fileProblem(tree, e))
		}
	}
	return append(out, regoProblems(rego)...)
}

// fileProblem reads the loader's untyped errors, which begin with the path.
func fileProblem(tree Tree, err error) engine.Problem {
	p := engine.Problem{Code: codeData, Message: err.Error()}
	if name, rest, ok := strings.Cut(p.Message, ": "); ok && tree[name] != nil {
		p.File, p.Message = name, rest
		p.Line = cmp.Or(lineIn(rest), lineOfKey(tree, name, rest))
		p.Hint = "a key of the data document is defined in one place only, and every data file holds an object"
	}
	return p
}

var lineWord = regexp.MustCompile(`\bline (\d+)\b`)

// lineIn finds the line that a YAML error names in its text: the library has no
// other way to tell it.
func lineIn(text string) int {
	if m := lineWord.FindStringSubmatch(text); m != nil {
		n, _ := strconv.Atoi(m[1]) // the pattern lets digits through alone
		return n
	}
	return 0
}

var dataRef = regexp.MustCompile(`\bat (data[.\[].*?)(?:, also |$)`)

// lineOfKey finds the line of the key that an error about merging data files
// names; 0 where it names none.
func lineOfKey(tree Tree, file, text string) int {
	m := dataRef.FindStringSubmatch(text)
	if m == nil {
		return 0
	}
	ref, err := ast.ParseRef(m[1])
	if err != nil {
		return 0
	}
	var path []string
	for _, term := range ref[1:] {
		key, _ := term.Value.(ast.String) // data files have no other keys
		path = append(path, string(key))
	}
	values, _ := valuesOf(file, tree[file])
	for _, v := range values {
		if v.key && slices.Equal(append(slices.Clip(documentPath(file, v)), v.text), path) {
			return v.line
		}
	}
	return 0
}

func regoProblems(list ast.Errors) []engine.Problem {
	out := make([]engine.Problem, 0, len(list))
	for _, e := range list {
		p := regoProblem(e)
		same := -1
		if p.Code == codeParse {
			same = slices.IndexFunc(out, func(q engine.Problem) bool {
				return q.Code == codeParse && q.File == p.File && q.Line == p.Line
			})
		}
		switch {
		case same < 0:
			out = append(out, p)
		case len(p.Message) > len(out[same].Message):
			// What the parser stumbles over next on a line is the same slip; the
			// longer sentence says more about it.
			out[same] = p
		}
	}
	return out
}

func regoProblem(e *ast.Error) engine.Problem {
	p := at(e.Location, engine.Problem{Code: codeCompile, Message: flat(e.Message)})
	switch e.Code {
	case ast.ParseErr:
		p.Code = codeParse
		if p.Message == "empty module" { // which has no place of its own
			p.Line, p.Message, p.Hint = 1, "the file is empty", "write a package with its rules into it, or remove it"
		}
		return p // the details repeat the line of source, which may hold a number
	case ast.TypeErr:
		p.Code = codeType
	}
	var wrong *ast.RefErrInvalidDetail
	if d, ok := e.Details.(*ast.RefErrInvalidDetail); ok {
		wrong = d
	}
	if wrong != nil && wrong.Ref.HasPrefix(ast.InputRootRef) && wrong.Pos < len(wrong.Ref) {
		p.Hint = inputHint(wrong)
		return p
	}
	if e.Details != nil {
		p.Hint = strings.Join(e.Details.Lines(), "; ")
	}
	return p
}

// inputHint names the field of input that was probably meant.
func inputHint(d *ast.RefErrInvalidDetail) string {
	var known []string
	for _, v := range d.OneOf {
		if name, ok := v.(ast.String); ok {
			known = append(known, string(name))
		}
	}
	at := d.Ref[:d.Pos].String()
	if name, ok := d.Ref[d.Pos].Value.(ast.String); ok {
		if near := nearest(string(name), known); near != "" {
			return "did you mean " + at + "." + near + "?"
		}
	}
	if len(known) == 0 {
		return at + " has no fields"
	}
	slices.Sort(known)
	return at + " has " + strings.Join(known, ", ")
}
