package plan_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/topdown"
)

// What OPA's conformance suite does not look at: what is read, which rules come
// true, and what is remembered.
func TestEvaluation(t *testing.T) {
	const files = `{"d": {"empty": [], "a": {"b": [10, 20]}, "t": {"x": 1, "2": "two"}}, "system": {"hidden": true}}`
	for name, c := range map[string]struct {
		module string
		want   string
		asked  []string
		marks  []int
	}{
		"one read a reference": {`answer := data.live.k[input.a].f.g`, `7`, []string{"k/x/f/g"}, []int{0}},
		"a read once":          {`answer := [data.live.k.x, data.live.k.x]`, `["v", "v"]`, []string{"k/x"}, []int{0}},
		"in what was read":     {`answer := [data.live.o.a, data.live.o, data.live.o.b.c, data.live.o.a]`, `[1, {"a": 1, "b": {"c": 2}}, 2, 1]`, []string{"o/a", "o"}, []int{0}},
		"not in what was read": {`answer if { data.live.o; not data.live.o.x }`, `true`, []string{"o", "o/x"}, []int{0}},
		"a number for a key":   {`answer := data.live.n[2]`, `"second"`, []string{"n/2"}, []int{0}},
		"undefined":            {`answer := data.live.k.nobody.f`, ``, []string{"k/nobody/f"}, nil},
		"undefined, negated":   {`answer if not data.live.k.nobody`, `true`, []string{"k/nobody"}, []int{0}},
		"no document has it":   {`answer if not data.live.k[true]`, `true`, nil, []int{0}},
		"a text for an index":  {`answer := data.d.a.b["1"]`, `20`, nil, []int{0}},
		"a number for a field": {`answer := data.d.t[input.n]`, `"two"`, nil, []int{0}},
		"a field of the input": {`answer := [input.deep.b.c, input.deep.b.c, [1 | input.deep.b.x]]`, `[1, 1, []]`, nil, []int{0}},
		"the input changed": {"f := input.a\nanswer := [f, g, f] if { g := f with input.a as \"y\" }",
			`["x", "y", "x"]`, nil, []int{0, 0, 1}},
		"the input replaced":    {"f := input.deep.b.c\nanswer := [f, g] if { g := f with input as {\"deep\": {\"b\": {\"c\": 5}}} }", `[1, 5]`, nil, []int{0, 0, 1}},
		"files changed":         {`answer := [x, y] if { x := data.d.t.x with data.d.t as {"x": 9}; y := data.d.a.b[0] with data.d.t as {} }`, `[9, 10]`, nil, []int{0}},
		"a field laid over":     {`answer := x if { x := data.d.t with data.d.t.y as 3 }`, `{"2": "two", "x": 1, "y": 3}`, nil, []int{0}},
		"mounted, laid over":    {`answer := [x, y] if { x := data.live.k.x with data.live as {"k": {"x": 1}}; y := data.live.k.x with data.live.k.z as 2 }`, `[1, "v"]`, []string{"k/x"}, []int{0}},
		"the input in an every": {"answer if { data.live.k.x; every e in input.list { e > 0; not input.none }; input.a == \"x\" }", `true`, []string{"k/x"}, []int{0}},
		"an every of nothing":   {"answer if { data.live.k.x; every e in data.d.empty { e == input.none }; input.a == \"x\" }", `true`, []string{"k/x"}, []int{0}},
		"different arguments":   {"f(x) := data.live.k[x]\nanswer := [v | some k in [\"no\", \"x\", \"x\"]; v := f(k)]", `["v", "v"]`, []string{"k/no", "k/x"}, []int{0, 1}},
		"the same argument":     {"f(x) := y if { y := data.live.k[x] }\nanswer := [f(\"x\"), f(\"x\")]", `["v", "v"]`, []string{"k/x"}, []int{0, 1}},
		"many calls":            {"f(x) := y if { y := [z | some z in [x]] }\nanswer := count([1 | some i in numbers.range(1, 600); f(i) == [i]; f(i) == [i]])", `600`, nil, append(make([]int, 600), 1)},
		"set, by key":           {"s contains k if { some k in [\"x\", \"y\"]; data.live.k[k] }\nanswer if s.x", `true`, []string{"k/x"}, []int{0, 1}},
		"set, twice by key":     {"s contains k if { some k in [\"x\", \"y\"]; data.live.k[k] }\nanswer if { s.x; s.x; not s.y }", `true`, []string{"k/x", "k/y"}, []int{0, 1}},
		"set, whole first":      {"s contains k if { some k in [\"x\", \"y\"]; data.live.k[k] }\nanswer if { count(s) == 1; s.x }", `true`, []string{"k/x", "k/y"}, []int{0, 1}},
		"object, by key":        {"o[k] := v if { some k in [\"x\", \"y\"]; v := data.live.k[k] }\nanswer := o[input.a]", `"v"`, []string{"k/x"}, []int{0, 1}},
		"object, by constants":  {"o.x := data.live.k.x\no.y := data.live.k.y\no[k] := 1 if some k in [\"z\"]\nanswer := o.x", `"v"`, []string{"k/x"}, []int{0, 3}},
		"keys computed":         {"o[concat(\"\", [\"k\", k])] := k if some k in [\"x\", \"y\"]\nanswer := o.kx", `"x"`, nil, []int{0, 1}},
		"those that agree":      {"r if data.live.k.x\nr if data.live.k.y\nanswer if r", `true`, []string{"k/x"}, []int{0, 2}},
		"stops in a loop":       {"r if { some k in [\"x\", \"y\"]; data.live.k[k] }\nanswer if r", `true`, []string{"k/x"}, []int{0, 1}},
		"those that differ":     {"r := 1 if data.live.k.x\nr := 2 if data.live.k.y\nanswer := r", `1`, []string{"k/x", "k/y"}, []int{0, 2}},
		"else":                  {"r := 1 if data.live.k.y\nelse := 2 if data.live.k.x\nelse := 3\nanswer := r", `2`, []string{"k/y", "k/x"}, []int{1, 3}},
		"all of a relation":     {`answer := [p | walk({"a": [1]}, [p, _])]`, `[[], ["a"], ["a", 0]]`, nil, []int{0}},
		"the data's root":       {`answer := object.keys(data.d)`, `{"a", "empty", "t"}`, nil, []int{0}},
		"time and chance":       {`answer := [time.now_ns(), rand.intn("k", 10) == rand.intn("k", 10)]`, `[1763822100000000000, true]`, nil, []int{0}},
	} {
		t.Run(name, func(t *testing.T) {
			w := compile(t, c.module, files)
			w.mounted = map[string]string{"k/x": `"v"`, "k/x/f/g": `7`, "n/2": `"second"`, "o": `{"a": 1, "b": {"c": 2}}`, "o/a": `1`}
			for range 2 { // what one evaluation leaves behind must not show in the next
				if got := w.answer(t); got != c.want {
					t.Errorf("answers %s, want %s", got, c.want)
				}
				if !slices.Equal(w.asked, c.asked) {
					t.Errorf("asked for %q, want %q", w.asked, c.asked)
				}
				if !slices.Equal(w.marks, c.marks) {
					t.Errorf("marked %v, want %v", w.marks, c.marks)
				}
			}
		})
	}
}

