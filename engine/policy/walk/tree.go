package walk

import (
	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/topdown"
)

// maxBranches bounds what a tree keeps: a runaway policy tries millions.
const maxBranches = 20_000

// Tree keeps what was tried in one evaluation. Make one with [New]; it is for
// one evaluation and one goroutine.
type Tree struct {
	entry  string // the rule that was asked for
	source source
	input  ast.Value
	names  Names

	branches map[uint64]*branch   // by query
	roots    []*branch            // of the entry point, in order
	tried    map[string][]*branch // by rule, in order: an answer that is known is not looked for again
}

// branch is one branch of a rule that was tried; or, without a rule, the body of
// a negation or a comprehension within one.
type branch struct {
	rule     *ast.Rule
	parent   *branch
	during   *ast.Expr // of the parent, when this one was begun
	children []*branch // rules only: those that bodies began count for the branch
	current  *ast.Expr
	failed   *failure
	done     bool
	value    ast.Value // of a branch that is done, where it can be told
}

// failure is an expression that failed, and what it spoke of.
type failure struct {
	expr  *ast.Expr
	named []Named
}

// New makes a tree for an evaluation of a rule, such as data.routing.decision,
// of a set of modules as they were parsed, on an input.
func New(entry string, modules map[string]*ast.Module, input ast.Value) *Tree {
	return &Tree{entry: entry, source: sourceOf(modules), input: input,
		branches: map[uint64]*branch{}, tried: map[string][]*branch{}}
}

// Enabled is always true.
func (*Tree) Enabled() bool { return true }

// Config asks for the values of variables.
func (*Tree) Config() topdown.TraceConfig { return topdown.TraceConfig{PlugLocalVars: true} }

// TraceEvent takes one step of the evaluation.
func (t *Tree) TraceEvent(e topdown.Event) {
	switch e.Op {
	case topdown.EnterOp:
		t.enter(e)
	case topdown.EvalOp:
		if b := t.branches[e.QueryID]; b != nil {
			if expr, ok := e.Node.(*ast.Expr); ok {
				b.current = expr
			}
		}
	case topdown.FailOp:
		t.fail(e)
	case topdown.ExitOp:
		if b, rule := t.branches[e.QueryID], ruleOf(e.Node); b != nil && rule != nil {
			b.done, b.value = true, result(rule, e.Locals)
		}
	}
}

func ruleOf(n ast.Node) *ast.Rule {
	rule, _ := n.(*ast.Rule)
	return rule
}

func (t *Tree) enter(e topdown.Event) {
	if len(t.branches) >= maxBranches {
		return
	}
	parent := t.branches[e.ParentID]
	b := &branch{rule: ruleOf(e.Node), parent: parent}
	t.branches[e.QueryID] = b
	if parent != nil {
		b.during = parent.current
	}
	if b.rule == nil {
		return
	}
	name := ruleName(b.rule)
	t.tried[name] = append(t.tried[name], b)
	// What a body begins is begun by the branch that it stands in.
	at := b
	for at.parent != nil && at.parent.rule == nil {
		at = at.parent
	}
	if at.parent == nil {
		if name == t.entry {
			t.roots = append(t.roots, b)
		}
		return
	}
	b.during = at.during
	at.parent.children = append(at.parent.children, b)
}

// fail keeps the furthest expression that failed: backtracking comes back to
// those before it.
func (t *Tree) fail(e topdown.Event) {
	b := t.branches[e.QueryID]
	expr, ok := e.Node.(*ast.Expr)
	if b == nil || !ok || b.rule == nil || expr.Location == nil || expr.Location.File == "" {
		return
	}
	if b.failed != nil && expr.Index <= b.failed.expr.Index {
		return
	}
	b.failed = &failure{expr, t.names.Of(e, expr, t.input)}
}

func ruleName(rule *ast.Rule) string { return rule.Ref().GroundPrefix().String() }

// result is what a rule came to, as far as its variables tell; nil where they
// don't.
func result(rule *ast.Rule, locals *ast.ValueMap) ast.Value {
	term := rule.Head.Value
	if rule.Head.Key != nil {
		term = rule.Head.Key
	}
	if term == nil {
		return nil
	}
	plugged, err := ast.TransformVars(term.Copy().Value, func(v ast.Var) (ast.Value, error) {
		if value := locals.Get(v); value != nil {
			return value, nil
		}
		return v, nil
	})
	if v, ok := plugged.(ast.Value); ok && err == nil && v.IsGround() {
		return v
	}
	return nil
}
