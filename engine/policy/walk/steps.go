package walk

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"

	"switchboard/engine"
)

// maxSteps bounds what Steps tells.
const maxSteps = 100

// Steps tells the steps of the evaluation in the order in which they were tried.
func (t *Tree) Steps() []engine.Step {
	path := t.path()
	if len(path) == 0 {
		return t.inVain()
	}
	// The longest chain is the one that the policies call their steps; what its
	// steps tried inside is their own affair.
	longest := 0
	for i, series := range path {
		if len(series) > len(path[longest]) {
			longest = i
		}
	}
	steps := []engine.Step{}
	for _, series := range path[:longest+1] {
		steps = append(steps, t.failures(series[:len(series)-1])...)
	}
	named := path[longest]
	return append(steps, t.answered(named[len(named)-1], last(path)))
}

func last(path [][]*branch) *branch {
	series := path[len(path)-1]
	return series[len(series)-1]
}

// path goes from the entry point to the rule that made the answer. Each part is
// a rule's branches as they were tried, the last of which has the value.
func (t *Tree) path() (path [][]*branch) {
	all := seriesOf(t.roots)
	for len(all) > 0 && len(path) < maxDepth {
		i := slices.IndexFunc(all, func(s []*branch) bool { return s[len(s)-1].done })
		if i < 0 {
			break
		}
		path = append(path, all[i])
		at := all[i][len(all[i])-1]
		all = slices.DeleteFunc(seriesOf(at.children), func(s []*branch) bool {
			end := s[len(s)-1]
			return !end.done || !sameAnswer(end.value, at.value)
		})
		if len(all) == 0 {
			all = t.before(at)
		}
	}
	return path
}

// before finds a rule that at asks for and that had its value already.
func (t *Tree) before(at *branch) (out [][]*branch) {
	for _, expr := range at.rule.Body {
		ast.WalkRefs(expr, func(ref ast.Ref) bool {
			for _, s := range seriesOf(t.tried[ref.GroundPrefix().String()]) {
				if end := s[len(s)-1]; end != at && len(end.rule.Head.Args) == 0 && end.done && sameAnswer(end.value, at.value) {
					out = append(out, s)
				}
			}
			return false
		})
	}
	return out
}

// seriesOf parts branches into the tries of one rule: up to the branch that has
// a value, or to the last one.
func seriesOf(branches []*branch) (out [][]*branch) {
	for _, b := range branches {
		n := len(out) - 1
		if n >= 0 {
			before := out[n][len(out[n])-1]
			if !before.done && before.parent == b.parent && before.during == b.during && ruleName(before.rule) == ruleName(b.rule) &&
				!startsAnew(before.rule, b.rule) {
				out[n] = append(out[n], b)
				continue
			}
		}
		out = append(out, []*branch{b})
	}
	return out
}

// startsAnew reports whether b is a first branch again: the same function with
// other arguments.
func startsAnew(before, b *ast.Rule) bool {
	if before.Location.File != b.Location.File {
		return false
	}
	return b.Location.Row < before.Location.Row || b == before
}

// sameAnswer reports whether a value is handed on as another: itself, or with
// more said of the same answer.
func sameAnswer(a, b ast.Value) bool {
	if a == nil || b == nil {
		return false
	}
	if a.Compare(b) == 0 {
		return true
	}
	x, ok := a.(ast.Object)
	y, also := b.(ast.Object)
	if !ok || !also {
		return false
	}
	for _, name := range []string{"call_forwarding_number", "reason", "reject"} {
		v, w := x.Get(ast.StringTerm(name)), y.Get(ast.StringTerm(name))
		if (v == nil) != (w == nil) || v != nil && v.Value.Compare(w.Value) != 0 {
			return false
		}
	}
	return x.Get(ast.StringTerm("call_forwarding_number")) != nil || x.Get(ast.StringTerm("reject")) != nil
}

