package policy

import (
	"github.com/open-policy-agent/opa/v1/ast"

	"switchboard/engine/policy/lint"
)

// compiled is a policy set after everything static has passed: what Load makes
// and prepare takes.
type compiled struct {
	tree     Tree
	revision string
	modules  map[string]*ast.Module // parsed with annotations, test files left out; keys are tree paths
	compiler *ast.Compiler          // strict, WithVirtual for data.history, with path conflict check
	*documents
}

// entryPoint is the query every call is answered by.
const entryPoint = lint.EntryPoint