// Rules of one name beyond a dozen are chosen by OPA's index.
func TestManyRules(t *testing.T) {
	var text strings.Builder
	for i := range 40 {
		fmt.Fprintf(&text, "r := %d if input.a == \"k%d\"\nelse := %d if input.n == %d\n\n", i, i, 100+i, i)
		fmt.Fprintf(&text, "f(\"k%d\", _) := %d if data.live.k[\"k%d\"]\n\n", i, i, i)
		fmt.Fprintf(&text, "s contains %d if input.a == \"k%d\"\n\n", i, i)
		fmt.Fprintf(&text, "d[\"k%d\"] := %d if data.on.k%d == 1\n\n", i, i, i)
	}
	text.WriteString("default r := -1\n\nanswer := [r, [x | x := f(input.a, 1)], s, d]\n")
	w := compile(t, text.String(), `{"on": {"k3": 1, "k39": 1, "k5": 2}}`)
	w.mounted["k/k7"] = "true"
	for in, want := range map[string]string{
		`{"a": "k7", "n": "none"}`: `[7, [7], {7}, {"k3": 3, "k39": 39}]`,
		`{"a": "k8", "n": "none"}`: `[8, [], {8}, {"k3": 3, "k39": 39}]`,
		`{"a": "none", "n": 12}`:   `[112, [], set(), {"k3": 3, "k39": 39}]`,
		`{"a": "none"}`:            `[-1, [], set(), {"k3": 3, "k39": 39}]`,
	} {
		w.input = ast.MustParseTerm(in)
		if got := w.answer(t); got != want {
			t.Errorf("for %s answers %s, want %s", in, got, want)
		}
	}
	if w.input = ast.MustParseTerm(`{"a": "k7"}`); w.answer(t) == "" || !slices.Equal(w.asked, []string{"k/k7"}) {
		t.Errorf("asked for %q", w.asked)
	}
}

