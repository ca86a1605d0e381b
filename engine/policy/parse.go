package policy

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/loader"

	"switchboard/engine"
	"switchboard/engine/policy/datafile"
	"switchboard/engine/policy/finding"
	"switchboard/engine/policy/mounted"
)

// parsed is a tree as OPA's loader reads it.
type parsed struct {
	modules map[string]*ast.Module // with annotations; test files too
	// The data files' part. parse fills in the data alone.
	documents *documents
}

// parse reads the tree as `opa test --ignore '.*' <dir>` would: a data file's
// folder is its path in the data document, and its name is not.
//
// Large YAML files are handed to the loader as the JSON that it would make of
// them; files is how the set's data files were read, nil for not at all.
func parse(tree Tree, files *datafile.Files) (parsed, finding.List) {
	var f finding.List
	if !slices.ContainsFunc(tree.names(), isRego) {
		f.Fail(engine.Problem{Code: finding.CodeEmpty, Message: "the policies folder holds no .rego file",
			Hint: "put a policy that defines " + entryPoint + " into it; `switchboard policies init` writes a set to start from"})
		return parsed{}, f
	}
	result, err := read(tree, files)
	if err != nil {
		for _, p := range loadProblems(tree, err) {
			f.Fail(p)
		}
		return parsed{}, f
	}
	p := parsed{modules: result.ParsedModules(), documents: &documents{data: result.Documents}}
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

// read has OPA's loader read a tree.
func read(tree Tree, files *datafile.Files) (*loader.Result, error) {
	return loader.NewFileLoader().
		WithFS(treeFS{largeAsJSON(tree, files)}).
		WithProcessAnnotation(true).
		WithCapabilities(Capabilities()).
		Filtered([]string{"."}, nil)
}

// largeYAML is from how many bytes on a YAML file is told as JSON: from there on
// the loader's own way costs more than it is worth to have one way for all.
const largeYAML = 64 << 10

// jsonSuffix is added to the name of a file that is told as JSON.
const jsonSuffix = ".json"

// largeAsJSON is the tree with its large YAML files as JSON. The name of a data file
// is no part of its path in the data document.
func largeAsJSON(tree Tree, files *datafile.Files) Tree {
	if files == nil {
		return tree
	}
	out := maps.Clone(tree)
	for _, f := range files.List {
		if len(tree[f.Name]) < largeYAML || tree[f.Name+jsonSuffix] != nil {
			continue
		}
		text, ok := f.AsJSON()
		if !ok {
			continue
		}
		delete(out, f.Name)
		out[f.Name+jsonSuffix] = text
	}
	return out
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
