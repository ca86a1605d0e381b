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

// answerField is a field of data.routing.decision: what types of value it may
// have, in words too, and what mends another one.
type answerField struct {
	is         func(types.Type) bool
	want, hint string
}

// answerFields are what data.routing.decision may hold.
var answerFields = map[string]answerField{
	"call_forwarding_number": {isA[types.String], "a string", "put the number in quotes"},
	"call_timeout":           {isA[types.Number], "a number", "write whole seconds without quotes, or leave it out"},
	"reason":                 {isA[types.String], "a string", "put it in quotes"},
	"reject":                 {isA[types.Boolean], "a boolean", "write true or false without quotes"},
	"skipped":                {isEither[*types.Array, *types.Set], "an array", `write [{"number": "9876543210", "why": "busy"}]`},
	"tags":                   {areTags, "an object of strings", `write {"name": "text"}`},
}

func isA[T types.Type](t types.Type) bool { _, ok := t.(T); return ok }

func areTags(t types.Type) bool {
	object, ok := t.(*types.Object)
	return ok && !slices.ContainsFunc(object.StaticProperties(), func(p *types.StaticProperty) bool {
		return !mayBe(p.Value, isA[types.String])
	})
}

func isEither[T, U types.Type](t types.Type) bool { return isA[T](t) || isA[U](t) }

// Contract checks that the set answers at all, and that its answer may be
// what a call needs, as far as types can tell. A field that never can is a
// warning: whether calls get that answer is for smoke evaluation to find out.
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
			if !ok {
				continue
			}
			field, known := answerFields[name]
			switch {
			case !known:
				f.Warn(finding.At(loc, unread(name)))
			case !mayBe(property.Value, field.is):
				f.Warn(finding.At(whereAnswered(compiler, rules, name, field), engine.Problem{Code: finding.CodeContract, Hint: field.hint,
					Message: fmt.Sprintf("%s.%s is %s, but has to be %s", EntryPoint, name, property.Value, field.want)}))
			}
		}
	}
	return f
}

// unread is a field of the answer that the server does not know.
func unread(name string) engine.Problem {
	names := slices.Sorted(maps.Keys(answerFields))
	hint := "an answer may hold call_forwarding_number, call_timeout, reason, reject, skipped and tags"
	if near := finding.Nearest(name, names); near != "" {
		hint = "did you mean " + near + "?"
	}
	return engine.Problem{Code: finding.CodeContract, Message: fmt.Sprintf("%s has a field %q that nothing reads", EntryPoint, name), Hint: hint}
}

// mayBe reports whether a value of a type may be what is wanted. Where the
// compiler can't tell, it may.
func mayBe(t types.Type, is func(types.Type) bool) bool {
	several, ok := t.(types.Any)
	if !ok {
		return t == nil || is(t)
	}
	return len(several) == 0 || slices.ContainsFunc(several, func(one types.Type) bool { return mayBe(one, is) })
}

// whereAnswered is where a rule writes out a value that the field can't have,
// else the first rule: a type does not tell whose it is.
func whereAnswered(compiler *ast.Compiler, rules []*ast.Rule, name string, field answerField) *ast.Location {
	for _, first := range rules {
		for rule := first; rule != nil; rule = rule.Else {
			answer, ok := rule.Head.Value.Value.(ast.Object)
			if !ok {
				continue
			}
			if term := answer.Get(ast.StringTerm(name)); term != nil && !mayBe(compiler.TypeEnv.GetByValue(term.Value), field.is) {
				return rule.Location
			}
		}
	}
	return rules[0].Location
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
