package policy

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/loader"

	"switchboard/engine"
	"switchboard/engine/policy/finding"
	"switchboard/engine/policy/mounted"
)

// parsed is a tree as OPA's loader reads it.
type parsed struct {
	modules map[string]*ast.Module // with annotations; test files too
	data    map[string]any
}

// parse reads the tree as `opa test --ignore '.*' <dir>` would: a data file's
// folder is its path in the data document, and its name is not.
func parse(tree Tree) (parsed, finding.List) {
	var f finding.List
	if !slices.ContainsFunc(tree.names(), isRego) {
		f.Fail(engine.Problem{Code: finding.CodeEmpty, Message: "the policies folder holds no .rego file",
			Hint: "put a policy that defines " + entryPoint + " into it; `switchboard policies init` writes a set to start from"})
		return parsed{}, f
	}
	result, err := loader.NewFileLoader().
		WithFS(treeFS{tree}).
		WithProcessAnnotation(true).
		WithCapabilities(Capabilities()).
		Filtered([]string{"."}, nil)
	if err != nil {
		for _, p := range loadProblems(tree, err) {
			f.Fail(p)
		}
		return parsed{}, f
	}
	p := parsed{modules: result.ParsedModules(), data: result.Documents}
	for _, name := range slices.Sorted(maps.Keys(p.modules)) {
		if problem, ok := reservedPackage(p.modules[name]); ok {
			f.Fail(problem)
		}
	}
	for _, problem := range lintOutside(p.modules) {
		f.Fail(problem)
	}
	return p, f
}

// reservedPackage finds a package in the place of a document that the server
// serves.
func reservedPackage(m *ast.Module) (engine.Problem, bool) {
	root := ""
	if len(m.Package.Path) > 1 {
		root, _ = rootOf(m.Package.Path)
	}
	what, taken := mounted.Reserved[root]
	if !taken {
		return engine.Problem{}, false
	}
	return finding.At(m.Package.Location, engine.Problem{Code: finding.CodeLint,
		Message: fmt.Sprintf("package %s is in the way of data.%s, where the server shows %s",
			strings.TrimPrefix(m.Package.Path.String(), "data."), root, what),
		Hint: "give the package another name"}), true
}

func rootOf(ref ast.Ref) (string, bool) {
	s, ok := ref[1].Value.(ast.String)
	return string(s), ok
}
