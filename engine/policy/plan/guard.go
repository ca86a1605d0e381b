package plan

import (
	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/ir"
)

// OPA's evaluator leaves out, by its index, rules that the input or the files
// rule out, before it does anything that shows: reads the history, calls a
// builtin that fails. A plan has the statements of a rule in their order. So what
// a rule asks of the input and the files after such a thing is looked at first.

// guards are the tests to make before a rule's block.
func (c *compiler) guards(b *ir.Block) (out block) {
	shows := false
	for {
		b = flat(b)
		var inner *ir.Block
		for i := 0; i < len(b.Stmts); i++ {
			switch s := b.Stmts[i].(type) {
			case *ir.CallStmt, *ir.CallDynamicStmt:
				shows = true
			case *ir.DotStmt:
				source, _ := s.Source.Value.(ir.Local)
				if source != ir.Input && source != ir.Data {
					continue
				}
				keys, n := c.fixedKeys(b, i)
				if len(keys) == 0 || source == ir.Data && c.isMounted(keys[0]) {
					shows = shows || source == ir.Data
					continue
				}
				if shows {
					out = append(out, c.asked(source, keys, c.compared(b, i+n-1))...)
				}
				i += n - 1
			case *ir.ScanStmt:
				shows = true
				if i == len(b.Stmts)-1 {
					inner = s.Block
				}
			}
		}
		// What a rule says after "some" stands in the loop, and nothing behind it;
		// behind the loop of an "every" the rule goes on.
		if inner == nil {
			return out
		}
		b = inner
	}
}

// fixedKeys are the constant keys of the reference that begins at i, as far as
// they go, and how many statements they are.
func (c *compiler) fixedKeys(b *ir.Block, i int) (keys []*ast.Term, n int) {
	dot := b.Stmts[i].(*ir.DotStmt)
	for {
		index, ok := dot.Key.Value.(ir.StringIndex)
		if !ok {
			return keys, max(n, 1)
		}
		keys, n = append(keys, c.strings[index]), n+1
		if i+n == len(b.Stmts) {
			return keys, n
		}
		following, ok := b.Stmts[i+n].(*ir.DotStmt)
		if !ok {
			return keys, n
		}
		if l, ok := following.Source.Value.(ir.Local); !ok || l != dot.Target {
			return keys, n
		}
		dot = following
	}
}

// compared is the constant that the statement after the dot at i holds the dot's
// value against; nil for none.
func (c *compiler) compared(b *ir.Block, i int) *ast.Term {
	if i+1 >= len(b.Stmts) {
		return nil
	}
	equal, ok := b.Stmts[i+1].(*ir.EqualStmt)
	if !ok {
		return nil
	}
	target := ir.Operand{Value: b.Stmts[i].(*ir.DotStmt).Target}
	for _, pair := range [][2]ir.Operand{{equal.A, equal.B}, {equal.B, equal.A}} {
		if _, local := pair[1].Value.(ir.Local); pair[0] == target && !local {
			return c.constant(pair[1])
		}
	}
	return nil
}

func (c *compiler) isMounted(key *ast.Term) bool {
	root, _ := key.Value.(ast.String)
	return c.opts.Mounted(string(root))
}

// asked is the test that something lies at keys, and that it is want where that
// is not nil.
func (c *compiler) asked(source ir.Local, keys []*ast.Term, want *ast.Term) block {
	holds := func(t *ast.Term) int {
		if t == nil || want != nil && !same(t, want) {
			return leave
		}
		return next
	}
	if source == ir.Input {
		slot, _ := c.field(keys) // texts all
		return block{func(m *machine, f []*ast.Term) int { return holds(m.field(f, keys, slot)) }}
	}
	t := c.program.files
	for _, key := range keys {
		t = stored(t, key)
	}
	s := holds(t)
	if s == next {
		return nil // always
	}
	return block{func(_ *machine, f []*ast.Term) int {
		if d, ok := valueOf(f[data]).(*document); ok && d.laid == nil {
			return s
		}
		return next
	}}
}

// isRule reports whether a block is that of a rule, or of an else: the planner
// begins them so.
func isRule(b *ir.Block) bool {
	if len(b.Stmts) < 2 {
		return false
	}
	switch b.Stmts[0].(type) {
	case *ir.ResetLocalStmt, *ir.IsUndefinedStmt:
		return true
	}
	return false
}
