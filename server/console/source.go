package console

import (
	"context"
	"fmt"
	"strings"

	"switchboard/engine"
)

// ruleView is a rule that took part in a decision, with its lines.
type ruleView struct {
	Rule   string
	File   string
	Line   int
	Labels []pair
	Lines  []lineView
	Gone   bool // the revision is no longer archived
}

type lineView struct {
	N    int
	Text string
	Here bool
}

const (
	linesBefore = 3
	linesAfter  = 8
	maxRules    = 40
)

// rules show what fired, each where it stands in the policy set that decided.
// The last to come true is the entry point, so it is shown first.
func (a *asked) rules(ctx context.Context, ev engine.Evaluation) []ruleView {
	return a.rulesIn(a.filesOf(ctx, ev.Revision), ev.Fired)
}

func (a *asked) rulesIn(files map[string][]byte, fired []engine.Fired) []ruleView {
	var out []ruleView
	for i := len(fired) - 1; i >= 0 && len(out) < maxRules; i-- {
		f := fired[i]
		v := ruleView{Rule: f.Rule, File: f.File, Line: f.Line, Gone: files == nil}
		for _, name := range sortedNames(f.Labels) {
			v.Labels = append(v.Labels, pair{name, a.eyes.text(fmt.Sprint(f.Labels[name]))})
		}
		v.Lines = excerpt(a.eyes.text(string(files[f.File])), f.Line)
		out = append(out, v)
	}
	return out
}

// filesOf are a policy set's files, nil where they are no longer kept.
func (a *asked) filesOf(ctx context.Context, revision string) map[string][]byte {
	if revision == "" {
		return nil
	}
	if now := a.c.o.Policies.Status(); now.Revision == revision {
		return now.Files
	}
	r, err := a.c.o.History.Revision(ctx, revision)
	if err != nil || r == nil {
		return nil
	}
	return r.Files
}

// excerpt are the lines of a rule: from a little before it, to the blank line
// that ends it.
func excerpt(text string, line int) []lineView {
	lines := strings.Split(text, "\n")
	if text == "" || line < 1 || line > len(lines) {
		return nil
	}
	first := max(line-linesBefore, 1)
	var out []lineView
	for n := first; n <= min(line+linesAfter, len(lines)); n++ {
		t := strings.TrimRight(lines[n-1], "\r")
		if n > line && strings.TrimSpace(t) == "" {
			break
		}
		out = append(out, lineView{N: n, Text: strings.ReplaceAll(t, "\t", "    "), Here: n == line})
	}
	return out
}
