package policy

import (
	"context"
	"maps"
	"slices"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/storage"
	"github.com/open-policy-agent/opa/v1/storage/inmem"

	"switchboard/engine"
	"switchboard/engine/policy/datafile"
	"switchboard/engine/policy/finding"
	"switchboard/engine/policy/lint"
	"switchboard/engine/policy/mounted"
)

// errorLimit is how many errors the compiler collects before it gives up.
const errorLimit = finding.Max

// compileTree takes a tree through everything static: parse, lint, compile,
// contract. The compiled set is nil where it found errors; parsed is what the
// tests go on with. active is the set that serves, nil for none.
func compileTree(ctx context.Context, tree Tree, opts Options, active *Set) (*compiled, parsed, finding.List) {
	known := documentsOf(active, tree, opts)
	if known == nil {
		known = editedDocuments(active, tree, opts)
	}
	if known != nil {
		return compileRules(ctx, tree, opts, known)
	}
	files := datafile.ParseAll(tree)
	numbering := lint.Data(files, lint.DataOptions{Numbers: opts.Numbers, Most: opts.mostWarned()})
	f := numbering.List
	p, found := parse(tree, files)
	// The loader trips over the same data files; what was said of a file with
	// its line is not said again without.
	told := map[string]bool{}
	for _, e := range f.Errors {
		told[e.File] = true
	}
	found.Errors = slices.DeleteFunc(found.Errors, func(e engine.Problem) bool {
		return told[e.File] && !isRego(e.File)
	})
	f.Add(found)
	if p.modules == nil || found.Failed() {
		return nil, p, f
	}
	f.Add(lint.Answers(p.modules, opts.Numbers))
	return compileParsed(ctx, tree, files, p, judgeDocuments(files, numbering, p.documents.data, opts), f)
}

// compileRules is compileTree of a tree whose data files are known.
func compileRules(ctx context.Context, tree Tree, opts Options, known *documents) (*compiled, parsed, finding.List) {
	var f finding.List
	f.Add(known.numbering.List)
	p, found := parse(rulesOf(tree), nil)
	f.Add(found)
	if p.modules == nil || found.Failed() {
		return nil, p, f
	}
	f.Add(lint.Answers(p.modules, opts.Numbers))
	return compileParsed(ctx, tree, datafile.Later(tree), p, known, f)
}

// compileParsed goes on with what was read, after what was found in it.
func compileParsed(ctx context.Context, tree Tree, files *datafile.Files, p parsed, d *documents, f finding.List) (*compiled, parsed, finding.List) {
	p.documents = d
	serving := maps.Clone(p.modules)
	maps.DeleteFunc(serving, func(name string, _ *ast.Module) bool { return isTestFile(name) })
	f.Add(d.keyed)
	planned := lint.Plan(files, serving, d.data)
	f.Add(planned)
	f.Add(d.schema.Without(planned.Errors))
	compiler, found := compileModules(ctx, tree, serving, p)
	f.Add(found)
	if f.Failed() {
		return nil, p, f
	}
	if err := d.hang(); err != nil {
		f.Fail(engine.Problem{Code: finding.CodeCompile, Message: err.Error()})
		return nil, p, f
	}
	return &compiled{tree: tree, revision: tree.Revision(), modules: serving, compiler: compiler, documents: d}, p, f
}

// compileModules compiles what serves and judges what came of it.
func compileModules(ctx context.Context, tree Tree, serving map[string]*ast.Module, p parsed) (*ast.Compiler, finding.List) {
	var f finding.List
	schemas, err := schemaSet(tree)
	if err != nil {
		f.Fail(engine.Problem{Code: finding.CodeCompile, Message: err.Error()})
		return nil, f
	}
	compiler := newCompiler(schemas).WithStrict(true).WithVirtual(isMounted)
	if err := withConflicts(ctx, compiler, p.documents.data, func() { compiler.Compile(serving) }); err != nil {
		f.Fail(engine.Problem{Code: finding.CodeCompile, Message: err.Error()})
		return nil, f
	}
	if !compiler.Failed() {
		f.Add(lint.Refs(compiler.Modules))
		f.Add(lint.Contract(compiler, p.modules))
		return compiler, f
	}
	for _, problem := range regoProblems(compiler.Errors) {
		f.Fail(problem)
	}
	// One report for all slips: a misspelt field of input, or a name too many, does
	// not hide a misspelt field of the history.
	lenient := newCompiler(nil).WithVirtual(isMounted)
	if lenient.Compile(serving); !lenient.Failed() {
		f.Add(lint.Refs(lenient.Modules))
	}
	return nil, f
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
	_, _, ok := mounted.Of(ref)
	return ok
}

// withConflicts compiles while rules in the place of data are refused, be it
// data of a file or a document that the server serves.
func withConflicts(ctx context.Context, compiler *ast.Compiler, data map[string]any, compile func()) error {
	store := inmem.NewFromObjectWithOpts(data, inmem.OptRoundTripOnWrite(false))
	return storage.Txn(ctx, store, storage.TransactionParams{}, func(txn storage.Transaction) error {
		taken := storage.NonEmpty(ctx, store, txn)
		compiler.WithPathConflictsCheck(func(path []string) (bool, error) {
			if _, ok := mounted.Reserved[path[0]]; ok {
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
func directory(files *datafile.Files, data map[string]any) (map[string]bool, finding.List) {
	var f finding.List
	dids := map[string]bool{}
	folder, ok := data[lint.DIDsPath[0]].(map[string]any)
	if !ok || folder[lint.DIDsPath[1]] == nil {
		return dids, f
	}
	entries, ok := folder[lint.DIDsPath[1]].(map[string]any)
	if !ok {
		p := engine.Problem{Code: finding.CodeData, Message: "data.directory.dids is not an object keyed by DID",
			Hint: `write an entry a DID, such as "918645658689": {...}`}
		f.Fail(files.Fill(p, lint.DIDsPath...))
		return dids, f
	}
	for did := range entries {
		if lint.Digits(did) != "" {
			dids[did] = true
		}
	}
	return dids, f
}
