package walk

import (
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"

	"switchboard/engine"
)

// Bounds on a cause.
const (
	maxDepth = 12  // rules from a step down to its cause
	maxValue = 120 // characters of a value; what is longer says nothing
	maxText  = 160 // of an expression
)

// link is one expression on the way from a step down to its cause.
type link struct {
	rule  *ast.Rule
	at    *failure
	value ast.Value // of the rule behind a "not" that held
}

// chain follows a branch that failed down to the innermost expression.
func (t *Tree) chain(b *branch, depth int) []link {
	if b == nil || b.failed == nil {
		return nil
	}
	here := link{rule: b.rule, at: b.failed}
	if b.failed.expr.Negated {
		// It failed for a rule that holds: that one's value is all there is to say.
		for _, c := range t.asked(b) {
			if c.done {
				here.value = c.value
			}
		}
		return []link{here}
	}
	if depth >= maxDepth {
		return []link{here}
	}
	return append([]link{here}, t.chain(t.culprit(b), depth+1)...)
}

// asked are the branches that the failed expression of b tried, or that were
// tried for it earlier.
func (t *Tree) asked(b *branch) []*branch {
	var out []*branch
	for _, c := range b.children {
		if c.during == b.failed.expr {
			out = append(out, c)
		}
	}
	if len(out) > 0 {
		return out
	}
	// Known from before: only rules, for a function's answer is another one's for
	// other arguments.
	ast.WalkRefs(b.failed.expr, func(ref ast.Ref) bool {
		for n := len(ref); n > 1 && out == nil; n-- {
			for _, c := range t.tried[ref[:n].GroundPrefix().String()] {
				if len(c.rule.Head.Args) == 0 {
					out = append(out, c)
				}
			}
		}
		return false
	})
	return out
}

// culprit is the branch that tells best why the failed expression of b has no
// value: of the first rule without one, the branch that got furthest. nil where
// all rules that it asked have one.
func (t *Tree) culprit(b *branch) *branch {
	asked := t.asked(b)
	holds := map[string]bool{}
	for _, c := range asked {
		if c.done {
			holds[ruleName(c.rule)] = true
		}
	}
	var best *branch
	for _, c := range asked {
		switch name := ruleName(c.rule); {
		case c.failed == nil || holds[name]:
		case best == nil:
			best = c
		case ruleName(best.rule) == name && c.failed.expr.Index > best.failed.expr.Index:
			best = c
		}
	}
	return best
}

// because tells the innermost expression of a chain for which its author has a
// word, else the innermost.
func (t *Tree) because(chain []link) (*engine.Because, link) {
	if len(chain) == 0 {
		return nil, link{}
	}
	at := chain[len(chain)-1]
	author := ""
	for i := len(chain) - 1; i >= 0 && author == ""; i-- {
		if author = t.source.author(chain[i].at.expr.Location); author != "" {
			at = chain[i]
		}
	}
	loc := at.at.expr.Location
	out := &engine.Because{Rule: ruleName(at.rule), File: loc.File, Line: loc.Row, Expression: oneLine(Text(loc)), Author: author}
	for _, n := range at.at.named {
		text := "undefined"
		if n.Value != nil {
			text = n.Value.String()
		}
		if len(text) > maxValue {
			continue
		}
		if out.Where == nil {
			out.Where = map[string]string{}
		}
		out.Where[n.Name] = text
	}
	return out, at
}

func oneLine(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	if runes := []rune(s); len(runes) > maxText {
		return string(runes[:maxText]) + "..."
	}
	return s
}
