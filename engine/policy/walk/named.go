package walk

import (
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/topdown"
)

// Named is a variable or a part of the input that an expression speaks of.
type Named struct {
	Name  string
	Value ast.Value // nil: undefined
}

// Names finds what expressions speak of. The zero value is ready.
type Names struct {
	inputs map[*ast.Expr][]ast.Ref
}

// Of returns the variables and the parts of the input that an expression speaks
// of, under the author's names, each once.
func (n *Names) Of(e topdown.Event, expr *ast.Expr, input ast.Value) (out []Named) {
	add := func(name string, v ast.Value) {
		if !slices.ContainsFunc(out, func(o Named) bool { return o.Name == name }) {
			out = append(out, Named{name, v})
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
			field, err := value.Find(v[1:])
			if err != nil {
				field = nil
			}
			add(append(ast.Ref{ast.VarTerm(name)}, v[1:]...).String(), field)
			return true
		}
		return false
	})
	if input != nil {
		for _, ref := range n.inputsOf(expr) {
			field, err := input.Find(ref[1:])
			if err != nil {
				field = nil
			}
			add(ref.String(), field)
		}
	}
	if len(out) == 0 && e.Locals != nil {
		// The compiler took the expression apart, and this piece speaks of
		// variables of its own making: show the author's.
		e.Locals.Iter(func(k, _ ast.Value) bool {
			if name, value := local(e, k.(ast.Var)); value != nil {
				add(name, value)
			}
			return false
		})
		slices.SortFunc(out, func(a, b Named) int { return strings.Compare(a.Name, b.Name) })
	}
	return out
}

// inputsOf are the parts of the input that an expression was written with. The
// compiler may have moved them into expressions of their own.
func (n *Names) inputsOf(expr *ast.Expr) []ast.Ref {
	refs, known := n.inputs[expr]
	if known {
		return refs
	}
	if body, err := ast.ParseBody(Text(expr.Location)); err == nil {
		ast.WalkRefs(body, func(ref ast.Ref) bool {
			if ref[0].Equal(ast.InputRootDocument) && len(ref) > 1 && ref.IsGround() {
				refs = append(refs, ref)
			}
			return false
		})
	}
	if n.inputs == nil {
		n.inputs = map[*ast.Expr][]ast.Ref{}
	}
	n.inputs[expr] = refs
	return refs
}

// local is what the author called a variable, and its value; nil where it has
// none or is of the compiler's making.
func local(e topdown.Event, v ast.Var) (string, ast.Value) {
	meta, ok := e.LocalMetadata[v]
	if !ok || e.Locals == nil || meta.Name.IsGenerated() || meta.Name.IsWildcard() {
		return "", nil
	}
	return string(meta.Name), e.Locals.Get(v)
}

// Text is an expression as its author wrote it. The place of a condition that
// stands behind "if" on the line of an "else" is that of the whole rest of the
// rule; then it is what stands behind "if" on that line.
func Text(loc *ast.Location) string {
	text := string(loc.Text)
	if !strings.HasPrefix(text, "else") {
		return text
	}
	line, _, _ := strings.Cut(text, "\n")
	line, _, _ = strings.Cut(line, " #")
	if _, condition, ok := strings.Cut(line, " if "); ok {
		line = strings.TrimSuffix(strings.TrimSpace(condition), "{")
	}
	return strings.TrimSpace(line)
}
