package lint

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"

	"switchboard/engine"
	"switchboard/engine/policy/finding"
	"switchboard/engine/policy/mounted"
)

// Refs checks every reference to the mounted documents in compiled modules:
// the collection is known, the read has its keys, the field below them exists.
// Schemas can't say the last, and the second would show only when a call comes.
//
// It reads what the compiler made of the rules: imports are resolved, and the
// parts of a body stand in the order in which they are evaluated, so that a key
// that nothing has bound yet is a walk through the whole collection.
func Refs(modules map[string]*ast.Module) finding.List {
	var out finding.List
	for _, name := range slices.Sorted(maps.Keys(modules)) {
		for _, rule := range modules[name].Rules {
			for r := rule; r != nil; r = r.Else {
				l := refLint{shapes: map[ast.Var]*mounted.Shape{}, seen: map[*ast.Term]bool{}}
				l.rule(r)
				out.Errors = append(out.Errors, l.problems...)
			}
		}
	}
	return out
}

type refLint struct {
	shapes   map[ast.Var]*mounted.Shape // what variables hold of a mounted document
	seen     map[*ast.Term]bool
	problems []engine.Problem
}

func (l *refLint) rule(r *ast.Rule) {
	bound := ast.NewVarSet()
	for _, arg := range r.Head.Args {
		bound.Update(arg.Vars())
	}
	l.body(r.Body, bound)
	for _, part := range r.Head.Reference {
		l.node(part, bound, r.Location)
	}
	l.node(r.Head.Key, bound, r.Location)
	l.node(r.Head.Value, bound, r.Location)
}

// body checks a body whose outer variables are bound, and adds its own.
func (l *refLint) body(body ast.Body, bound ast.VarSet) {
	for _, expr := range body {
		l.expr(expr, bound)
		ast.WalkVars(expr, func(v ast.Var) bool {
			bound.Add(v)
			return false
		})
	}
}

func (l *refLint) expr(expr *ast.Expr, bound ast.VarSet) {
	for _, with := range expr.With {
		l.node(with.Value, bound, expr.Location) // the target is replaced, not read
	}
	switch terms := expr.Terms.(type) {
	case *ast.Term:
		l.node(terms, bound, expr.Location)
	case []*ast.Term:
		for _, t := range terms[1:] {
			l.node(t, bound, expr.Location)
		}
		l.learn(expr)
	case *ast.Every:
		l.node(terms.Domain, bound, expr.Location)
		inner := bound.Copy()
		for _, v := range []*ast.Term{terms.Key, terms.Value} {
			if v != nil {
				inner.Update(v.Vars())
			}
		}
		if s := l.shapeOf(terms.Domain); s != nil && s.Each != nil {
			if v, ok := terms.Value.Value.(ast.Var); ok {
				l.shapes[v] = s.Each
			}
		}
		l.body(terms.Body, inner)
	}
}

// learn remembers what an expression puts into a variable, and checks
// object.get, whose path is a reference in all but name.
func (l *refLint) learn(expr *ast.Expr) {
	switch {
	case expr.IsEquality() || expr.IsAssignment():
		for i := range 2 {
			v, isVar := expr.Operand(i).Value.(ast.Var)
			if s := l.shapeOf(expr.Operand(1 - i)); isVar && s != nil {
				l.shapes[v] = s
			}
		}
	case expr.IsCall() && expr.Operator().String() == ast.ObjectGet.Name && len(expr.Operands()) >= 2:
		s := l.shapeOf(expr.Operand(0))
		tail := ast.Ref{expr.Operand(1)}
		if path, ok := expr.Operand(1).Value.(*ast.Array); ok {
			tail = nil
			path.Foreach(func(t *ast.Term) { tail = append(tail, t) })
		}
		s = l.descend(s, tail, "object.get(...)", expr.Location)
		if s != nil && !s.Leaf && len(expr.Operands()) == 4 {
			if v, ok := expr.Operand(3).Value.(ast.Var); ok {
				l.shapes[v] = s
			}
		}
	}
}

// node checks a term and everything in it.
func (l *refLint) node(t *ast.Term, bound ast.VarSet, loc *ast.Location) {
	if t == nil {
		return
	}
	if t.Location != nil && t.Location.Row > 0 {
		loc = t.Location
	}
	switch v := t.Value.(type) {
	case ast.Ref:
		if !l.seen[t] {
			l.seen[t] = true
			l.ref(v, bound, loc)
		}
		for _, part := range v[1:] {
			l.node(part, bound, loc)
		}
	case *ast.ArrayComprehension:
		l.closure(v.Body, bound, loc, v.Term)
	case *ast.SetComprehension:
		l.closure(v.Body, bound, loc, v.Term)
	case *ast.ObjectComprehension:
		l.closure(v.Body, bound, loc, v.Key, v.Value)
	case *ast.Array:
		v.Foreach(func(t *ast.Term) { l.node(t, bound, loc) })
	case ast.Set:
		v.Foreach(func(t *ast.Term) { l.node(t, bound, loc) })
	case ast.Object:
		v.Foreach(func(k, v *ast.Term) { l.node(k, bound, loc); l.node(v, bound, loc) })
	case ast.Call:
		for _, t := range v[1:] {
			l.node(t, bound, loc)
		}
	}
}

