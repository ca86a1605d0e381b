package plan

import "github.com/open-policy-agent/opa/v1/ast"

// scope remembers what rules and functions came to. Below a "with" the same
// rule may come to something else, so each has a scope of its own.
type scope struct {
	outer *scope
	rules []*ast.Term // by the function's index; undefined where it was that
	calls map[callKey][]answered
}

// undefined stands for the result of a function that had none.
var undefined = &ast.Term{Value: ast.Null{}}

type callKey struct {
	function int
	hash     int
}

// answered is a call of a function and its result.
type answered struct {
	args   []*ast.Term
	result *ast.Term
}

// enter opens the scope of a "with".
func (m *machine) enter() {
	m.scope = &scope{outer: m.scope, rules: make([]*ast.Term, len(m.program.funcs))}
}

// leave goes back to the scope around.
func (m *machine) leave() { m.scope = m.scope.outer }

func (s *scope) clear() {
	clear(s.rules)
	const most = 64 // a map does not shrink
	if len(s.calls) > most {
		s.calls = nil
	}
	clear(s.calls)
}

func hashOf(function int, args []*ast.Term) callKey {
	k := callKey{function: function}
	for _, a := range args {
		k.hash *= 31
		if a != nil {
			k.hash += a.Value.Hash()
		}
	}
	return k
}

// find returns the result of an earlier call; nil where there was none.
func (s *scope) find(k callKey, args []*ast.Term) *ast.Term {
next:
	for _, a := range s.calls[k] {
		for i := range args {
			if !same(a.args[i], args[i]) {
				continue next
			}
		}
		return a.result
	}
	return nil
}

func (s *scope) keep(k callKey, args []*ast.Term, result *ast.Term) {
	if s.calls == nil {
		s.calls = map[callKey][]answered{}
	}
	kept := make([]*ast.Term, len(args))
	copy(kept, args)
	s.calls[k] = append(s.calls[k], answered{kept, result})
}
