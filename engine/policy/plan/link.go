package plan

import (
	"maps"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/ir"
	"github.com/open-policy-agent/opa/v1/types"
)

// linker compiles the functions of one program.
type linker struct {
	program  *Program
	opts     Options
	strings  []*ast.Term
	files    []string
	builtins map[string]*types.Function
	funcs    map[string]*function
	partial  map[string]*function // of funcs, those that can be asked for a key
	fields   map[string]int       // of the input, by path
}

func newLinker(policy *ir.Policy, p *Program, opts Options) *linker {
	l := &linker{program: p, opts: opts, builtins: map[string]*types.Function{}, funcs: map[string]*function{}, partial: map[string]*function{}, fields: map[string]int{}}
	for _, s := range policy.Static.Strings {
		l.strings = append(l.strings, ast.StringTerm(s.Value))
	}
	for _, f := range policy.Static.Files {
		l.files = append(l.files, f.Value)
	}
	for _, b := range policy.Static.BuiltinFuncs {
		l.builtins[b.Name] = b.Decl
	}
	return l
}

// pathKey makes one key of a function's path. Names may hold any character but
// this one: it is written as an escape wherever text comes from.
func pathKey(path []string) string { return strings.Join(path, "\x00") }

func (l *linker) function(f *function, fn *ir.Func) error {
	c := newCompiler(l, fn.Params)
	c.result = int(fn.Return)
	blocks, err := c.blocks(fn.Blocks)
	if err != nil {
		return err
	}
	if c.agreed != nil && !c.differ {
		// Every rule that holds says the same: the first one is enough.
		again := newCompiler(l, fn.Params)
		again.result, again.first = c.result, c.agreed
		if blocks, err = again.blocks(fn.Blocks); err != nil {
			return err
		}
		c = again
	}
	f.blocks, f.frame, f.leaf = blocks, c.frame, !c.calls && !c.loops
	f.choice = l.choose(fn)
	if l.partial[fn.Name] != nil {
		f.keyed, err = l.keyed(fn)
	}
	return err
}

func (l *linker) query(plan *ir.Plan) error {
	c := newCompiler(l, []ir.Local{ir.Input, ir.Data})
	blocks, err := c.blocks(plan.Blocks)
	if err != nil {
		return err
	}
	l.program.blocks, l.program.frame = blocks, c.frame
	return nil
}

// compiler compiles one function, or the query.
type compiler struct {
	*linker
	frame  int  // locals seen, one more than the last
	result int  // the local that is returned
	calls  bool // functions or the data document are asked
	loops  bool

	known map[int]*ast.Term // locals that hold a constant here
	odd   map[int]bool      // locals that may hold what settle is for

	// What the rules assign, where all assign the same constant.
	agreed *ast.Term
	differ bool
	first  *ast.Term // that constant; then the first assignment returns

	// Of a partial rule that is asked for a key.
	wanted  int // the local of that key; zero: it is not
	awaited int // the local of the key that the rule comes to
}

func newCompiler(l *linker, params []ir.Local) *compiler {
	c := &compiler{linker: l, result: -1, known: map[int]*ast.Term{}, odd: map[int]bool{data: true}}
	for _, p := range params {
		c.local(p)
	}
	return c
}

// local is a local's place in the frame.
func (c *compiler) local(l ir.Local) int {
	c.frame = max(c.frame, int(l)+1, data+1)
	return int(l)
}

// write is the place of a local that a statement assigns to.
func (c *compiler) write(l ir.Local) int {
	delete(c.known, int(l))
	return c.local(l)
}

// writeConstant is the same for a value that is known now.
func (c *compiler) writeConstant(l ir.Local, value *ast.Term) int {
	c.known[int(l)] = value
	return c.local(l)
}

// constant is what an operand is always; nil where only running tells.
func (c *compiler) constant(o ir.Operand) *ast.Term {
	switch v := o.Value.(type) {
	case ir.StringIndex:
		return c.strings[v]
	case ir.Bool:
		return ast.InternedTerm(bool(v))
	case ir.Local:
		return c.known[int(v)]
	}
	return nil
}

func (c *compiler) operand(o ir.Operand) operand {
	if t := c.constant(o); t != nil {
		return operand{constant: t}
	}
	return c.reading(o.Value.(ir.Local))
}

func (c *compiler) reading(l ir.Local) operand {
	return operand{local: c.local(l), plain: !c.odd[int(l)]}
}

// nested compiles a block that may be left before its end, or run again: what is
// assigned in it is not known before and after.
func (c *compiler) nested(b *ir.Block) (block, error) {
	for _, l := range assigned(b) {
		delete(c.known, l)
	}
	before := maps.Clone(c.known)
	compiled, err := c.block(b)
	c.known = before
	return compiled, err
}

func (c *compiler) blocks(list []*ir.Block) ([]block, error) {
	out := make([]block, len(list))
	for i, b := range list {
		compiled, err := c.nested(b)
		if err != nil {
			return nil, err
		}
		out[i] = compiled
	}
	return out, nil
}

// place is where a statement stands in the policies.
func (c *compiler) place(s ir.Stmt) *ast.Location {
	at := s.GetLocation()
	if at == nil || at.Row == 0 || at.File >= len(c.files) {
		return nil
	}
	return ast.NewLocation(nil, c.files[at.File], at.Row, at.Col)
}

func (c *compiler) unsupported(s ir.Stmt, what string) error {
	e := &UnsupportedError{What: what}
	if at := c.place(s); at != nil {
		e.File, e.Line = at.File, at.Row
	}
	return e
}
