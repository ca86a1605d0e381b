package plan

import (
	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/ir"
)

// op is a compiled statement. It returns next, or how many blocks it leaves
// beyond the one that it stands in, or that the function or the evaluation ends.
type op func(m *machine, f []*ast.Term) int

const (
	next  = -1      // go on with the following statement
	leave = 0       // leave the block; so does what is undefined
	ret   = 1 << 30 // return from the function
	abort = ret + 1 // end the evaluation; the machine knows why
)

type block []op

func (b block) run(m *machine, f []*ast.Term) int {
	for _, o := range b {
		if s := o(m, f); s != next {
			return s
		}
	}
	return next
}

// outside is what a way out of a block means for the block around it.
func outside(s int) int {
	switch {
	case s <= leave:
		return next
	case s >= ret:
		return s
	}
	return s - 1
}

// block compiles statements in order. References are looked up at once, and what
// is constant is made once.
func (c *compiler) block(b *ir.Block) (block, error) {
	var out block
	b = flat(b)
	stmts := b.Stmts
	for i := 0; i < len(stmts); {
		if n, ops := c.constants(b, i); n > 0 {
			out, i = append(out, ops...), i+n
			continue
		}
		if n, ops, err := c.member(b, i); n > 0 || err != nil {
			if err != nil {
				return nil, err
			}
			out, i = append(out, ops...), i+n
			continue
		}
		if dot, ok := stmts[i].(*ir.DotStmt); ok {
			n, ops, err := c.reference(b, i, dot)
			if err != nil {
				return nil, err
			}
			out, i = append(out, ops...), i+n
			continue
		}
		compiled, err := c.statement(stmts[i])
		if err != nil {
			return nil, err
		}
		if compiled != nil {
			out = append(out, compiled)
		}
		if written := assigned(&ir.Block{Stmts: stmts[i : i+1]}); len(within(stmts[i])) == 0 {
			out = append(out, c.guarded(written...)...)
		}
		i++
	}
	return out, nil
}

// assigned are the locals that the statements of a block write, nested ones too.
func assigned(b *ir.Block) (out []int) {
	each(b, func(s ir.Stmt) {
		switch s := s.(type) {
		case *ir.CallStmt:
			out = append(out, int(s.Result))
		case *ir.CallDynamicStmt:
			out = append(out, int(s.Result))
		case *ir.ScanStmt:
			out = append(out, int(s.Key), int(s.Value))
		case *ir.WithStmt:
			out = append(out, int(s.Local))
		default:
			if l, ok := target(s); ok {
				out = append(out, int(l))
			}
		}
	})
	return out
}

// target is the local that a plain statement writes.
func target(s ir.Stmt) (ir.Local, bool) {
	switch s := s.(type) {
	case *ir.DotStmt:
		return s.Target, true
	case *ir.LenStmt:
		return s.Target, true
	case *ir.AssignIntStmt:
		return s.Target, true
	case *ir.AssignVarStmt:
		return s.Target, true
	case *ir.AssignVarOnceStmt:
		return s.Target, true
	case *ir.ResetLocalStmt:
		return s.Target, true
	case *ir.MakeNullStmt:
		return s.Target, true
	case *ir.MakeNumberIntStmt:
		return s.Target, true
	case *ir.MakeNumberRefStmt:
		return s.Target, true
	case *ir.MakeArrayStmt:
		return s.Target, true
	case *ir.MakeObjectStmt:
		return s.Target, true
	case *ir.MakeSetStmt:
		return s.Target, true
	case *ir.ObjectMergeStmt:
		return s.Target, true
	}
	return 0, false
}

// each visits the statements of a block and of those in it.
func each(b *ir.Block, visit func(ir.Stmt)) {
	for _, s := range b.Stmts {
		visit(s)
		for _, in := range within(s) {
			each(in, visit)
		}
	}
}

// within are the blocks that a statement holds.
func within(s ir.Stmt) []*ir.Block {
	switch s := s.(type) {
	case *ir.BlockStmt:
		return s.Blocks
	case *ir.NotStmt:
		return []*ir.Block{s.Block}
	case *ir.ScanStmt:
		return []*ir.Block{s.Block}
	case *ir.WithStmt:
		return []*ir.Block{s.Block}
	}
	return nil
}

// control compiles the statements that hold others.
func (c *compiler) control(s ir.Stmt) (op, error) {
	switch s := s.(type) {
	case *ir.BlockStmt:
		return c.inner(s)
	case *ir.NotStmt:
		b, err := c.nested(s.Block)
		return func(m *machine, f []*ast.Term) int {
			switch s := b.run(m, f); s {
			case next:
				return leave
			default:
				return outside(s)
			}
		}, err
	case *ir.ScanStmt:
		return c.scan(s)
	case *ir.WithStmt:
		return c.with(s)
	case *ir.BreakStmt:
		levels := int(s.Index)
		return func(*machine, []*ast.Term) int { return levels }, nil
	}
	return nil, nil
}

func (c *compiler) inner(s *ir.BlockStmt) (op, error) {
	list, err := c.blocks(s.Blocks)
	if err != nil {
		return nil, err
	}
	if len(list) == 1 {
		b := list[0]
		return func(m *machine, f []*ast.Term) int { return outside(b.run(m, f)) }, nil
	}
	return func(m *machine, f []*ast.Term) int {
		for _, b := range list {
			if s := outside(b.run(m, f)); s != next {
				return s
			}
		}
		return next
	}, nil
}

func (c *compiler) with(s *ir.WithStmt) (op, error) {
	at := c.local(s.Local)
	c.odd[at] = true
	value := c.operand(s.Value)
	if at == data && len(s.Path) == 0 {
		value.plain = true // data as it was, put back
	}
	path := make([]*ast.Term, len(s.Path))
	for i, p := range s.Path {
		path[i] = c.strings[p]
	}
	b, err := c.nested(s.Block)
	return func(m *machine, f []*ast.Term) int {
		before := f[at]
		v := value.get(m, f)
		if len(path) > 0 {
			if d, ok := valueOf(before).(*document); ok {
				v = d.lay(path, v)
			} else {
				v = upsert(before, path, v)
			}
		}
		m.enter()
		f[at] = v
		s := b.run(m, f)
		f[at] = before
		m.leave()
		switch s {
		case next:
			return next
		case leave:
			return leave
		}
		return outside(s)
	}, err
}

func valueOf(t *ast.Term) ast.Value {
	if t == nil {
		return nil
	}
	return t.Value
}
