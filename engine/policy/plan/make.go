package plan

import (
	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/ir"
)

// making compiles statements that begin a value.
func (c *compiler) making(s ir.Stmt) op {
	if value := c.scalar(s); value != nil {
		l, _ := target(s)
		return c.put(l, value)
	}
	switch s := s.(type) {
	case *ir.MakeArrayStmt:
		to, n := c.write(s.Target), int(s.Capacity)
		c.odd[to] = true
		return func(_ *machine, f []*ast.Term) int {
			f[to] = &ast.Term{Value: &growing{elems: make([]*ast.Term, 0, n)}}
			return next
		}
	case *ir.MakeObjectStmt:
		to := c.write(s.Target)
		return func(_ *machine, f []*ast.Term) int {
			f[to] = &ast.Term{Value: ast.NewObject()}
			return next
		}
	case *ir.MakeSetStmt:
		to := c.write(s.Target)
		return func(_ *machine, f []*ast.Term) int {
			f[to] = &ast.Term{Value: ast.NewSet()}
			return next
		}
	case *ir.ObjectMergeStmt:
		a, b, to := c.reading(s.A), c.reading(s.B), c.write(s.Target)
		return func(m *machine, f []*ast.Term) int {
			f[to] = merge(a.get(m, f), b.get(m, f))
			return next
		}
	}
	return nil
}

// scalar is the constant that a statement makes; nil where it makes none.
func (c *compiler) scalar(s ir.Stmt) *ast.Term {
	switch s := s.(type) {
	case *ir.MakeNullStmt:
		return ast.InternedNullTerm
	case *ir.MakeNumberIntStmt:
		return ast.InternedTerm(int(s.Value))
	case *ir.MakeNumberRefStmt:
		return &ast.Term{Value: ast.Number(string(c.strings[s.Index].Value.(ast.String)))}
	}
	return nil
}

// filling compiles statements that add to a value.
func (c *compiler) filling(s ir.Stmt) op {
	switch s := s.(type) {
	case *ir.ArrayAppendStmt:
		value, to := c.operand(s.Value), c.local(s.Array)
		return func(m *machine, f []*ast.Term) int {
			g := f[to].Value.(*growing)
			g.elems = append(g.elems, value.get(m, f))
			return next
		}
	case *ir.SetAddStmt:
		value, to := c.operand(s.Value), c.local(s.Set)
		gathers, wanted := c.wanted > 0 && to == c.result, c.wanted
		return func(m *machine, f []*ast.Term) int {
			if gathers && !same(value.get(m, f), f[wanted]) {
				return leave
			}
			f[to].Value.(ast.Set).Add(value.get(m, f))
			return next
		}
	case *ir.ObjectInsertStmt:
		key, value, to := c.operand(s.Key), c.operand(s.Value), c.local(s.Object)
		return func(m *machine, f []*ast.Term) int {
			f[to].Value.(ast.Object).Insert(key.get(m, f), value.get(m, f))
			return next
		}
	case *ir.ObjectInsertOnceStmt:
		key, value, to, at := c.operand(s.Key), c.operand(s.Value), c.local(s.Object), c.place(s)
		gathers, wanted := c.wanted > 0 && to == c.result, c.wanted
		return func(m *machine, f []*ast.Term) int {
			obj, k, v := f[to].Value.(ast.Object), key.get(m, f), value.get(m, f)
			if gathers && !same(k, f[wanted]) {
				return leave
			}
			if before := obj.Get(k); before == nil {
				obj.Insert(k, v)
			} else if !same(before, v) {
				return m.fail(conflict(at, "object keys must be unique"))
			}
			return next
		}
	}
	return nil
}

// constants makes at once what a run of statements from i on makes of constants
// alone: a table or an answer that stands in a rule. It returns how many
// statements it took.
func (c *compiler) constants(b *ir.Block, i int) (int, []op) {
	made := map[ir.Local]*ast.Term{}
	arrays := map[ir.Local][]*ast.Term{}
	whole := map[ir.Local]int{} // additions seen to a composite
	value := func(o ir.Operand) *ast.Term {
		l, ok := o.Value.(ir.Local)
		if !ok {
			return c.constant(o)
		}
		if elems, ok := arrays[l]; ok {
			return &ast.Term{Value: ast.NewArray(elems...)}
		}
		if t, ok := made[l]; ok {
			return t
		}
		return c.known[int(l)]
	}
	n := i
run:
	for ; n < len(b.Stmts); n++ {
		switch s := b.Stmts[n].(type) {
		case *ir.MakeArrayStmt:
			arrays[s.Target], whole[s.Target] = nil, 0
		case *ir.MakeObjectStmt:
			made[s.Target], whole[s.Target] = ast.NewTerm(ast.NewObject()), 0
		case *ir.MakeSetStmt:
			made[s.Target], whole[s.Target] = ast.NewTerm(ast.NewSet()), 0
		case *ir.ArrayAppendStmt:
			v := value(s.Value)
			if _, ok := whole[s.Array]; !ok || v == nil {
				break run
			}
			arrays[s.Array] = append(arrays[s.Array], v)
			whole[s.Array]++
		case *ir.SetAddStmt:
			v := value(s.Value)
			if _, ok := whole[s.Set]; !ok || v == nil {
				break run
			}
			made[s.Set].Value.(ast.Set).Add(v)
			whole[s.Set]++
		case *ir.ObjectInsertStmt:
			k, v := value(s.Key), value(s.Value)
			if _, ok := whole[s.Object]; !ok || k == nil || v == nil {
				break run
			}
			made[s.Object].Value.(ast.Object).Insert(k, v)
			whole[s.Object]++
		default:
			t := c.scalar(s)
			if t == nil {
				break run
			}
			l, _ := target(s)
			made[l] = t
		}
	}
	// What is added to later on is no constant, nor is what holds it: then all
	// is left to be made as it comes. So is what is still empty, for it may be
	// added to in another block.
	for l, seen := range whole {
		if seen == 0 || additions(b, i, l) != seen {
			return 0, nil
		}
	}
	if len(whole) == 0 {
		return 0, nil
	}
	var out []op
	for l := range whole {
		out = append(out, c.put(l, value(ir.Operand{Value: l})))
	}
	for l, t := range made {
		if _, composite := whole[l]; !composite {
			out = append(out, c.put(l, t))
		}
	}
	return n - i, out
}

// additions counts the statements from i on that add to a local.
func additions(b *ir.Block, i int, l ir.Local) (n int) {
	each(&ir.Block{Stmts: b.Stmts[i:]}, func(s ir.Stmt) {
		switch s := s.(type) {
		case *ir.ArrayAppendStmt:
			n += count(s.Array == l)
		case *ir.SetAddStmt:
			n += count(s.Set == l)
		case *ir.ObjectInsertStmt:
			n += count(s.Object == l)
		case *ir.ObjectInsertOnceStmt:
			n += count(s.Object == l)
		}
	})
	return n
}

func count(yes bool) int {
	if yes {
		return 1
	}
	return 0
}
