package plan

import (
	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/ir"
)

// scan compiles a loop over a value: elements of arrays in order, those of
// objects and sets in the order of their keys. Anything else has none.
func (c *compiler) scan(s *ir.ScanStmt) (op, error) {
	c.loops = true
	source := c.reading(s.Source)
	key, value := c.write(s.Key), c.write(s.Value)
	body, err := c.nested(s.Block)
	body = append(c.guarded(key, value), body...)
	// round runs the body once; done says to end the loop with s.
	round := func(m *machine, f []*ast.Term, k, v *ast.Term) (s int, done bool) {
		if m.stopped() {
			return abort, true
		}
		f[key], f[value] = k, v
		s = body.run(m, f)
		if s <= leave {
			return next, false
		}
		if s >= ret {
			return s, true
		}
		// A loop is two levels: its body, and itself.
		return outside(s - 1), true
	}
	return func(m *machine, f []*ast.Term) int {
		t := source.get(m, f)
		if t == nil {
			return next
		}
		switch v := t.Value.(type) {
		case *ast.Array:
			for i := range v.Len() {
				if s, done := round(m, f, ast.InternedTerm(i), v.Elem(i)); done {
					return s
				}
			}
		case ast.Object:
			for keys := v.KeysIterator(); ; {
				k, more := keys.Next()
				if !more {
					break
				}
				if s, done := round(m, f, k, v.Get(k)); done {
					return s
				}
			}
		case ast.Set:
			for _, e := range v.Slice() {
				if s, done := round(m, f, e, e); done {
					return s
				}
			}
		}
		return next
	}, err
}
