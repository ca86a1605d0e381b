package plan

import "github.com/open-policy-agent/opa/v1/ir"

// flat is a block with the references in it in one piece. The planner puts the
// end of a reference into blocks of its own, for where it finds nothing:
//
//	block
//	  block
//	    dot, dot ...
//	    break 1      # found: go on after the outer block
//	  break 1        # not found: leave the block around
//
// Where nothing is done on the way, the dots alone mean the same.
func flat(b *ir.Block) *ir.Block {
	for i, s := range b.Stmts {
		if _, ok := rest(s); !ok {
			continue
		}
		out := append([]ir.Stmt(nil), b.Stmts[:i]...)
		for _, s := range b.Stmts[i:] {
			if dots, ok := rest(s); ok {
				out = append(out, dots...)
			} else {
				out = append(out, s)
			}
		}
		return &ir.Block{Stmts: out}
	}
	return b
}

// rest are the dots of such a statement, if it is one.
func rest(s ir.Stmt) ([]ir.Stmt, bool) {
	outer, ok := only(s)
	if !ok || len(outer.Stmts) != 2 || !leavesTwo(outer.Stmts[1]) {
		return nil, false
	}
	inner, ok := only(outer.Stmts[0])
	if !ok || len(inner.Stmts) == 0 {
		return nil, false
	}
	n := len(inner.Stmts) - 1
	if !leavesTwo(inner.Stmts[n]) {
		return nil, false
	}
	for _, s := range inner.Stmts[:n] {
		switch s.(type) {
		case *ir.DotStmt, *ir.MakeNumberRefStmt, *ir.MakeNumberIntStmt, *ir.MakeNullStmt:
		default:
			return nil, false
		}
	}
	return inner.Stmts[:n], true
}

// only is the block of a statement that is nothing but one block.
func only(s ir.Stmt) (*ir.Block, bool) {
	b, ok := s.(*ir.BlockStmt)
	if !ok || len(b.Blocks) != 1 {
		return nil, false
	}
	return b.Blocks[0], true
}

// leavesTwo reports whether a statement leaves its block and the one around.
func leavesTwo(s ir.Stmt) bool {
	b, ok := s.(*ir.BreakStmt)
	return ok && b.Index == 1
}
