package policy

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"switchboard/engine"
)

// TestRandomPolicies makes policies out of a small grammar and asks both
// evaluators. Nearly half of them do not compile, or conflict with themselves;
// the others reach every corner of the language that a rule can be written in.
func TestRandomPolicies(t *testing.T) {
	tried, answered, more := 0, 0, 0
	rapid.Check(t, func(rt *rapid.T) {
		g := &grammar{t: rt}
		text := g.policy()
		s, err := tryCompileBy(t, newCompiler(nil), map[string]string{"routing/routing.rego": text}, randomData())
		if s == nil || err != nil {
			rt.Skip(err)
		}
		tried++
		q := testQuestion()
		q.CallID = rapid.SampledFrom([]string{"a", "b", "call00"}).Draw(rt, "call")
		calls := rapid.IntRange(0, 3).Draw(rt, "calls")
		fast, sure := bothAnswer(t, s, q, func() engine.View { return sampleView(calls) })
		if sure.err == nil {
			answered++
		}
		what := differ(fast, sure)
		if excused(what, fast, sure) {
			more++
		} else if what != "" {
			rt.Fatalf("they differ by %s\nplan: %+v %v\nOPA:  %+v %v\n%s", what, fast.Evaluation, fast.err, sure.Evaluation, sure.err, text)
		}
	})
	t.Logf("%d policies, %d answers, %d tried other rules", tried, answered, more)
}

// excused are differences that the plan's documentation owns up to: which rules
// were tried beyond those that decide, and what they read.
func excused(what string, fast, sure outcome) bool {
	return (strings.HasPrefix(what, "what is read") || strings.HasPrefix(what, "the rules") || strings.HasPrefix(what, "the builtins")) &&
		fmt.Sprint(fast.err) == fmt.Sprint(sure.err)
}

func bothAnswer(t testing.TB, s *Set, q engine.Question, view func() engine.View) (fast, sure outcome) {
	t.Helper()
	fast.Evaluation, fast.err = s.Evaluate(t.Context(), q, view())
	sure.Evaluation, sure.err = slow(s).Evaluate(t.Context(), q, view())
	return fast, sure
}

func randomData() map[string]any {
	return map[string]any{"d": map[string]any{
		"t": map[string]any{"a": "x", "b": []any{"a", "b"}, "c": map[string]any{"a": 1.0, "b": 2.0}},
		"l": []any{"a", "b", "c", "a"}, "n": 2.0, "f": false,
	}}
}

// grammar writes a policy.
type grammar struct {
	t     *rapid.T
	rules []rule // those that may be spoken of
	vars  []string
	n     int
	depth int
}

type rule struct {
	name string
	kind string
}

func (g *grammar) pick(list ...string) string {
	return list[rapid.IntRange(0, len(list)-1).Draw(g.t, "pick")]
}

func (g *grammar) chance(in int) bool { return rapid.IntRange(1, in).Draw(g.t, "chance") == 1 }

func (g *grammar) policy() string {
	var b strings.Builder
	b.WriteString("package routing\n\n")
	for i := range rapid.IntRange(1, 5).Draw(g.t, "rules") {
		r := rule{fmt.Sprintf("r%d", i), g.pick("complete", "value", "set", "object", "function")}
		if g.chance(6) && r.kind == "value" {
			fmt.Fprintf(&b, "default %s := %s\n\n", r.name, g.scalar())
		}
		definitions := rapid.IntRange(1, 3).Draw(g.t, "definitions")
		if g.chance(20) {
			definitions += 12 // so many that the index chooses
		}
		for range definitions {
			b.WriteString(g.rule(r) + "\n\n")
		}
		g.rules = append(g.rules, r)
	}
	if g.chance(2) {
		// Everything that the rules come to.
		var all []string
		for _, r := range g.rules {
			if r.kind == "function" {
				all = append(all, fmt.Sprintf("[x | x := %s(%s)]", r.name, g.scalar()))
			} else {
				all = append(all, fmt.Sprintf("[x | x := %s]", r.name))
			}
		}
		fmt.Fprintf(&b, "decision := {\"reject\": true, \"reason\": sprintf(\"%%v\", [[%s]])}\n", strings.Join(all, ", "))
		return b.String()
	}
	fmt.Fprintf(&b, "decision := {\"reject\": true, \"reason\": sprintf(\"%%v\", [%s])} if {\n%s}\n\n", g.head(), g.body(""))
	fmt.Fprintf(&b, "else := {\"reject\": true, \"reason\": \"none\"} if {\n%s}\n", g.body(""))
	return b.String()
}

