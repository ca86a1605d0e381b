package policy

import (
	"fmt"
	"maps"
	"slices"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/types"

	"switchboard/engine"
)

var entryRef = ast.MustParseRef(entryPoint)

// decisionFields are what data.routing.decision may hold.
var decisionFields = []string{"call_forwarding_number", "call_timeout", "reason", "reject", "skipped", "tags"}

// lintContract checks that the set answers at all, and that its answer may be
// what a call needs, as far as types can tell.
func lintContract(compiler *ast.Compiler, p parsed) findings {
	var f findings
	rules := compiler.GetRulesWithPrefix(entryRef)
	if len(rules) == 0 {
		f.fail(missingEntry(p))
		return f
	}
	loc := rules[0].Location
	if len(rules[0].Head.Args) > 0 {
		f.fail(at(loc, engine.Problem{Code: codeContract, Message: entryPoint + " is a function, but calls ask for its value",
			Hint: "write `decision := {...} if {...}` and read the call from input"}))
		return f
	}
	have := compiler.TypeEnv.GetByRef(entryRef)
	objects, others := alternatives(have)
	if have != nil && len(objects) == 0 && len(others) > 0 {
		f.fail(at(loc, engine.Problem{Code: codeContract, Message: fmt.Sprintf("%s is %s, but has to be an object", entryPoint, others[0]),
			Hint: `answer {"call_forwarding_number": "9876543210"} or {"reject": true}`}))
	}
	for _, object := range objects {
		for _, property := range object.StaticProperties() {
			name, ok := property.Key.(string)
			if !ok || slices.Contains(decisionFields, name) {
				continue
			}
			hint := "an answer may hold call_forwarding_number, call_timeout, reason, reject, skipped and tags"
			if near := nearest(name, decisionFields); near != "" {
				hint = "did you mean " + near + "?"
			}
			f.warn(at(loc, engine.Problem{Code: codeContract, Message: fmt.Sprintf("%s has a field %q that nothing reads", entryPoint, name), Hint: hint}))
		}
	}
	return f
}

// missingEntry says what to add, and where when there is a place for it.
func missingEntry(p parsed) engine.Problem {
	problem := engine.Problem{Code: codeContract, Message: "no rule defines " + entryPoint + ", which every call asks for",
		Hint: `add a file routing/routing.rego with "package routing" and a rule, such as: decision := {"call_forwarding_number": "9876543210"}`}
	for _, name := range slices.Sorted(maps.Keys(p.modules)) {
		m := p.modules[name]
		if isTestFile(name) || !m.Package.Path.Equal(entryRef[:2]) {
			continue
		}
		problem = at(m.Package.Location, problem)
		problem.Hint = `add a rule to this package, such as: decision := {"call_forwarding_number": "9876543210"}`
		break
	}
	return problem
}

// alternatives splits a type into the objects and the rest of what it may be.
// Both are empty where the compiler can't tell.
func alternatives(t types.Type) (objects []*types.Object, others []types.Type) {
	switch t := t.(type) {
	case *types.Object:
		return []*types.Object{t}, nil
	case types.Any:
		for _, one := range t {
			o, r := alternatives(one)
			objects, others = append(objects, o...), append(others, r...)
		}
	case nil:
	default:
		others = append(others, t)
	}
	return objects, others
}
