package plan

import (
	"slices"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/ir"
)

// doubt finds what OPA's planner (1.22.2) is known to plan for something else
// than was written, without a word. Such sets are left to OPA's evaluator.
func doubt(policy *ir.Policy, rules *ast.TreeNode) error {
	at := newLinker(policy, nil, Options{})
	check := func(params []ir.Local, blocks []*ir.Block) error {
		d := doubter{rules: rules, linker: at, written: append([]ir.Local{ir.Input, ir.Data}, params...)}
		for _, b := range blocks {
			each(b, d.statement)
		}
		return d.err
	}
	for _, p := range policy.Plans.Plans {
		if err := check(nil, p.Blocks); err != nil {
			return err
		}
	}
	for _, f := range policy.Funcs.Funcs {
		if err := check(append(f.Params, f.Return), f.Blocks); err != nil {
			return err
		}
	}
	return nil
}

// doubter looks at the statements of one function in their order.
type doubter struct {
	*linker
	rules   *ast.TreeNode
	written []ir.Local
	err     error
}

func (d *doubter) statement(s ir.Stmt) {
	if d.err != nil {
		return
	}
	if call, ok := s.(*ir.CallDynamicStmt); ok && len(call.Path) > 0 && d.unbalanced(d.rules.Child(ast.DefaultRootDocument.Value), call.Path[1:]) {
		d.err = newCompiler(d.linker, nil).unsupported(s, "a reference by a variable to rules some of which lie deeper")
		return
	}
	for _, l := range values(s) {
		if !slices.Contains(d.written, l) {
			d.err = newCompiler(d.linker, nil).unsupported(s, "a variable that is used before it has a value")
			return
		}
	}
	d.written = append(d.written, writes(s)...)
}

// unbalanced reports whether some rules that a path leads to lie below its end:
// where others lie at its end, the planner forgets the former.
func (d *doubter) unbalanced(node *ast.TreeNode, path []ir.Operand) bool {
	if node == nil {
		return false
	}
	if len(path) == 0 {
		return len(node.Values) == 0 && len(node.Children) > 0
	}
	if name, ok := path[0].Value.(ir.StringIndex); ok {
		return d.unbalanced(node.Child(d.strings[name].Value), path[1:])
	}
	for _, child := range node.Children {
		if d.unbalanced(child, path[1:]) {
			return true
		}
	}
	return false
}

// values are the locals that a statement needs the values of. The planner leaves
// them without one where an equation gives it later: [x, y] = [y, 2].
func values(s ir.Stmt) []ir.Local {
	switch s := s.(type) {
	case *ir.IsDefinedStmt, *ir.IsUndefinedStmt, *ir.ReturnLocalStmt, *ir.CallStmt, *ir.CallDynamicStmt:
		return nil // they take what has none, too
	case *ir.AssignVarOnceStmt:
		return locals(s.Source)
	}
	return readBy(s)
}

// writes are the locals that a statement itself gives a value to.
func writes(s ir.Stmt) (out []ir.Local) {
	if len(within(s)) > 0 {
		if scan, ok := s.(*ir.ScanStmt); ok {
			return []ir.Local{scan.Key, scan.Value}
		}
		return nil
	}
	for _, l := range assigned(&ir.Block{Stmts: []ir.Stmt{s}}) {
		out = append(out, ir.Local(l))
	}
	return out
}