// inVain are the steps where none answered: the branches of the first rule on
// the way down that has several, else those of the entry point.
func (t *Tree) inVain() []engine.Step {
	if len(t.roots) == 0 {
		return []engine.Step{}
	}
	best := seriesOf(t.roots)[0]
	for depth, at := 0, t.roots; depth < maxDepth && len(at) > 0; depth++ {
		var below []*branch
		for _, b := range at {
			if b.failed == nil || b.done {
				continue
			}
			for _, s := range seriesOf(t.asked(b)) {
				if len(s) > len(best) && t.source.answers(s[len(s)-1].rule) && !s[len(s)-1].done {
					best = s
				}
				below = append(below, s...)
			}
		}
		if len(best) > 2 {
			break
		}
		at = below
	}
	return t.failures(best)
}

// failures are the steps of branches that had no value.
func (t *Tree) failures(branches []*branch) []engine.Step {
	var steps []engine.Step
	for _, b := range branches {
		if !t.source.answers(b.rule) || len(steps) == maxSteps {
			continue
		}
		s := engine.Step{Name: t.source.name(b.rule), Rule: ruleName(b.rule), File: b.rule.Location.File, Line: b.rule.Location.Row}
		why, at := t.because(t.chain(b, 0))
		if s.Because = why; why == nil {
			s.Text = fmt.Sprintf("not %s, %s:%d", s.Name, s.File, s.Line)
		} else {
			s.Text = fmt.Sprintf("not %s: %s, %s:%d", s.Name, sentence(why, at), why.File, why.Line)
		}
		steps = append(steps, s)
	}
	return steps
}

// sentence says why an expression did not hold.
func sentence(why *engine.Because, at link) string {
	if why.Author != "" {
		return why.Author
	}
	var missing, with []string
	for _, name := range slices.Sorted(maps.Keys(why.Where)) {
		if value := why.Where[name]; value == "undefined" {
			missing = append(missing, name)
		} else {
			with = append(with, name+" = "+value)
		}
	}
	if _, asked, assigns := strings.Cut(why.Expression, " := "); assigns && len(missing) == 0 {
		// An assignment fails only for want of a value.
		return "`" + asked + "` is not there" + bracketed(with)
	}
	text := "`" + why.Expression + "` does not hold"
	if len(missing) > 0 && missing[0] == why.Expression {
		return "`" + why.Expression + "` is not there"
	}
	if len(missing) > 0 {
		text += ", for " + strings.Join(missing, " and ") + " is not there"
	}
	if at.value != nil && !ast.Boolean(true).Equal(at.value) {
		if value := at.value.String(); len(value) <= maxValue {
			with = append(with, "it is "+value)
		}
	}
	return text + bracketed(with)
}

func bracketed(with []string) string {
	if len(with) == 0 {
		return ""
	}
	return " (" + strings.Join(with, ", ") + ")"
}

// answered is the step that answered, and the rule that made the answer.
func (t *Tree) answered(b, maker *branch) engine.Step {
	s := engine.Step{Name: t.source.name(b.rule), Answered: true, Rule: ruleName(b.rule), File: b.rule.Location.File, Line: b.rule.Location.Row,
		Because: &engine.Because{Rule: ruleName(maker.rule), File: maker.rule.Location.File, Line: maker.rule.Location.Row}}
	s.Text = fmt.Sprintf("%s answered%s: %s, %s:%d", s.Name, said(maker.value), s.Because.Rule, s.Because.File, s.Because.Line)
	return s
}

// said is an answer in a few words.
func said(v ast.Value) string {
	obj, ok := v.(ast.Object)
	if !ok {
		return ""
	}
	text := ""
	if t := obj.Get(ast.StringTerm("call_forwarding_number")); t != nil {
		text = " " + strings.Trim(t.Value.String(), `"`)
	} else if t := obj.Get(ast.StringTerm("reject")); t != nil {
		text = " with a rejection"
	}
	if t := obj.Get(ast.StringTerm("reason")); t != nil {
		text += " (" + strings.Trim(t.Value.String(), `"`) + ")"
	}
	return text
}
