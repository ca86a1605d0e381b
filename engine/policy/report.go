package policy

import (
	"cmp"
	"errors"
	"regexp"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/loader"
	"github.com/open-policy-agent/opa/v1/topdown"

	"switchboard/engine"
	"switchboard/engine/policy/datafile"
	"switchboard/engine/policy/finding"
)

// mend says what helps against an evaluation's error, where that is the same
// for every policy; empty where it is not.
func mend(err error) string {
	var broke *topdown.Error
	if errors.As(err, &broke) && broke.Code == topdown.ConflictErr {
		return "chain the rules with `else`, so that the first one that holds decides, or make their conditions exclude each other"
	}
	return ""
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
	message := strings.NewReplacer(".yaml"+jsonSuffix, ".yaml", ".yml"+jsonSuffix, ".yml").Replace(err.Error())
	p := engine.Problem{Code: finding.CodeData, Message: message}
	if name, rest, ok := strings.Cut(p.Message, ": "); ok && tree[name] != nil {
		p.File, p.Message = name, rest
		p.Line = cmp.Or(datafile.LineIn(rest), lineOfKey(tree, name, rest))
		p.Hint = "a key of the data document is defined in one place only, and every data file holds an object"
	}
	return p
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
	_, line, _ := datafile.ParseAll(map[string][]byte{file: tree[file]}).Place(path...)
	return line
}

func regoProblems(list ast.Errors) []engine.Problem {
	out := make([]engine.Problem, 0, len(list))
	for _, e := range list {
		p := regoProblem(e)
		same := -1
		if p.Code == finding.CodeParse {
			same = slices.IndexFunc(out, func(q engine.Problem) bool {
				return q.Code == finding.CodeParse && q.File == p.File && q.Line == p.Line
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
	p := finding.At(e.Location, engine.Problem{Code: finding.CodeCompile, Message: finding.Flat(e.Message)})
	switch e.Code {
	case ast.ParseErr:
		p.Code = finding.CodeParse
		if p.Message == "empty module" { // which has no place of its own
			p.Line, p.Message, p.Hint = 1, "the file is empty", "write a package with its rules into it, or remove it"
			return p
		}
		// The details repeat the line of source, which may hold a number.
		p.Hint = "look at this line and the one before: a bracket or a quote that is not closed, a comma or an `if` that is missing"
		return p
	case ast.TypeErr:
		p.Code = finding.CodeType
	}
	var wrong *ast.RefErrInvalidDetail
	if d, ok := e.Details.(*ast.RefErrInvalidDetail); ok {
		wrong = d
	}
	if wrong != nil && wrong.Ref.HasPrefix(ast.InputRootRef) && wrong.Pos < len(wrong.Ref) {
		p.Hint = inputHint(wrong)
		return p
	}
	switch {
	case e.Details != nil:
		p.Hint = strings.Join(e.Details.Lines(), "; ")
	case e.Code == ast.UnsafeVarErr:
		p.Hint = "a name gets its value from `:=`, from `some ... in` or from an import: is it misspelt?"
	case e.Code == ast.RecursionErr:
		p.Hint = "a rule can't ask for itself, not by a detour either: take one of the references out"
	case strings.HasSuffix(p.Message, " unused"):
		p.Hint = "remove it, or use it: a name that is written and never read is mostly a slip"
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
		if near := finding.Nearest(string(name), known); near != "" {
			return "did you mean " + at + "." + near + "?"
		}
	}
	if len(known) == 0 {
		return at + " has no fields"
	}
	slices.Sort(known)
	return at + " has " + strings.Join(known, ", ")
}
