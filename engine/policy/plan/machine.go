package plan

import (
	"context"
	"io"
	"strconv"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/ir"
	"github.com/open-policy-agent/opa/v1/storage"
	"github.com/open-policy-agent/opa/v1/topdown"
	"github.com/open-policy-agent/opa/v1/topdown/builtins"
)

// Env is what one evaluation sees of the world.
type Env struct {
	Context      context.Context
	Input        *ast.Term // nil: no input
	Time         time.Time
	Seed         io.Reader
	Cancel       topdown.Cancel // asked in every loop and at every call; required
	Capabilities *ast.Capabilities
	// Read answers what lies at a path below a mounted root. A not-found error of
	// package storage is undefined, any other ends the evaluation. The path must
	// not be kept.
	Read func(path storage.Path) (ast.Value, error)
	// Mark takes the calls of [Options.Mark].
	Mark func(n int)
	// Problems collects builtins that failed, which Rego takes as undefined.
	Problems *[]topdown.Error
}

// Eval runs the program and returns what the query comes to: an object of its
// variables for every solution. It fails with the error of [Env.Read], one of
// package topdown, or [*UnsupportedError].
func (p *Program) Eval(env *Env) ([]*ast.Term, error) {
	m := p.machines.Get().(*machine)
	m.begin(env)
	f := m.push(p.frame)
	f[input], f[data] = env.Input, p.root
	for _, b := range p.blocks {
		if b.run(m, f) == abort {
			break
		}
	}
	results, err := m.results, m.err
	m.pop(f, 0)
	m.release() // not after a panic, which leaves frames open
	if err != nil {
		return nil, err
	}
	return results, nil
}

// The locals that every frame begins with.
const (
	input = int(ir.Input)
	data  = int(ir.Data)
)

// machine is the state of one evaluation. It is for one goroutine.
type machine struct {
	program *Program
	env     *Env
	bctx    topdown.BuiltinContext
	stack   []*ast.Term
	top     int
	scope   *scope // what rules and functions came to
	first   scope
	fields  []*ast.Term // of the input; undefined where it was that
	reads   []reading
	path    storage.Path // of all reads, one after the other
	result  *ast.Term    // of the function that returned last
	results []*ast.Term
	err     error
	out     *ast.Term // of the builtin that is called
	outs    []*ast.Term
	take    func(*ast.Term) error
}

// reading is an answer of [Env.Read]: the same question is not asked twice.
type reading struct {
	path  storage.Path
	value *ast.Term // nil: not found
}

// keepReads bounds the answers that are remembered, keepStack the memory that is
// kept for the next evaluation.
const (
	keepReads = 64
	keepStack = 1 << 16
)

func newMachine(p *Program) *machine {
	m := &machine{program: p, stack: make([]*ast.Term, 1024)}
	m.first.rules = make([]*ast.Term, len(p.funcs))
	m.fields = make([]*ast.Term, p.fields)
	m.take = m.takeOutput
	return m
}

func (m *machine) begin(env *Env) {
	m.env, m.scope = env, &m.first
	m.bctx = topdown.BuiltinContext{
		Context: env.Context, Seed: env.Seed, Cancel: env.Cancel, Capabilities: env.Capabilities,
	}
}

// release gives the machine to a later evaluation. Results stay with the caller.
func (m *machine) release() {
	if len(m.stack) > keepStack {
		m.stack = make([]*ast.Term, 1024)
	}
	clear(m.fields)
	clear(m.reads)
	clear(m.path)
	m.first.clear()
	*m = machine{
		program: m.program, stack: m.stack, first: m.first, take: m.take,
		fields: m.fields, reads: m.reads[:0], path: m.path[:0], outs: m.outs[:0],
	}
	m.program.machines.Put(m)
}

// push opens a frame of n locals, all undefined. Frames that are open keep their
// memory when the stack grows.
func (m *machine) push(n int) []*ast.Term {
	if m.top+n > len(m.stack) {
		m.stack, m.top = make([]*ast.Term, max(2*len(m.stack), n)), 0
	}
	f := m.stack[m.top : m.top+n : m.top+n]
	m.top += n
	return f
}

// pop closes the frame that was opened last; top is where it began.
func (m *machine) pop(f []*ast.Term, top int) {
	clear(f)
	m.top = top
}

// fail ends the evaluation.
func (m *machine) fail(err error) int {
	m.err = err
	return abort
}

var errCancelled = &topdown.Error{Code: topdown.CancelErr, Message: "caller cancelled query execution"}

// stopped reports whether the caller has had enough, and ends the evaluation.
func (m *machine) stopped() bool {
	if !m.env.Cancel.Cancelled() {
		return false
	}
	m.err = errCancelled
	return true
}

// builtinContext is what builtins see; at is where the call stands.
func (m *machine) builtinContext(at *ast.Location) topdown.BuiltinContext {
	if m.bctx.Cache == nil {
		m.bctx.Cache = builtins.Cache{}
		m.bctx.Time = &ast.Term{Value: ast.Number(strconv.FormatInt(m.env.Time.UnixNano(), 10))}
	}
	m.bctx.Location = at
	return m.bctx
}

// problem notes that a builtin failed, or ends the evaluation where that is no
// matter of the builtin.
func (m *machine) problem(err error) int {
	if halt, ok := err.(topdown.Halt); ok { // as topdown tells them apart: by the error itself
		return m.fail(halt.Err)
	}
	if m.env.Problems != nil {
		told, ok := err.(*topdown.Error)
		if !ok {
			told = &topdown.Error{Code: topdown.BuiltinErr, Message: err.Error()}
		}
		*m.env.Problems = append(*m.env.Problems, *told)
	}
	return 0
}
