package policy

import (
	"context"
	"maps"
	"slices"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/storage"
	"github.com/open-policy-agent/opa/v1/storage/inmem"

	"switchboard/engine"
)

// errorLimit is how many errors the compiler collects before it gives up.
const errorLimit = maxProblems

// compileTree takes a tree through everything static: parse, lint, compile,
// contract. The compiled set is nil where it found errors; parsed is what the
// tests go on with.
func compileTree(ctx context.Context, tree Tree, opts Options) (*compiled, parsed, findings) {
	f := lintData(tree, opts.Numbers)
	p, found := parse(tree)
	// The loader trips over the same data files; what was said of a file with
	// its line is not said again without.
	told := map[string]bool{}
	for _, e := range f.errors {
		told[e.File] = true
	}
	found.errors = slices.DeleteFunc(found.errors, func(e engine.Problem) bool {
		return told[e.File] && !isRego(e.File)
	})
	f.add(found)
	if p.modules == nil || found.failed() {
		return nil, p, f
	}
	schemas, err := schemaSet(tree)
	if err != nil {
		f.fail(engine.Problem{Code: codeCompile, Message: err.Error()})
		return nil, p, f
	}
	serving := maps.Clone(p.modules)
	maps.DeleteFunc(serving, func(name string, _ *ast.Module) bool { return isTestFile(name) })
	compiler := newCompiler(schemas).WithStrict(true).WithVirtual(isMounted)
	if err := withConflicts(ctx, compiler, p.data, func() { compiler.Compile(serving) }); err != nil {
		f.fail(engine.Problem{Code: codeCompile, Message: err.Error()})
		return nil, p, f
	}
	if compiler.Failed() {
		for _, problem := range regoProblems(compiler.Errors) {
			f.fail(problem)
		}
		return nil, p, f
	}
	for _, problem := range lintRefs(compiler.Modules) {
		f.fail(problem)
	}
	f.add(lintContract(compiler, p))
	dids, found := directory(tree, p.data)
	f.add(found)
	f.add(lintDirectory(ctx, tree, p.data))
	if f.failed() {
		return nil, p, f
	}
	return &compiled{
		tree:     tree,
		revision: tree.Revision(),
		modules:  serving,
		compiler: compiler,
		data:     p.data,
		dids:     dids,
	}, p, f
}

func newCompiler(schemas *ast.SchemaSet) *ast.Compiler {
	return ast.NewCompiler().
		SetErrorLimit(errorLimit).
		WithCapabilities(Capabilities()).
		WithSchemas(schemas).
		WithUseTypeCheckAnnotations(true)
}

// isMounted keeps the rule indexer away from the documents that are read by key:
// it would ask for a collection as a whole while it chooses rules.
func isMounted(ref ast.Ref) bool {
	_, _, ok := mounted(ref)
	return ok
}

// withConflicts compiles while rules in the place of data are refused, be it
// data of a file or a document that the server serves.
func withConflicts(ctx context.Context, compiler *ast.Compiler, data map[string]any, compile func()) error {
	store := inmem.NewFromObject(data)
	return storage.Txn(ctx, store, storage.TransactionParams{}, func(txn storage.Transaction) error {
		taken := storage.NonEmpty(ctx, store, txn)
		compiler.WithPathConflictsCheck(func(path []string) (bool, error) {
			if _, ok := reserved[path[0]]; ok {
				return true, nil
			}
			return taken(path)
		})
		compile()
		// The compiler outlives the transaction.
		compiler.WithPathConflictsCheck(nil)
		return nil
	})
}

// directory are the DIDs of data.directory.dids: every key with a digit in it.
func directory(tree Tree, data map[string]any) (map[string]bool, findings) {
	var f findings
	dids := map[string]bool{}
	folder, ok := data[didsPath[0]].(map[string]any)
	if !ok || folder[didsPath[1]] == nil {
		return dids, f
	}
	entries, ok := folder[didsPath[1]].(map[string]any)
	if !ok {
		p := engine.Problem{Code: codeData, Message: "data.directory.dids is not an object keyed by DID",
			Hint: `write an entry a DID, such as "918645658689": {...}`}
		p.File, p.Line, p.Column = placeOf(tree, didsPath)
		f.fail(p)
		return dids, f
	}
	for did := range entries {
		if digitsOf(did) != "" {
			dids[did] = true
		}
	}
	return dids, f
}

// placeOf finds the data file and line that define a path of the data document.
func placeOf(tree Tree, at []string) (file string, line, column int) {
	for _, name := range tree.names() {
		if isRego(name) {
			continue
		}
		list, _ := valuesOf(name, tree[name])
		for _, v := range list {
			if v.key && slices.Equal(append(slices.Clip(documentPath(name, v)), v.text), at) {
				return name, v.line, v.column
			}
		}
	}
	return "", 0, 0
}
