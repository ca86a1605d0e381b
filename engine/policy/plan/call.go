package plan

import (
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/ir"
	"github.com/open-policy-agent/opa/v1/topdown"
)

// call compiles a call of a rule, a function or a builtin.
func (c *compiler) call(s *ir.CallStmt) (op, error) {
	if c.opts.Mark != "" && s.Func == c.opts.Mark {
		return c.mark(s)
	}
	fn, ours := c.funcs[s.Func]
	if !ours {
		return c.builtin(s)
	}
	c.calls = true
	args := handed(s.Args, c.operand)
	to := c.write(s.Result)
	return func(m *machine, f []*ast.Term) int {
		t, s := m.invoke(fn, args, f)
		if s != next {
			return s
		}
		if t == nil {
			return leave
		}
		f[to] = t
		return next
	}, nil
}

// mark compiles a call of [Options.Mark].
func (c *compiler) mark(s *ir.CallStmt) (op, error) {
	if len(s.Args) == 1 {
		if t := c.constant(s.Args[0]); t != nil {
			if n, ok := t.Value.(ast.Number); ok {
				if i, ok := n.Int(); ok {
					return func(m *machine, _ []*ast.Term) int {
						m.env.Mark(i)
						return next
					}, nil
				}
			}
		}
	}
	return nil, c.unsupported(s, "a mark without a number")
}

// invoke runs a function unless it is known what it comes to. The result is nil
// where it is undefined.
func (m *machine) invoke(fn *function, args []operand, f []*ast.Term) (*ast.Term, int) {
	if m.stopped() {
		return nil, abort
	}
	if fn.isRule() {
		if t := m.scope.rules[fn.index]; t != nil {
			return defined(t), next
		}
	}
	top := m.top
	g := m.push(fn.frame)
	for i, a := range args {
		g[fn.params[i]] = a.get(m, f)
	}
	if fn.isRule() {
		t, s := m.evaluate(fn, fn.blocks, g)
		m.pop(g, top)
		if s == next {
			m.scope.rules[fn.index] = remembered(t)
		}
		return t, s
	}
	if fn.leaf {
		t, s := m.evaluate(fn, fn.blocks, g)
		m.pop(g, top)
		return t, s
	}
	var few [4]*ast.Term
	own := few[:0] // input and data are the scope's
	for _, p := range fn.params[2:] {
		own = append(own, g[p])
	}
	hash := hashOf(fn.index, own)
	if t := m.scope.find(fn.index, hash, own); t != nil {
		m.pop(g, top)
		return defined(t), next
	}
	t, s := m.evaluate(fn, fn.blocks, g)
	if s == next {
		m.scope.keep(fn.index, hash, own, remembered(t))
	}
	m.pop(g, top)
	return t, s
}

func defined(t *ast.Term) *ast.Term {
	if t == undefined {
		return nil
	}
	return t
}

func remembered(t *ast.Term) *ast.Term {
	if t == nil {
		return undefined
	}
	return t
}

// evaluate runs blocks of a function in a frame that holds its arguments.
func (m *machine) evaluate(fn *function, blocks []block, g []*ast.Term) (*ast.Term, int) {
	m.result = nil
	tried, all, err := fn.choice.among(m, fn, g)
	if err != nil {
		return nil, m.fail(err)
	}
	if all {
		for _, b := range blocks {
			if s := b.run(m, g); s >= ret {
				return m.returned(s)
			}
		}
		return nil, next
	}
	for _, i := range tried {
		if s := blocks[i].run(m, g); s >= ret {
			return m.returned(s)
		}
	}
	return nil, next
}

// returned is the result of a function, by the way that it ended.
func (m *machine) returned(s int) (*ast.Term, int) {
	if s == abort {
		return nil, abort
	}
	return m.result, next
}

// handed are the arguments of a call of ours; input and data are handed on as
// they are.
func handed[A any](args []A, compile func(A) operand) []operand {
	out := make([]operand, len(args))
	for i, a := range args {
		out[i] = compile(a)
		out[i].plain = out[i].plain || i == data
	}
	return out
}

// callDynamic compiles a call of whatever rule has a path. Where no rule has,
// the block is left; where it has no value, so are three around it.
func (c *compiler) callDynamic(s *ir.CallDynamicStmt) op {
	c.calls = true
	path := make([]operand, len(s.Path))
	for i, p := range s.Path {
		path[i] = c.operand(p)
	}
	args := handed(s.Args, c.reading)
	to := c.write(s.Result)
	return func(m *machine, f []*ast.Term) int {
		var b strings.Builder
		for i, p := range path {
			text, ok := valueOf(p.get(m, f)).(ast.String)
			if !ok {
				return leave
			}
			if i > 0 {
				b.WriteByte(0)
			}
			b.WriteString(string(text))
		}
		fn := m.program.byPath[b.String()]
		switch {
		case fn == nil:
			return leave
		case len(fn.params) != len(args):
			return m.fail(&UnsupportedError{What: "a reference by a variable to " + fn.name})
		}
		t, s := m.invoke(fn, args, f)
		if s != next {
			return s
		}
		if t == nil {
			return 3
		}
		f[to] = t
		return next
	}
}

// builtin compiles a call of one of OPA's builtins.
func (c *compiler) builtin(s *ir.CallStmt) (op, error) {
	decl, fn := ast.BuiltinMap[s.Func], topdown.GetBuiltin(s.Func)
	if decl == nil || fn == nil {
		return nil, c.unsupported(s, "a call of "+s.Func)
	}
	args := make([]operand, len(s.Args))
	for i, a := range s.Args {
		args[i] = c.operand(a)
	}
	at, to := c.place(s), c.write(s.Result)
	void, relation, bare := decl.Decl.Result() == nil, decl.Relation, decl.CanSkipBctx
	return func(m *machine, f []*ast.Term) int {
		terms := make([]*ast.Term, len(args))
		for i, a := range args {
			if terms[i] = a.get(m, f); terms[i] == nil {
				return leave
			}
		}
		bctx := topdown.BuiltinContext{Location: at}
		if !bare {
			bctx = m.builtinContext(at)
		}
		out, err := m.output(fn, bctx, terms, relation)
		if err != nil && m.problem(err) == abort {
			return abort
		}
		switch {
		case relation: // what it gave before it failed counts
		case void && err == nil:
			return next
		case out == nil:
			return leave
		}
		f[to] = out
		return next
	}, nil
}

// output calls a builtin. A relation gives an array of all that it comes to,
// others one value or none.
func (m *machine) output(fn topdown.BuiltinFunc, bctx topdown.BuiltinContext, terms []*ast.Term, relation bool) (*ast.Term, error) {
	if relation {
		var all []*ast.Term
		err := fn(bctx, terms, func(t *ast.Term) error {
			if m.env.Cancel.Cancelled() {
				return topdown.Halt{Err: errCancelled}
			}
			all = append(all, t)
			return nil
		})
		return ast.ArrayTerm(all...), err
	}
	m.out = nil
	err := fn(bctx, terms, m.take)
	return m.out, err
}

func (m *machine) takeOutput(t *ast.Term) error {
	m.out = t
	return nil
}
