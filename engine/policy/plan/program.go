package plan

import (
	"fmt"
	"sync"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/ir"
)

// UnsupportedError says that a program, or a statement on the way, is beyond
// this package.
type UnsupportedError struct {
	What string
	File string // empty where the plan does not say
	Line int
}

func (e *UnsupportedError) Error() string {
	if e.File == "" {
		return e.What + " cannot be compiled"
	}
	return fmt.Sprintf("%s:%d: %s cannot be compiled", e.File, e.Line, e.What)
}

// Options are what a program is compiled with.
type Options struct {
	// Files is the base data document, what no rule defines. It must not change.
	Files ast.Object
	// Mounted tells the roots of the data document that [Env.Read] answers for
	// instead of Files; nil for none.
	Mounted func(root string) bool
	// Mark names a builtin without a result whose calls, with an integer, go to
	// [Env.Mark]. Empty for none.
	Mark string
	// Rules chooses among many rules of one name; see [Rules]. Nil tries all.
	Rules Rules
}

// Program is a compiled plan. It never changes, and is safe for concurrent use.
type Program struct {
	blocks   []block // the query's
	frame    int     // locals of the query
	fields   int     // how many of the input are asked for
	funcs    []*function
	byPath   map[string]*function
	files    *ast.Term // the base data document
	root     *ast.Term // the data document as programs find it
	mounted  func(string) bool
	machines sync.Pool
}

// function is a planned rule or function.
type function struct {
	name   string
	index  int // in the program
	params []int
	result int
	frame  int // how many locals a call needs
	blocks []block
	leaf   bool // so cheap that to remember its results would cost more
	choice *choice
	keyed  *keyed // nil where it is no partial rule
}

// isRule reports whether the function has no arguments of its own: input and
// data are always handed on.
func (f *function) isRule() bool { return len(f.params) == 2 }

// Compile makes a program of a plan with one query. It fails with
// [*UnsupportedError].
func Compile(policy *ir.Policy, opts Options) (*Program, error) {
	if policy.Plans == nil || len(policy.Plans.Plans) != 1 {
		return nil, &UnsupportedError{What: "a plan without exactly one query"}
	}
	if opts.Files == nil {
		opts.Files = ast.NewObject()
	}
	if opts.Mounted == nil {
		opts.Mounted = func(string) bool { return false }
	}
	p := &Program{
		byPath:  map[string]*function{},
		files:   ast.NewTerm(opts.Files),
		root:    ast.NewTerm(&document{Object: opts.Files}),
		mounted: opts.Mounted,
	}
	l := newLinker(policy, p, opts)
	for i, fn := range policy.Funcs.Funcs {
		f := &function{name: fn.Name, index: i, result: int(fn.Return)}
		for _, param := range fn.Params {
			f.params = append(f.params, int(param))
		}
		p.funcs = append(p.funcs, f)
		l.funcs[fn.Name] = f
		if isPartial(fn) {
			l.partial[fn.Name] = f
		}
		if len(fn.Path) > 0 {
			p.byPath[pathKey(fn.Path)] = f
		}
	}
	for i, fn := range policy.Funcs.Funcs {
		if err := l.function(p.funcs[i], fn); err != nil {
			return nil, err
		}
	}
	if err := l.query(policy.Plans.Plans[0]); err != nil {
		return nil, err
	}
	p.fields = len(l.fields)
	p.machines.New = func() any { return newMachine(p) }
	return p, nil
}
