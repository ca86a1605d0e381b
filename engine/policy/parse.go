package policy

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/loader"

	"switchboard/engine"
)

// reserved are the documents that the server itself serves below data.
var reserved = map[string]string{
	"history":  "what happened to earlier calls",
	"sessions": "masked pairs",
	"facts":    "facts from the API",
}

// parsed is a tree as OPA's loader reads it.
type parsed struct {
	modules map[string]*ast.Module // with annotations; test files too
	data    map[string]any
}

// parse reads the tree as `opa test --ignore '.*' <dir>` would: a data file's
// folder is its path in the data document, and its name is not.
func parse(tree Tree) (parsed, findings) {
	var f findings
	if !slices.ContainsFunc(tree.names(), isRego) {
		f.fail(engine.Problem{Code: codeEmpty, Message: "the policies folder holds no .rego file",
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
			f.fail(p)
		}
		return parsed{}, f
	}
	p := parsed{modules: result.ParsedModules(), data: result.Documents}
	for _, name := range slices.Sorted(maps.Keys(p.modules)) {
		if problem, ok := reservedPackage(p.modules[name]); ok {
			f.fail(problem)
		}
	}
	for _, problem := range lintOutside(p.modules) {
		f.fail(problem)
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
	what, taken := reserved[root]
	if !taken {
		return engine.Problem{}, false
	}
	return at(m.Package.Location, engine.Problem{Code: codeLint,
		Message: fmt.Sprintf("package %s is in the way of data.%s, where the server shows %s",
			strings.TrimPrefix(m.Package.Path.String(), "data."), root, what),
		Hint: "give the package another name"}), true
}

func rootOf(ref ast.Ref) (string, bool) {
	s, ok := ref[1].Value.(ast.String)
	return string(s), ok
}

// lintReserved finds data files that define a document which the server serves.
func lintReserved(file string, values []value) []engine.Problem {
	var out []engine.Problem
	folder, _, nested := strings.Cut(file, "/")
	if what, taken := reserved[folder]; taken && nested {
		return []engine.Problem{{File: file, Line: 1, Code: codeData,
			Message: fmt.Sprintf("the folder %s is in the way of data.%s, where the server shows %s", folder, folder, what),
			Hint:    "give the folder another name; for tests use `with data." + folder + " as ...`"}}
	}
	if path.Dir(file) != "." {
		return nil
	}
	for _, v := range values {
		if what, taken := reserved[v.text]; taken && v.key && len(v.path) == 0 {
			out = append(out, engine.Problem{File: file, Line: v.line, Column: v.column, Code: codeData,
				Message: fmt.Sprintf("%s is in the way of data.%s, where the server shows %s", v.text, v.text, what),
				Hint:    "give the key another name; for tests use `with data." + v.text + " as ...`"})
		}
	}
	return out
}