// head is a value for the head of a rule: the body stands behind it, so it is
// made of what every body has.
func (g *grammar) head() string {
	g.vars = nil
	return g.pick("w", "w", "[w, v0]", "{\"k\": w}")
}

func (g *grammar) rule(r rule) string {
	switch r.kind {
	case "complete":
		return fmt.Sprintf("%s if {\n%s}", r.name, g.body(""))
	case "value":
		text := fmt.Sprintf("%s := %s if {\n%s}", r.name, g.pick("1", "1", "2", `"a"`, "w"), g.body(""))
		for g.chance(2) {
			text += fmt.Sprintf("\n\nelse := %s if {\n%s}", g.pick("1", "3", `"b"`, "w"), g.body(""))
		}
		return text
	case "set":
		return fmt.Sprintf("%s contains %s if {\n%s}", r.name, g.pick("w", "w", `"a"`, "v0"), g.body(""))
	case "object":
		return fmt.Sprintf("%s[%s] := %s if {\n%s}", r.name, g.pick("w", "v0", `"a"`), g.pick("w", "1", "true"), g.body(""))
	}
	return fmt.Sprintf("%s(x) := %s if {\n%s}", r.name, g.pick("1", "w", "x"), g.body("x"))
}

// body binds v0 and w and says a few things besides.
func (g *grammar) body(param string) string {
	g.vars = nil
	if param != "" {
		g.vars = append(g.vars, param)
	}
	lines := []string{"v0 := " + g.expr()}
	g.vars = append(g.vars, "v0")
	for range rapid.IntRange(0, 3).Draw(g.t, "literals") {
		lines = append(lines, g.literal())
	}
	if g.chance(2) {
		lines = append(lines, "some w in "+g.collection())
	} else {
		lines = append(lines, "w := "+g.expr())
	}
	if g.chance(2) {
		g.vars = append(g.vars, "w")
		lines = append(lines, g.literal())
	}
	return "\t" + strings.Join(lines, "\n\t") + "\n"
}

func (g *grammar) fresh() string {
	g.n++
	return fmt.Sprintf("u%d", g.n)
}

func (g *grammar) literal() string {
	g.depth++
	defer func() { g.depth-- }()
	if g.depth > 3 {
		return g.expr() + " != " + g.scalar()
	}
	kinds := []string{"eq", "ne", "lt", "bare", "not", "in", "some", "some2", "assign", "every", "with", "array", "object", "ref", "or"}
	switch kind := g.pick(kinds...); kind {
	case "eq":
		return g.open() + " == " + g.expr()
	case "ne":
		return g.open() + " != " + g.expr()
	case "lt":
		return g.open() + g.pick(" < ", " >= ") + g.expr()
	case "bare":
		return g.expr()
	case "not":
		return "not " + g.simple()
	case "in":
		return g.open() + " in " + g.collection()
	case "some":
		u := g.fresh()
		text := "some " + u + " in " + g.collection() + "\n\t" + u + " != input.did"
		g.vars = append(g.vars, u)
		return text
	case "some2":
		k, u := g.fresh(), g.fresh()
		text := "some " + k + ", " + u + " in " + g.collection() + "\n\t" + k + " != input.did\n\t" + u + " != input.did"
		g.vars = append(g.vars, k, u)
		return text
	case "assign":
		u := g.fresh()
		text := u + " := " + g.expr() + "\n\t" + u + " != input.did"
		g.vars = append(g.vars, u)
		return text
	case "every":
		u := g.fresh()
		vars := g.vars
		domain := g.collection()
		g.vars = append(append([]string(nil), vars...), u)
		body := u + " != input.did; " + g.simple()
		g.vars = vars
		return "every " + u + " in " + domain + " { " + body + " }"
	case "with":
		return g.simple() + " with " + g.pick("input.did", "input.xs", "input", "data.d.t", "data.d", "data.history.callers") + " as " + g.pick(g.scalar(), `{"a": "b"}`, `{"did": "a", "xs": ["a"]}`, `["a"]`)
	case "array":
		u, v := g.fresh(), g.fresh()
		text := fmt.Sprintf("[%s, %s] = %s", u, v, g.pick(g.open(), "["+g.expr()+", "+g.expr()+"]"))
		g.vars = append(g.vars, u, v)
		return text
	case "object":
		u := g.fresh()
		text := fmt.Sprintf("{\"a\": %s, \"b\": %s} = %s", u, g.pick("_", "2"), g.open())
		g.vars = append(g.vars, u)
		return text
	default: // a key that the reference finds
		u := g.fresh()
		text := g.pick("data.d.t", "data.d", "input", "data.d.l") + "[" + u + "] == " + g.open()
		g.vars = append(g.vars, u)
		return text
	}
}

