package lint

import (
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"

	"switchboard/engine"
	"switchboard/engine/policy/finding"
)

var keyNumber = ast.StringTerm("call_forwarding_number")

// Answers warns of the receivers that rules themselves name and that can't be
// rung, tests aside, or that the numbering plan does not know. Whether calls get
// them is for smoke evaluation to find out.
func Answers(modules map[string]*ast.Module, numbers *engine.Numbers) finding.List {
	var f finding.List
	for name, module := range modules {
		if strings.HasSuffix(name, "_test.rego") {
			continue
		}
		ast.WalkTerms(module, func(t *ast.Term) bool {
			answer, ok := t.Value.(ast.Object)
			if !ok {
				return false
			}
			number := answer.Get(keyNumber)
			if number == nil {
				return false
			}
			text, ok := number.Value.(ast.String)
			if !ok {
				return false
			}
			if Digits(string(text)) != "" { // else a word that other rules make something of
				warnOfReceiver(&f, number.Location, string(text), numbers)
			}
			return false
		})
	}
	return f
}

func warnOfReceiver(f *finding.List, at *ast.Location, text string, numbers *engine.Numbers) {
	what := "is no possible telephone number"
	if n := numbers.Person(text); n.Valid {
		if numbers.Plausible(n) {
			return
		}
		what = "is not a number that the numbering plan knows"
	}
	f.Warn(finding.At(at, engine.Problem{Code: finding.CodeLint, Message: engine.Mask(text) + " " + what + ", and calls would be forwarded to it",
		Hint: "check its digits"}))
}