func TestFailures(t *testing.T) {
	disk := errors.New("disk on fire")
	w := compile(t, `answer if not data.live.k.x`, `{}`)
	w.failing = disk
	if _, err := w.ask(t.Context()); !errors.Is(err, disk) {
		t.Errorf("error %v, want the read's own", err)
	}
	w.failing = nil
	if got := w.answer(t); got != "true" {
		t.Errorf("the next evaluation answers %s", got)
	}
	for name, module := range map[string]string{
		"rules":     "r := 1 if input.a\nr := 2 if input.n\nanswer := r",
		"solutions": "r := x if some x in input.list\nanswer := r",
		"functions": "f(_) := 1 if input.a\nf(_) := 2 if input.n\nanswer := f(1)",
		"keys":      "answer := {k: v | some v in input.list; k := 1}",
		"objects":   "o[1] := v if some v in input.list\nanswer := o",
	} {
		t.Run(name, func(t *testing.T) {
			var broke *topdown.Error
			_, err := compile(t, module, `{}`).ask(t.Context())
			if !errors.As(err, &broke) || broke.Code != topdown.ConflictErr || broke.Location.Row < 3 {
				t.Errorf("error %v, want a conflict with its place", err)
			}
		})
	}
}

func TestProblemsOfBuiltins(t *testing.T) {
	w := compile(t, "a if to_number(input.a) > 0\nanswer := [x | some x in [1, 2]; not a; not time.clock([0, \"Nowhere\"])]", `{}`)
	if got := w.answer(t); got != "[1, 2]" {
		t.Errorf("answers %s", got)
	}
	if len(w.problems) != 3 || w.problems[0].Location.Row != 3 || w.problems[1].Location.Row != 4 || !strings.Contains(w.problems[1].Message, "Nowhere") {
		t.Errorf("problems %v", w.problems)
	}
}

func TestARunawayIsStopped(t *testing.T) {
	for name, module := range map[string]string{
		"loops":     "ten := numbers.range(0, 9)\nanswer if { some a in ten; some b in ten; some c in ten; some d in ten; some e in ten; some f in ten; some g in ten; some h in ten; a + b + c + d + e + f + g + h == 100 }",
		"calls":     "f(x) := y if { y := [z | some z in [x]] }\nanswer := [1 | some i in numbers.range(1, 10000); some j in numbers.range(1, 10000); count(f([i, j])) == 2]",
		"a builtin": "answer := numbers.range(1, 1000000000000)",
		"negation":  "ten := numbers.range(0, 9)\nanswer if not [1 | some a in ten; some b in ten; some c in ten; some d in ten; some e in ten; some f in ten; some g in ten; some h in ten; a + b + c + d + e + f + g + h == 100] == [2]",
	} {
		t.Run(name, func(t *testing.T) {
			w := compile(t, module, `{}`)
			w.cancel = topdown.NewCancel()
			timer := time.AfterFunc(20*time.Millisecond, w.cancel.Cancel)
			defer timer.Stop()
			if _, err := w.ask(t.Context()); !topdown.IsCancel(err) {
				t.Errorf("error %v, want that it was cancelled", err)
			}
		})
	}
}

func TestAPanicLeavesNothingBehind(t *testing.T) {
	w := compile(t, "f(x) := data.live.k[x]\nanswer := f(\"x\")", `{}`)
	func() {
		defer func() {
			if recover() == nil {
				t.Error("the panic is lost")
			}
		}()
		w.mounted["k/x"] = "not rego ["
		_, _ = w.ask(t.Context())
	}()
	w.mounted["k/x"] = `"v"`
	if got := w.answer(t); got != `"v"` {
		t.Errorf("answers %s", got)
	}
}

func TestAtOnce(t *testing.T) {
	program := compile(t, "f(x) := y if { y := [z | some z in data.live.k[x]] }\nanswer := [input.a, f(input.a), f(input.a)]", `{}`).program
	var group sync.WaitGroup
	for i := range 8 {
		group.Go(func() {
			w := world{program: program, input: ast.MustParseTerm(fmt.Sprintf(`{"a": "c%d"}`, i)), mounted: map[string]string{}}
			w.mounted[fmt.Sprintf("k/c%d", i)] = fmt.Sprintf("[%d]", i)
			want := fmt.Sprintf(`["c%d", [%d], [%d]]`, i, i, i)
			for range 200 {
				if got, err := w.ask(t.Context()); got != want || err != nil {
					t.Errorf("answers %s, %v, want %s", got, err, want)
					return
				}
			}
		})
	}
	group.Wait()
}
