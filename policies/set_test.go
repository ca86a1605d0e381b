package policies_test

import (
	"bytes"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/loader"
	"github.com/open-policy-agent/opa/v1/storage"
	"github.com/open-policy-agent/opa/v1/storage/inmem"
	"github.com/open-policy-agent/opa/v1/tester"
	"github.com/open-policy-agent/opa/v1/util"

	"switchboard/policies"
)

// starter is a copy of the embedded set that a test may edit.
func starter(t testing.TB) fstest.MapFS {
	t.Helper()
	set := fstest.MapFS{}
	err := fs.WalkDir(policies.Files, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := fs.ReadFile(policies.Files, path)
		set[path] = &fstest.MapFile{Data: text}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// edit replaces old, which must be there, in one file of the set.
func edit(t testing.TB, set fstest.MapFS, path, old, replacement string) {
	t.Helper()
	file, ok := set[path]
	if !ok || !bytes.Contains(file.Data, []byte(old)) {
		t.Fatalf("%s does not contain %q", path, old)
	}
	set[path] = &fstest.MapFile{Data: bytes.Replace(file.Data, []byte(old), []byte(replacement), 1)}
}

// load reads a set as `opa test DIR` does.
func load(t testing.TB, set fs.FS) *loader.Result {
	t.Helper()
	result, err := loader.NewFileLoader().WithFS(set).WithProcessAnnotation(true).Filtered([]string{"."}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return result
}

// compile compiles strictly, and against the input schema.
func compile(modules map[string]*ast.Module) (*ast.Compiler, error) {
	var schema any
	if err := util.Unmarshal(policies.InputSchema, &schema); err != nil {
		return nil, err
	}
	schemas := ast.NewSchemaSet()
	schemas.Put(ast.SchemaRootRef, schema)
	compiler := ast.NewCompiler().WithStrict(true).WithSchemas(schemas).
		WithVirtual(func(r ast.Ref) bool {
			return slices.ContainsFunc(mounted, func(root ast.Ref) bool { return r.HasPrefix(root) })
		})
	compiler.Compile(modules)
	if compiler.Failed() {
		return nil, compiler.Errors
	}
	return compiler, nil
}

// mounted is what the server hangs into the data document and reads by key.
var mounted = []ast.Ref{
	ast.MustParseRef("data.history"), ast.MustParseRef("data.sessions"), ast.MustParseRef("data.facts"),
}

// runTests runs the set's own tests; an error of a builtin fails its test.
func runTests(t testing.TB, set fs.FS) []*tester.Result {
	t.Helper()
	loaded := load(t, set)
	modules := loaded.ParsedModules()
	store := inmem.NewFromObject(loaded.Documents)
	txn := storage.NewTransactionOrDie(t.Context(), store)
	defer store.Abort(t.Context(), txn)
	results, err := tester.NewRunner().SetModules(modules).SetStore(store).
		CapturePrintOutput(true).RaiseBuiltinErrors(true).RunTests(t.Context(), txn)
	if err != nil {
		t.Fatal(err)
	}
	var all []*tester.Result
	for result := range results {
		all = append(all, result)
	}
	return all
}

// failures names the tests that did not pass, package and rule.
func failures(results []*tester.Result) []string {
	var names []string
	for _, r := range results {
		if !r.Pass() {
			names = append(names, strings.TrimPrefix(r.Package, "data.")+"."+r.Name)
		}
	}
	slices.Sort(names)
	return names
}

// rules yields the rules of the set, tests left out, in a fixed order.
func rules(modules map[string]*ast.Module) map[string][]*ast.Rule {
	byFile := map[string][]*ast.Rule{}
	for _, path := range slices.Sorted(maps.Keys(modules)) {
		if !strings.HasSuffix(path, "_test.rego") {
			byFile[path] = modules[path].Rules
		}
	}
	return byFile
}
