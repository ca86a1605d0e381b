package policy

import (
	"fmt"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/topdown"
	"github.com/open-policy-agent/opa/v1/topdown/print"
)

// tracer writes down what a person wants to know of an evaluation. It keeps
// lines, not events: a runaway policy makes millions of those.
type tracer struct {
	input   ast.Value
	lines   []string
	dropped int
	depth   map[uint64]int    // of the rules' queries, by query id
	failed  map[uint64]string // the last failure told of a query
	inputs  map[*ast.Expr][]ast.Ref
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
	line := fmt.Sprintf("  no  %s %s%s", oneLine(string(expr.Location.Text)), place(expr.Location), t.values(e, expr))
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
	add := func(name string, v ast.Value) {
		if part := name + " = " + shown(v); !slices.Contains(parts, part) {
			parts = append(parts, part)
		}
	}
	ast.WalkTerms(expr, func(term *ast.Term) bool {
		switch v := term.Value.(type) {
		case ast.Var:
			if name, value := local(e, v); value != nil {
				add(name, value)
			}
		case ast.Ref:
			// A field of a call says more than the call.
			head, _ := v[0].Value.(ast.Var)
			name, value := local(e, head)
			if value == nil || !v[1:].IsGround() {
				return false
			}
			named := append(ast.Ref{ast.VarTerm(name)}, v[1:]...).String()
			if field, err := value.Find(v[1:]); err == nil {
				add(named, field)
			} else {
				parts = append(parts, named+" is undefined")
			}
			return true
		}
		return false
	})
	for _, ref := range t.inputsOf(expr) {
		if value, err := t.input.Find(ref[1:]); err == nil {
			add(ref.String(), value)
		} else {
			parts = append(parts, ref.String()+" is undefined")
		}
	}
	if len(parts) == 0 {
		// The compiler took the expression apart, and this piece speaks of
		// variables of its own making: show the author's.
		e.Locals.Iter(func(k, _ ast.Value) bool {
			if name, value := local(e, k.(ast.Var)); value != nil {
				add(name, value)
			}
			return false
		})
		slices.Sort(parts)
	}
	if len(parts) == 0 {
		return ""
	}
	return "  where " + strings.Join(parts, ", ")
}

// inputsOf are the parts of the input that an expression was written with. The
// compiler may have moved them into expressions of their own.
func (t *tracer) inputsOf(expr *ast.Expr) []ast.Ref {
	refs, known := t.inputs[expr]
	if known {
		return refs
	}
	if body, err := ast.ParseBody(string(expr.Location.Text)); err == nil {
		ast.WalkRefs(body, func(ref ast.Ref) bool {
			if ref[0].Equal(ast.InputRootDocument) && len(ref) > 1 && ref.IsGround() {
				refs = append(refs, ref)
			}
			return false
		})
	}
	t.inputs[expr] = refs
	return refs
}

// local is what the author called a variable, and its value; nil where it has
// none or is of the compiler's making.
func local(e topdown.Event, v ast.Var) (string, ast.Value) {
	meta, ok := e.LocalMetadata[v]
	if !ok || meta.Name.IsGenerated() || meta.Name.IsWildcard() {
		return "", nil
	}
	return string(meta.Name), e.Locals.Get(v)
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
