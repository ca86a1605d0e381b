package policy

import (
	"context"
	"fmt"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/topdown"

	"switchboard/engine"
)

// Bounds on a trace: it is for a person to read.
const (
	maxTraceLines = 400
	maxTraceValue = 200
	// traceDeadline is longer than a call's: watching takes its time, too.
	traceDeadline = 5 * time.Second
)

// explain repeats an evaluation and tells how it went: which rules were tried,
// where they were given up and with which values, what came out. Values are
// shown as they are, numbers included. The rule index is off, so that the rules
// it would pass over without a word say why they don't hold.
func (s *Set) explain(ctx context.Context, x *question, view engine.View, document ast.Object) []string {
	ctx, stop := context.WithTimeout(ctx, traceDeadline)
	defer stop()
	if printing, err := s.printing(ctx); err == nil {
		s = printing
	}
	r := newRun(view)
	defer r.release()
	r.document = document
	t := &tracer{input: x.value(), depth: map[uint64]int{}, failed: map[uint64]string{}, inputs: map[*ast.Expr][]ast.Ref{}}
	value, err := s.eval(ctx, x, r, func(q *topdown.Query) {
		q.WithIndexing(false).WithQueryTracer(t).WithPrintHook(t)
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
	return t.lines
}

// printing is the set once more, with its print() calls left in: the compiler
// of a set that serves takes them out.
func (s *Set) printing(ctx context.Context) (*Set, error) {
	schemas, err := schemaSet(s.compiled.tree)
	if err != nil {
		return nil, err
	}
	compiler := newCompiler(schemas).WithStrict(true).WithVirtual(isMounted).WithEnablePrintStatements(true)
	if compiler.Compile(s.compiled.modules); compiler.Failed() {
		return nil, compiler.Errors
	}
	c := *s.compiled
	c.compiler = compiler
	return prepare(ctx, &c, Options{Zone: s.zone})
}