func (l *refLint) closure(body ast.Body, bound ast.VarSet, loc *ast.Location, heads ...*ast.Term) {
	inner := bound.Copy()
	l.body(body, inner)
	for _, t := range heads {
		l.node(t, inner, loc)
	}
}

// ref checks one reference.
func (l *refLint) ref(ref ast.Ref, bound ast.VarSet, loc *ast.Location) {
	if v, ok := ref[0].Value.(ast.Var); ok && l.shapes[v] != nil {
		l.descend(l.shapes[v], ref[1:], "the value here", loc)
		return
	}
	name, doc, ok := mounted.Of(ref)
	if !ok {
		return
	}
	s, known := doc.Each, true
	if len(ref) > 2 && doc.Collections != nil {
		if c, isText := ref[2].Value.(ast.String); isText {
			if s, known = doc.Collections[string(c)]; !known {
				l.unknown(loc, "data."+name, string(c), slices.Sorted(maps.Keys(doc.Collections)))
				return
			}
		}
	}
	if len(ref) < 4 || loose(ref[2], bound) || loose(ref[3], bound) {
		l.problems = append(l.problems, wholeRead(name, doc, ref, loc))
		return
	}
	where := ref[:3].String()
	if _, isVar := ref[2].Value.(ast.Var); isVar { // the compiler's name for it, perhaps
		where = ref[:2].String() + "[" + doc.Keys[0] + "]"
	}
	l.descend(s, ref[4:], where+"["+keyName(name, doc, ref)+"]", loc)
}

// loose reports whether a key is a variable without a value yet.
func loose(key *ast.Term, bound ast.VarSet) bool {
	v, ok := key.Value.(ast.Var)
	return ok && !bound.Contains(v)
}

func wholeRead(name string, doc mounted.Document, ref ast.Ref, loc *ast.Location) engine.Problem {
	root, first := "data."+name, "["+doc.Keys[0]+"]"
	if doc.Collections != nil {
		first = ".callers"
	}
	what := root
	if len(ref) > 2 {
		if text, ok := ref[2].Value.(ast.String); ok {
			first = "." + string(text)
			what += first
		}
	}
	return finding.At(loc, engine.Problem{Code: finding.CodeLint,
		Message: what + " can't be read as a whole: it may hold millions of entries",
		Hint: fmt.Sprintf("look up one entry by its key, such as %s%s[%s], with a key that is known at this point",
			root, first, keyName(name, doc, ref))})
}

// keyName is what the innermost key is called in a sentence.
func keyName(name string, doc mounted.Document, ref ast.Ref) string {
	if name == mounted.History && len(ref) > 2 && ref[2].Equal(ast.StringTerm(mounted.Calls)) {
		return "call_id"
	}
	return doc.Keys[1]
}

// shapeOf is what is known of a term's value.
func (l *refLint) shapeOf(t *ast.Term) *mounted.Shape {
	switch v := t.Value.(type) {
	case ast.Var:
		return l.shapes[v]
	case ast.Ref:
		var s *mounted.Shape
		tail := v[1:]
		if head, ok := v[0].Value.(ast.Var); ok && l.shapes[head] != nil {
			s = l.shapes[head]
		} else if _, doc, ok := mounted.Of(v); ok && len(v) >= 4 {
			s, tail = doc.Each, v[4:]
			if c, isText := v[2].Value.(ast.String); isText && doc.Collections != nil {
				s = doc.Collections[string(c)]
			}
		}
		quiet := refLint{}
		return quiet.descend(s, tail, "", nil)
	}
	return nil
}

// descend follows keys into a shape and reports those that lead nowhere.
func (l *refLint) descend(s *mounted.Shape, keys ast.Ref, where string, loc *ast.Location) *mounted.Shape {
	for _, k := range keys {
		if s == nil {
			return nil
		}
		name, isText := k.Value.(ast.String)
		switch {
		case s.Leaf:
			l.report(loc, fmt.Sprintf("%s is a plain value and has nothing below it", where), "leave out what follows it")
			return nil
		case s.List && isText:
			l.report(loc, fmt.Sprintf("%s is a list and has no field %q", where, string(name)),
				fmt.Sprintf("take one %s of it first, such as %s[0].%s, or go through them with `some %[1]s in`",
					cmp.Or(s.Item, "call"), where, string(name)))
			return nil
		case s.Each != nil:
			s, where = s.Each, where+"[...]"
		case !isText:
			return nil // a field chosen while evaluating
		default:
			next, ok := s.Fields[string(name)]
			if !ok {
				l.unknown(loc, where, string(name), s.Names())
				return nil
			}
			s, where = next, where+"."+string(name)
		}
	}
	return s
}

func (l *refLint) unknown(loc *ast.Location, where, name string, known []string) {
	hint := "there is " + strings.Join(known, ", ")
	if near := finding.Nearest(name, known); near != "" {
		hint = "did you mean " + near + "?"
	}
	l.report(loc, fmt.Sprintf("%s has no %q", where, name), hint)
}

func (l *refLint) report(loc *ast.Location, message, hint string) {
	l.problems = append(l.problems, finding.At(loc, engine.Problem{Code: finding.CodeLint, Message: message, Hint: hint}))
}
