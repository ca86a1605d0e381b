package walk

import (
	"fmt"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
)

// source is what the compiler took out of the text: rules with their values as
// they were written, and comments.
type source struct {
	rules    map[string]*ast.Rule // by place, branches included
	comments map[string]string    // by file and line: what stands behind "# else:"
	named    map[string]bool      // every rule, such as data.routing.answer
}

// authorSays begins a comment that says what it means when the expression before
// it does not hold.
const authorSays = "else:"

func sourceOf(modules map[string]*ast.Module) source {
	s := source{rules: map[string]*ast.Rule{}, comments: map[string]string{}, named: map[string]bool{}}
	for _, m := range modules {
		for _, rule := range m.Rules {
			s.named[ruleName(rule)] = true
			for branch := rule; branch != nil; branch = branch.Else {
				s.rules[place(branch.Location)] = branch
			}
		}
		for _, c := range m.Comments {
			if text, ok := strings.CutPrefix(strings.TrimSpace(string(c.Text)), authorSays); ok && c.Location != nil {
				s.comments[line(c.Location.File, c.Location.Row)] = strings.TrimSpace(text)
			}
		}
	}
	return s
}

func place(loc *ast.Location) string { return fmt.Sprintf("%s:%d:%d", loc.File, loc.Row, loc.Col) }

func line(file string, row int) string { return fmt.Sprintf("%s:%d", file, row) }

// author is what stands behind an expression, on its last line.
func (s source) author(loc *ast.Location) string {
	row := loc.Row
	if text := string(loc.Text); !strings.HasPrefix(text, "else") {
		row += strings.Count(text, "\n")
	}
	return s.comments[line(loc.File, row)]
}

// name is what a branch is called as a step: the recipe whose rule is its value,
// else the reason that it gives, else the rule itself.
func (s source) name(rule *ast.Rule) string {
	own := lastOf(rule.Ref())
	written := s.rules[place(rule.Location)]
	if written == nil || written.Head.Value == nil {
		return own
	}
	switch v := written.Head.Value.Value.(type) {
	case ast.Var:
		// A rule of the same package, else a variable.
		if path := rule.Ref().GroundPrefix(); s.named[path[:len(path)-1].Append(ast.StringTerm(string(v))).String()] {
			return string(v)
		}
	case ast.Ref:
		return packageOf(v, own)
	case ast.Call:
		if ref, ok := v[0].Value.(ast.Ref); ok {
			return packageOf(ref, own)
		}
	case ast.Object:
		if t := v.Get(ast.StringTerm("reason")); t != nil {
			if reason, ok := t.Value.(ast.String); ok {
				return string(reason)
			}
		}
		if v.Get(ast.StringTerm("reject")) != nil {
			return "reject"
		}
	}
	return own
}

// packageOf is the last package of a reference to a rule: sticky of
// recipes.sticky.decision.
func packageOf(ref ast.Ref, otherwise string) string {
	switch len(ref) {
	case 0, 1:
		return otherwise
	case 2:
		if head, ok := ref[0].Value.(ast.Var); ok {
			return string(head)
		}
	default:
		if text, ok := ref[len(ref)-2].Value.(ast.String); ok {
			return string(text)
		}
	}
	return otherwise
}

func lastOf(ref ast.Ref) string {
	prefix := ref.GroundPrefix()
	switch v := prefix[len(prefix)-1].Value.(type) {
	case ast.String:
		return string(v)
	case ast.Var:
		return string(v)
	}
	return prefix.String()
}

// answers reports whether the value of a branch could be an answer: a constant
// text, say, only hangs a chain up.
func (s source) answers(rule *ast.Rule) bool {
	written := s.rules[place(rule.Location)]
	if written == nil || written.Head.Value == nil {
		return true
	}
	switch written.Head.Value.Value.(type) {
	case ast.String, ast.Number, ast.Null:
		return false
	}
	return true
}
