package policy

import (
	"maps"
	"slices"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/types"

	"switchboard/engine"
)

// Which rules answered a call is kept of every decision, so it has to be
// nearly free. OPA's own ways are not: its rule tracker encodes labels to JSON
// for each rule, tells labels but no rules, and overlooks partial rules that
// are read by key; any tracer makes it report every expression. Instead, the
// last expression of each compiled rule calls a builtin that notes the rule.
// Policies can't call it: neither parser nor compiler know its name.

var firedBuiltin = &ast.Builtin{
	Name:        "switchboard_fired",
	Decl:        types.NewFunction(types.Args(types.N), nil),
	CanSkipBctx: true,
}

// firedRef names the builtin. It is one word because OPA looks a builtin up by
// its text, and joining several costs at every call.
var firedRef = ast.NewTerm(ast.Ref{ast.StringTerm(firedBuiltin.Name)})

// instrument appends the note to every rule of a compiler that is done, and
// returns what each note stands for, and the note of each rule. The compiler must
// not compile again.
func instrument(c *ast.Compiler) (rules []engine.Fired, notes map[*ast.Rule]int) {
	notes = map[*ast.Rule]int{}
	annotations := c.GetAnnotationSet()
	for _, name := range slices.Sorted(maps.Keys(c.Modules)) {
		for _, rule := range c.Modules[name].Rules {
			path := rule.Ref().GroundPrefix().String()
			// The metadata of a rule speaks for its else branches, too.
			labels, _ := annotations.MergedLabels(rule)
			for branch := rule; branch != nil; branch = branch.Else {
				note := ast.NewExpr([]*ast.Term{firedRef, ast.InternedTerm(len(rules))})
				note.Generated = true
				note.Location = branch.Location
				branch.Body.Append(note)
				notes[branch] = len(rules)
				rules = append(rules, engine.Fired{
					Rule: path, File: branch.Location.File, Line: branch.Location.Row, Labels: labels,
				})
			}
		}
	}
	return rules, notes
}

// isNote reports whether an expression is one that instrument added.
func isNote(e *ast.Expr) bool {
	terms, ok := e.Terms.([]*ast.Term)
	return ok && len(terms) > 0 && terms[0] == firedRef
}

// firedIn lists the rules that an evaluation noted, in the order in which they
// came true.
func (s *Set) firedIn(r *run) []engine.Fired {
	if len(r.fired) == 0 {
		return nil
	}
	fired := make([]engine.Fired, len(r.fired))
	for i, rule := range r.fired {
		fired[i] = s.rules[rule]
	}
	return fired
}
