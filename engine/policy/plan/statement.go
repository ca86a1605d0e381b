package plan

import (
	"fmt"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/ir"
	"github.com/open-policy-agent/opa/v1/topdown"
)

// statement compiles one statement; nil is one that does nothing.
func (c *compiler) statement(s ir.Stmt) (op, error) {
	if o, err := c.control(s); o != nil || err != nil {
		return o, err
	}
	switch s := s.(type) {
	case *ir.CallStmt:
		return c.call(s)
	case *ir.CallDynamicStmt:
		return c.callDynamic(s), nil
	case *ir.NopStmt:
		return nil, nil
	}
	for _, kind := range []func(ir.Stmt) op{c.assignment, c.test, c.making, c.filling} {
		if o := kind(s); o != nil {
			return o, nil
		}
	}
	return nil, c.unsupported(s, fmt.Sprintf("the statement %T", s))
}

// assignment compiles what moves values between locals.
func (c *compiler) assignment(s ir.Stmt) op {
	switch s := s.(type) {
	case *ir.AssignVarStmt:
		return c.assign(s)
	case *ir.AssignVarOnceStmt:
		return c.assignOnce(s)
	case *ir.AssignIntStmt:
		return c.put(s.Target, ast.InternedTerm(int(s.Value)))
	case *ir.ResetLocalStmt:
		to := c.write(s.Target)
		return func(_ *machine, f []*ast.Term) int {
			f[to] = nil
			return next
		}
	case *ir.DotStmt: // one that block did not take
		o, _ := c.lookup(s.Source, []ir.Operand{s.Key}, s)
		return o
	case *ir.LenStmt:
		from, to := c.operand(s.Source), c.write(s.Target)
		return func(m *machine, f []*ast.Term) int {
			f[to] = ast.InternedTerm(size(valueOf(from.get(m, f))))
			return next
		}
	case *ir.ReturnLocalStmt:
		from := c.reading(s.Source)
		return func(m *machine, f []*ast.Term) int {
			m.result = from.get(m, f)
			return ret
		}
	case *ir.ResultSetAddStmt:
		from := c.reading(s.Value)
		return func(m *machine, f []*ast.Term) int {
			m.results = append(m.results, from.get(m, f))
			return next
		}
	}
	return nil
}

// put compiles the assignment of a constant.
func (c *compiler) put(l ir.Local, value *ast.Term) op {
	to := c.writeConstant(l, value)
	return func(_ *machine, f []*ast.Term) int {
		f[to] = value
		return next
	}
}

func (c *compiler) assign(s *ir.AssignVarStmt) op {
	from := c.operand(s.Source)
	if from.constant != nil {
		return c.put(s.Target, from.constant)
	}
	to := c.write(s.Target)
	if from.local == data { // kept as it is while a "with" is laid over it
		c.odd[to] = true
		from.plain = true
	}
	return func(m *machine, f []*ast.Term) int {
		f[to] = from.get(m, f)
		return next
	}
}

// assignOnce compiles what a rule comes to. Two that differ are a conflict.
func (c *compiler) assignOnce(s *ir.AssignVarOnceStmt) op {
	from := c.operand(s.Source)
	if int(s.Target) != c.result {
		switch {
		case from.constant == nil, c.agreed != nil && !same(c.agreed, from.constant):
			c.differ = true
		default:
			c.agreed = from.constant
		}
		if value := c.first; value != nil {
			return func(m *machine, _ []*ast.Term) int {
				m.result = value
				return ret
			}
		}
	}
	to, at := c.write(s.Target), c.place(s)
	return func(m *machine, f []*ast.Term) int {
		v := from.get(m, f)
		if f[to] != nil && !same(f[to], v) {
			return m.fail(conflict(at, "a rule produced conflicting values"))
		}
		f[to] = v
		return next
	}
}

func conflict(at *ast.Location, what string) error {
	return &topdown.Error{Code: topdown.ConflictErr, Message: what, Location: at}
}

// test compiles what leaves the block where it does not hold.
func (c *compiler) test(s ir.Stmt) op {
	switch s := s.(type) {
	case *ir.EqualStmt:
		a, b := c.operand(s.A), c.operand(s.B)
		return holds(func(m *machine, f []*ast.Term) bool { return same(a.get(m, f), b.get(m, f)) })
	case *ir.NotEqualStmt:
		a, b := c.operand(s.A), c.operand(s.B)
		return holds(func(m *machine, f []*ast.Term) bool { return !same(a.get(m, f), b.get(m, f)) })
	case *ir.IsArrayStmt:
		return c.kind(s.Source, func(v ast.Value) bool { _, ok := v.(*ast.Array); return ok })
	case *ir.IsObjectStmt:
		return c.kind(s.Source, func(v ast.Value) bool { _, ok := v.(ast.Object); return ok })
	case *ir.IsSetStmt:
		return c.kind(s.Source, func(v ast.Value) bool { _, ok := v.(ast.Set); return ok })
	case *ir.IsDefinedStmt:
		l := c.local(s.Source)
		return holds(func(_ *machine, f []*ast.Term) bool { return f[l] != nil })
	case *ir.IsUndefinedStmt:
		l := c.local(s.Source)
		return holds(func(_ *machine, f []*ast.Term) bool { return f[l] == nil })
	}
	return nil
}

func holds(cond func(*machine, []*ast.Term) bool) op {
	return func(m *machine, f []*ast.Term) int {
		if cond(m, f) {
			return next
		}
		return leave
	}
}

func (c *compiler) kind(o ir.Operand, is func(ast.Value) bool) op {
	from := c.operand(o)
	return holds(func(m *machine, f []*ast.Term) bool { return is(valueOf(from.get(m, f))) })
}
