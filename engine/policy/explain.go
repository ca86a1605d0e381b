package policy

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/topdown"

	"switchboard/engine"
	"switchboard/engine/policy/walk"
)

// Bounds on a trace: it is for a person to read.
const (
	maxTraceLines = 400
	maxTraceValue = 200
	// traceDeadline is longer than a call's: watching takes its time, too.
	traceDeadline = 5 * time.Second
)

// Walk asks the set once more and tells how the evaluation went. It takes many
// times as long as an evaluation.
func (s *Set) Walk(ctx context.Context, q engine.Question, view engine.View) engine.Walk {
	return s.explain(ctx, s.question(q), view, nil)
}

// explain repeats an evaluation and tells how it went: which rules were tried,
// where they were given up and with which values, what came out. Values are
// shown as they are, numbers included. The rule index is off, so that the rules
// it would pass over without a word say why they don't hold.
func (s *Set) explain(ctx context.Context, x *question, view engine.View, document ast.Object) engine.Walk {
	ctx, stop := context.WithTimeout(ctx, traceDeadline)
	defer stop()
	s.prints.once.Do(func() { s.prints.set = s.printing(ctx) })
	if s.prints.set != nil {
		s = s.prints.set
	}
	r := newRun(view)
	defer r.release()
	r.document = document
	t := &tracer{input: x.value(), depth: map[uint64]int{}, failed: map[uint64]string{}}
	tree := walk.New(entryPoint, s.compiled.modules, t.input)
	value, err := s.eval(ctx, x, r, func(q *topdown.Query) {
		q.WithIndexing(false).WithQueryTracer(t).WithQueryTracer(tree).WithPrintHook(t)
	})
	if t.dropped > 0 {
		t.lines = append(t.lines, fmt.Sprintf("... and %d lines more", t.dropped))
	}
	for _, text := range builtinErrors(r.problems) {
		t.lines = append(t.lines, "builtin failed, taken as undefined: "+text)
	}
	switch {
	case err != nil:
		t.lines = append(t.lines, "failed: "+s.failure(ctx, x, r, err).Error())
	case value == nil:
		t.lines = append(t.lines, entryPoint+" is undefined")
	default:
		t.lines = append(t.lines, entryPoint+" = "+shown(value))
	}
	return engine.Walk{Steps: tree.Steps(), Lines: t.lines}
}

// prints is a set whose policies print, made when it is first asked for.
type prints struct {
	once sync.Once
	set  *Set // nil where it can't be made
}

// printing is the set once more, with its print() calls left in: the compiler
// of a set that serves takes them out.
func (s *Set) printing(ctx context.Context) *Set {
	schemas, err := schemaSet(s.compiled.tree)
	if err != nil {
		return nil
	}
	compiler := newCompiler(schemas).WithStrict(true).WithVirtual(isMounted).WithEnablePrintStatements(true)
	if compiler.Compile(s.compiled.modules); compiler.Failed() {
		return nil
	}
	c := *s.compiled
	c.compiler = compiler
	set, err := prepare(ctx, &c, Options{Zone: s.zone})
	if err != nil {
		return nil
	}
	return set
}
