package plan

import (
	"slices"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/ir"
)

// A partial rule that is asked for one key must not be worked out for all: that
// could cost much, and read what nobody asked for. So it is compiled once more
// with the key given, and every way that comes to another one is left as soon as
// that is known.

// keyed is a partial rule with the key given.
type keyed struct {
	blocks []block
	frame  int
	wanted int // the local of the key
}

// isPartial reports whether a function does nothing but gather a set or an
// object with keys on one level.
func isPartial(fn *ir.Func) bool {
	if len(fn.Params) != 2 {
		return false
	}
	made, added, other := false, false, false
	for _, b := range fn.Blocks {
		each(b, func(s ir.Stmt) {
			switch s := s.(type) {
			case *ir.MakeSetStmt:
				made = made || s.Target == fn.Return
			case *ir.MakeObjectStmt:
				made = made || s.Target == fn.Return
			case *ir.ReturnLocalStmt:
			default:
				if o, ok := gathered(s, fn.Return); ok {
					l, isLocal := o.Value.(ir.Local)
					added, other = true, other || isLocal && l == fn.Return
				} else {
					other = other || slices.Contains(readBy(s), fn.Return)
				}
			}
		})
	}
	return made && added && !other
}

// gathered is the key that a statement adds to a local.
func gathered(s ir.Stmt, to ir.Local) (ir.Operand, bool) {
	switch s := s.(type) {
	case *ir.SetAddStmt:
		return s.Value, s.Set == to
	case *ir.ObjectInsertOnceStmt:
		return s.Key, s.Object == to
	}
	return ir.Operand{}, false
}

func (l *linker) keyed(fn *ir.Func) (*keyed, error) {
	c := newCompiler(l, fn.Params)
	c.result = int(fn.Return)
	for _, b := range fn.Blocks {
		each(b, func(s ir.Stmt) {
			for _, r := range readBy(s) {
				c.local(r)
			}
		})
		for _, w := range assigned(b) {
			c.local(ir.Local(w))
		}
	}
	c.wanted = c.frame
	c.local(ir.Local(c.wanted))
	k := &keyed{wanted: c.wanted}
	for _, b := range fn.Blocks {
		c.awaited = -1
		var at block // what can be judged before anything is done
		each(b, func(s ir.Stmt) {
			o, ok := gathered(s, fn.Return)
			if !ok {
				return
			}
			if key, isLocal := o.Value.(ir.Local); isLocal {
				c.awaited = int(key)
			} else {
				at = block{c.guard(operand{constant: c.constant(o)})}
			}
		})
		compiled, err := c.nested(b)
		if err != nil {
			return nil, err
		}
		k.blocks = append(k.blocks, append(at, compiled...))
	}
	k.frame = c.frame
	return k, nil
}

// guard leaves the block where a value is not the key that is wanted.
func (c *compiler) guard(key operand) op {
	wanted := c.wanted
	return func(m *machine, f []*ast.Term) int {
		if same(key.get(m, f), f[wanted]) {
			return next
		}
		return leave
	}
}

// guarded are the guards due after a statement that writes locals.
func (c *compiler) guarded(written ...int) block {
	if c.wanted == 0 || !slices.Contains(written, c.awaited) || c.odd[c.awaited] {
		return nil
	}
	return block{c.guard(operand{local: c.awaited, plain: true})}
}

// member compiles the call of a partial rule together with the dot behind it. It
// returns how many statements it took, none where it is no such call.
func (c *compiler) member(b *ir.Block, i int) (int, []op, error) {
	s, ok := b.Stmts[i].(*ir.CallStmt)
	if !ok || c.partial[s.Func] == nil || reads(b, i+1, s.Result) != 1 {
		return 0, nil, nil
	}
	n := c.beforeDot(b, i+1, s.Result)
	if n < 0 {
		return 0, nil, nil
	}
	ops, err := c.each(b.Stmts[i+1 : i+1+n])
	if err != nil {
		return 0, nil, err
	}
	dot := b.Stmts[i+1+n].(*ir.DotStmt)
	fn, key := c.funcs[s.Func], c.operand(dot.Key)
	args := handed(s.Args, c.operand)
	to := c.write(dot.Target)
	c.calls = true
	ops = append(ops, func(m *machine, f []*ast.Term) int {
		t, s := m.member(fn, args, key.get(m, f), f)
		if s != next {
			return s
		}
		if t == nil {
			return leave
		}
		f[to] = t
		return next
	})
	return n + 2, append(ops, c.guarded(to)...), nil
}

// member is what a partial rule has at a key, nil for nothing.
func (m *machine) member(fn *function, args []operand, key *ast.Term, f []*ast.Term) (*ast.Term, int) {
	if m.stopped() {
		return nil, abort
	}
	if t := m.scope.rules[fn.index]; t != nil {
		return at(defined(t), key), next
	}
	own := [1]*ast.Term{key}
	hash := hashOf(fn.index, own[:])
	if t := m.scope.find(fn.index, hash, own[:]); t != nil {
		return defined(t), next
	}
	top := m.top
	g := m.push(fn.keyed.frame)
	for i, a := range args {
		g[fn.params[i]] = a.get(m, f)
	}
	g[fn.keyed.wanted] = key
	all, s := m.evaluate(fn, fn.keyed.blocks, g)
	m.pop(g, top)
	if s != next {
		return nil, s
	}
	t := at(all, key)
	m.scope.keep(fn.index, hash, own[:], remembered(t))
	return t, next
}
