package plan

import "github.com/open-policy-agent/opa/v1/ir"

// reference compiles the dots of one reference together. Below the data document
// that is more than a matter of speed: a mounted document is asked for the whole
// path or refuses.
//
// It returns how many statements were taken.
func (c *compiler) reference(b *ir.Block, i int, first *ir.DotStmt) (int, []op, error) {
	keys := []ir.Operand{first.Key}
	last, taken := first, 1
	var before []op // what makes keys
	for {
		j := i + taken
		k := c.beforeDot(b, j, last.Target)
		if k < 0 || reads(b, i, last.Target) != 1 {
			break
		}
		made, err := c.each(b.Stmts[j : j+k])
		if err != nil {
			return 0, nil, err
		}
		before = append(before, made...)
		last = b.Stmts[j+k].(*ir.DotStmt)
		keys, taken = append(keys, last.Key), taken+k+1
	}
	looked, err := c.lookup(first.Source, keys, last)
	return taken, append(append(before, looked), c.guarded(int(last.Target))...), err
}

// beforeDot counts the statements from j on that make a key for a dot on source;
// negative where no such dot follows.
func (c *compiler) beforeDot(b *ir.Block, j int, source ir.Local) int {
	for k := j; k < len(b.Stmts); k++ {
		switch s := b.Stmts[k].(type) {
		case *ir.MakeNumberRefStmt, *ir.MakeNullStmt, *ir.MakeNumberIntStmt:
		case *ir.DotStmt:
			if l, ok := s.Source.Value.(ir.Local); ok && l == source {
				return k - j
			}
			return -1
		default:
			return -1
		}
	}
	return -1
}

func (c *compiler) each(stmts []ir.Stmt) (out []op, err error) {
	for _, s := range stmts {
		o, err := c.statement(s)
		if err != nil {
			return nil, err
		}
		out = append(out, o)
	}
	return out, nil
}

// reads counts how often the statements of a block from i on read a local.
func reads(b *ir.Block, i int, l ir.Local) (n int) {
	count := func(s ir.Stmt) {
		for _, r := range readBy(s) {
			if r == l {
				n++
			}
		}
	}
	each(&ir.Block{Stmts: b.Stmts[i:]}, count)
	return n
}

// readBy are the locals that a statement itself reads.
func readBy(s ir.Stmt) []ir.Local {
	switch s := s.(type) {
	case *ir.ReturnLocalStmt:
		return []ir.Local{s.Source}
	case *ir.CallStmt:
		return locals(s.Args...)
	case *ir.CallDynamicStmt:
		return append(locals(s.Path...), s.Args...)
	case *ir.DotStmt:
		return locals(s.Source, s.Key)
	case *ir.LenStmt:
		return locals(s.Source)
	case *ir.ScanStmt:
		return []ir.Local{s.Source}
	case *ir.AssignVarStmt:
		return locals(s.Source)
	case *ir.AssignVarOnceStmt:
		return append(locals(s.Source), s.Target)
	case *ir.EqualStmt:
		return locals(s.A, s.B)
	case *ir.NotEqualStmt:
		return locals(s.A, s.B)
	case *ir.IsArrayStmt:
		return locals(s.Source)
	case *ir.IsObjectStmt:
		return locals(s.Source)
	case *ir.IsSetStmt:
		return locals(s.Source)
	case *ir.IsDefinedStmt:
		return []ir.Local{s.Source}
	case *ir.IsUndefinedStmt:
		return []ir.Local{s.Source}
	case *ir.ArrayAppendStmt:
		return append(locals(s.Value), s.Array)
	case *ir.ObjectInsertStmt:
		return append(locals(s.Key, s.Value), s.Object)
	case *ir.ObjectInsertOnceStmt:
		return append(locals(s.Key, s.Value), s.Object)
	case *ir.ObjectMergeStmt:
		return []ir.Local{s.A, s.B}
	case *ir.SetAddStmt:
		return append(locals(s.Value), s.Set)
	case *ir.WithStmt:
		return append(locals(s.Value), s.Local)
	case *ir.ResultSetAddStmt:
		return []ir.Local{s.Value}
	}
	return nil
}

func locals(list ...ir.Operand) (out []ir.Local) {
	for _, o := range list {
		if l, ok := o.Value.(ir.Local); ok {
			out = append(out, l)
		}
	}
	return out
}
