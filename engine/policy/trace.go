package policy

import (
	"fmt"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/topdown"
	"github.com/open-policy-agent/opa/v1/topdown/print"

	"switchboard/engine/policy/walk"
)

// tracer writes down what a person wants to know of an evaluation. It keeps
// lines, not events: a runaway policy makes millions of those.
type tracer struct {
	input   ast.Value
	lines   []string
	dropped int
	depth   map[uint64]int    // of the rules' queries, by query id
	failed  map[uint64]string // the last failure told of a query
	names   walk.Names
}

func (*tracer) Enabled() bool               { return true }
func (*tracer) Config() topdown.TraceConfig { return topdown.TraceConfig{PlugLocalVars: true} }

// TraceEvent takes one step of the evaluation.
func (t *tracer) TraceEvent(e topdown.Event) {
	switch node := e.Node.(type) {
	case *ast.Rule:
		switch e.Op {
		case topdown.EnterOp:
			t.depth[e.QueryID] = t.depth[e.ParentID] + 1
			t.say(e.QueryID, "try %s %s", ruleName(node), place(node.Location))
		case topdown.ExitOp:
			t.say(e.QueryID, "ok  %s%s %s", ruleName(node), t.result(node, e.Locals), place(node.Location))
		}
	case ast.Body:
		// A comprehension, a negation, the query itself: their rules stand
		// where they stand, what fails inside is no news.
		if e.Op == topdown.EnterOp {
			t.depth[e.QueryID] = t.depth[e.ParentID]
		}
	case *ast.Expr:
		if e.Op == topdown.FailOp && !isNote(node) && node.Location != nil && node.Location.File != "" {
			t.fail(e, node)
		}
	}
}

func (t *tracer) fail(e topdown.Event, expr *ast.Expr) {
	if len(t.lines) >= maxTraceLines {
		t.dropped++
		return
	}
	line := fmt.Sprintf("  no  %s %s%s", oneLine(walk.Text(expr.Location)), place(expr.Location), t.values(e, expr))
	// Backtracking comes back to the same expression with the same values.
	if t.failed[e.QueryID] == line {
		return
	}
	t.failed[e.QueryID] = line
	t.say(e.QueryID, "%s", line)
}

func (t *tracer) say(query uint64, format string, args ...any) {
	if len(t.lines) >= maxTraceLines {
		t.dropped++
		return
	}
	t.lines = append(t.lines, strings.Repeat("  ", max(t.depth[query]-1, 0))+fmt.Sprintf(format, args...))
}

// Print takes what a policy prints.
func (t *tracer) Print(c print.Context, text string) error {
	t.say(0, "print %s %s", short(text), place(c.Location))
	return nil
}

// values are the variables and the input that an expression speaks of.
func (t *tracer) values(e topdown.Event, expr *ast.Expr) string {
	var parts []string
	for _, n := range t.names.Of(e, expr, t.input) {
		if n.Value == nil {
			parts = append(parts, n.Name+" is undefined")
		} else {
			parts = append(parts, n.Name+" = "+shown(n.Value))
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return "  where " + strings.Join(parts, ", ")
}

// result is what a rule came to, as far as its variables tell.
func (t *tracer) result(rule *ast.Rule, locals *ast.ValueMap) string {
	term := rule.Head.Value
	if rule.Head.Key != nil {
		term = rule.Head.Key
	}
	if term == nil || ast.Boolean(true).Equal(term.Value) {
		return ""
	}
	plugged, err := ast.TransformVars(term.Copy().Value, func(v ast.Var) (ast.Value, error) {
		if value := locals.Get(v); value != nil {
			return value, nil
		}
		return v, nil
	})
	if v, ok := plugged.(ast.Value); ok && err == nil && v.IsGround() {
		return " = " + shown(v)
	}
	return ""
}

func ruleName(rule *ast.Rule) string { return rule.Ref().GroundPrefix().String() }

func place(loc *ast.Location) string {
	if loc == nil {
		return ""
	}
	return fmt.Sprintf("(%s:%d)", loc.File, loc.Row)
}

// shown is a value in one short line.
func shown(v ast.Value) string { return short(v.String()) }

func oneLine(s string) string { return short(strings.Join(strings.Fields(s), " ")) }

func short(s string) string {
	if runes := []rune(s); len(runes) > maxTraceValue {
		return string(runes[:maxTraceValue]) + "..."
	}
	return s
}
