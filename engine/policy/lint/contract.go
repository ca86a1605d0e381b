package lint

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/types"

	"switchboard/engine"
	"switchboard/engine/policy/finding"
)

// EntryPoint is the query that every call is answered by.
const EntryPoint = "data.routing.decision"

var entryRef = ast.MustParseRef(EntryPoint)

// decisionFields are what data.routing.decision may hold.
var decisionFields = []string{"call_forwarding_number", "call_timeout", "reason", "reject", "skipped", "tags"}

// Contract checks that the set answers at all, and that its answer may be
// what a call needs, as far as types can tell.
func Contract(compiler *ast.Compiler, modules map[string]*ast.Module) finding.List {
	var f finding.List
	rules := compiler.GetRulesWithPrefix(entryRef)
	if len(rules) == 0 {
		f.Fail(missingEntry(modules))
		return f
	}
	loc := rules[0].Location
	if len(rules[0].Head.Args) > 0 {
		f.Fail(finding.At(loc, engine.Problem{Code: finding.CodeContract, Message: EntryPoint + " is a function, but calls ask for its value",
			Hint: "write `decision := {...} if {...}` and read the call from input"}))
		return f
	}
	have := compiler.TypeEnv.GetByRef(entryRef)
	objects, others := alternatives(have)
	if have != nil && len(objects) == 0 && len(others) > 0 {
		f.Fail(finding.At(loc, engine.Problem{Code: finding.CodeContract, Message: fmt.Sprintf("%s is %s, but has to be an object", EntryPoint, others[0]),
			Hint: `answer {"call_forwarding_number": "9876543210"} or {"reject": true}`}))
	}
	for _, object := range objects {
		for _, property := range object.StaticProperties() {
			name, ok := property.Key.(string)
			if !ok || slices.Contains(decisionFields, name) {
				continue
			}
			hint := "an answer may hold call_forwarding_number, call_timeout, reason, reject, skipped and tags"
			if near := finding.Nearest(name, decisionFields); near != "" {
				hint = "did you mean " + near + "?"
			}
			f.Warn(finding.At(loc, engine.Problem{Code: finding.CodeContract, Message: fmt.Sprintf("%s has a field %q that nothing reads", EntryPoint, name), Hint: hint}))
		}
	}
	return f
}

// missingEntry says what to add, and where when there is a place for it.
func missingEntry(modules map[string]*ast.Module) engine.Problem {
	problem := engine.Problem{Code: finding.CodeContract, Message: "no rule defines " + EntryPoint + ", which every call asks for",
		Hint: `add a file routing/routing.rego with "package routing" and a rule, such as: decision := {"call_forwarding_number": "9876543210"}`}
	for _, name := range slices.Sorted(maps.Keys(modules)) {
		m := modules[name]
		if strings.HasSuffix(name, "_test.rego") || !m.Package.Path.Equal(entryRef[:2]) {
			continue
		}
		problem = finding.At(m.Package.Location, problem)
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