// simple is a literal that binds nothing.
func (g *grammar) simple() string {
	return g.pick(g.open()+" == "+g.expr(), g.expr(), g.open()+" in "+g.collection(), g.open()+" != "+g.expr())
}

// open is a value whose type the compiler does not know, so that it may be
// compared with anything.
func (g *grammar) open() string {
	return g.pick("input.did", "input.call_id", "input.caller_number", "input.xs", "data.d.t.a", "data.d.t.c", "data.d.n", "data.d.f",
		"data.d.t.b", "data.d.t[input.call_id]", "data.d.l[data.d.n]")
}

func (g *grammar) scalar() string {
	return g.pick(`"a"`, `"b"`, `"c"`, "1", "2", "true", "false", "null", `"9988912345"`)
}

func (g *grammar) collection() string {
	return g.pick("data.d.l", "data.d.t", `["a", "b", 1]`, `{"a", "b"}`, `{"a": 1, "b": 2}`, g.expr(), g.comprehension(),
		"data.history.callers[input.caller_number].calls", "numbers.range(1, 3)")
}

func (g *grammar) comprehension() string {
	if g.depth > 1 {
		return `["a"]`
	}
	g.depth++
	defer func() { g.depth-- }()
	u, vars := g.fresh(), g.vars
	domain := g.collection()
	g.vars = append(append([]string(nil), vars...), u)
	body := fmt.Sprintf("some %s in %s; %s", u, domain, g.simple())
	g.vars = vars
	switch g.pick("array", "set", "object") {
	case "array":
		return "[" + u + " | " + body + "]"
	case "set":
		return "{" + u + " | " + body + "}"
	}
	return "{" + u + ": " + g.pick(u, "1") + " | " + body + "}"
}

func (g *grammar) expr() string {
	g.depth++
	defer func() { g.depth-- }()
	if g.depth > 4 {
		return g.scalar()
	}
	choices := []string{g.open(), g.open(), g.scalar()}
	choices = append(choices, g.vars...)
	choices = append(choices, g.vars...)
	switch rapid.IntRange(0, 7).Draw(g.t, "expression") {
	case 0:
		return g.pick(
			"data.history.callers[input.caller_number].in_flight",
			"data.history.calls[input.call_id].status",
			"data.history.receivers["+g.pick(choices...)+"].unanswered_streak",
			"data.history.callers["+g.pick(choices...)+"]")
	case 1:
		return g.pick("count("+g.collection()+")", "to_number("+g.open()+")", "upper("+g.open()+")",
			"object.get("+g.pick("data.d.t", `{"a": 1}`)+", "+g.pick(choices...)+", 5)", "max("+g.open()+")", "concat(\"-\", "+g.open()+")")
	case 2:
		return "[" + g.pick(choices...) + ", " + g.pick(choices...) + "]"
	case 3:
		return g.comprehension()
	case 4, 5:
		if len(g.rules) == 0 {
			break
		}
		r := g.rules[rapid.IntRange(0, len(g.rules)-1).Draw(g.t, "rule")]
		switch r.kind {
		case "function":
			return r.name + "(" + g.pick(choices...) + ")"
		case "set", "object":
			return g.pick(r.name, r.name+"["+g.pick(choices...)+"]", "data.routing."+r.name+"["+g.pick(choices...)+"]", "count("+r.name+")")
		}
		return r.name
	}
	return g.pick(choices...)
}
