package policy

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"

	"switchboard/engine"
	"switchboard/engine/policy/plan"
)

// Set is a policy set ready to answer questions. It never changes, and is safe
// for concurrent use.
type Set struct {
	compiled *compiled
	mount    *mount
	zone     *time.Location
	zoneName *ast.Term

	query         ast.Body
	queryCompiler ast.QueryCompiler
	rules         []engine.Fired // by the numbers that instrument gave
	notes         map[*ast.Rule]int
	program       *plan.Program // nil: OPA's evaluator answers
	pool          func() []string
	directory     func() []engine.DirectoryDID
	prints        *prints // for explanations
}

// answerVar holds the value of the entry point in the prepared query.
const answerVar = ast.Var("answer")

// prepare does once what every evaluation of c needs. It takes c over: rules
// are instrumented, so c must not be compiled or prepared again.
func prepare(_ context.Context, c *compiled, opts Options) (*Set, error) {
	m, err := newMount(c.documents)
	if err != nil {
		return nil, err
	}
	zone := opts.Zone
	if zone == nil {
		zone = time.UTC
	}
	body, err := ast.ParseBody(string(answerVar) + " = " + entryPoint)
	if err != nil {
		return nil, err
	}
	queryCompiler := c.compiler.QueryCompiler()
	query, err := queryCompiler.Compile(body)
	if err != nil {
		return nil, fmt.Errorf("%s cannot be asked: %w", entryPoint, err)
	}
	rules, notes := instrument(c.compiler)
	return &Set{
		compiled:      c,
		mount:         m,
		zone:          zone,
		zoneName:      ast.StringTerm(zone.String()),
		query:         query,
		queryCompiler: queryCompiler,
		rules:         rules,
		notes:         notes,
		pool:          sync.OnceValue(func() []string { return poolOf(c) }),
		directory:     sync.OnceValue(func() []engine.DirectoryDID { return directoryOf(c) }),
		prints:        new(prints),
	}, nil
}

// Revision is the content hash of the set.
func (s *Set) Revision() string { return s.compiled.revision }

// Tree is the set's files. It must not be changed.
func (s *Set) Tree() Tree { return s.compiled.tree }

// IsDID reports whether a canonical DID is a key of the set's
// data.directory.dids.
func (s *Set) IsDID(did string) bool { return s.compiled.documents.dids[did] }
