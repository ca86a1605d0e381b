package plan_test

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/rego"
	"github.com/open-policy-agent/opa/v1/storage/inmem"
	"github.com/open-policy-agent/opa/v1/test/cases"
	"github.com/open-policy-agent/opa/v1/test/cases/testdata"
	"github.com/open-policy-agent/opa/v1/topdown"
	"github.com/open-policy-agent/opa/v1/util"

	"switchboard/engine/policy/plan"
)

// TestConformance holds compiled plans to OPA's own conformance suite: what
// OPA's evaluator answers to each case, they answer, or they fail.
func TestConformance(t *testing.T) {
	seen, failed := 0, 0
	err := fs.WalkDir(testdata.V1, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := fs.ReadFile(testdata.V1, name)
		if err != nil {
			return err
		}
		var set cases.Set
		if err := util.Unmarshal(text, &set); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		for _, c := range set.Cases {
			t.Run(c.Note, func(t *testing.T) {
				for k, v := range c.Env {
					t.Setenv(k, v)
				}
				seen++
				if !conforms(t, c) {
					failed++
				}
			})
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d cases, %d are left to OPA's evaluator", seen, failed)
}

// conforms compares both evaluators, and reports whether the plan answered.
func conforms(t *testing.T, c cases.TestCase) bool {
	modules := map[string]string{}
	for i, text := range c.Modules {
		modules[fmt.Sprintf("module-%d.rego", i)] = text
	}
	capabilities := ast.CapabilitiesForThisVersion(ast.CapabilitiesExperimentalKeywords(c.ExperimentalKeywords))
	compiler, err := ast.CompileModulesWithOpt(modules, ast.CompileOpts{ParserOptions: ast.ParserOptions{Capabilities: capabilities}})
	if err != nil {
		return false // cases of the compiler
	}
	var data map[string]any
	if c.Data != nil {
		data = *c.Data
	}
	var in *ast.Term
	switch {
	case c.InputTerm != nil:
		in = ast.MustParseTerm(*c.InputTerm)
	case c.Input != nil:
		v, err := ast.InterfaceToValue(*c.Input)
		if err != nil {
			t.Fatal(err)
		}
		in = ast.NewTerm(v)
	}
	policy, err := plan.Of(t.Context(), compiler, c.Query)
	if err != nil {
		t.Log("no plan:", err)
		return false
	}
	files, err := ast.InterfaceToValue(data)
	if err != nil {
		t.Fatal(err)
	}
	base, _ := files.(ast.Object)
	program, err := plan.Compile(policy, plan.Options{Files: base})
	var unsupported *plan.UnsupportedError
	if errors.As(err, &unsupported) {
		t.Log(err)
		return false
	}
	if err != nil {
		t.Fatal(err)
	}
	want, wantErr := byTopdown(t, compiler, data, c.Query, in)
	got, err := program.Eval(&plan.Env{Context: t.Context(), Input: in, Time: at, Seed: seed(), Cancel: topdown.NewCancel(), Capabilities: capabilities})
	if err != nil {
		t.Log("failed:", err)
		return false
	}
	if wantErr != nil {
		t.Fatalf("answers %v, want the error %v", got, wantErr)
	}
	if diff := differ(want, got); diff != "" && !strings.HasPrefix(c.Note, "time/") {
		t.Error(diff)
	}
	return true
}

// byTopdown asks OPA's own evaluator.
func byTopdown(t *testing.T, compiler *ast.Compiler, data map[string]any, query string, in *ast.Term) (rego.ResultSet, error) {
	t.Helper()
	options := []func(*rego.Rego){rego.Compiler(compiler), rego.Query(query), rego.Time(at), rego.Seed(seed()), rego.Target("rego")}
	if data != nil {
		options = append(options, rego.Store(inmem.NewFromObject(data)))
	}
	if in != nil {
		options = append(options, rego.ParsedInput(in.Value))
	}
	return rego.New(options...).Eval(t.Context())
}

// differ compares solutions without their order, as sets of bindings.
func differ(want rego.ResultSet, got []*ast.Term) string {
	a, b := ast.NewSet(), ast.NewSet()
	for _, r := range want {
		bindings := ast.NewObject()
		for name, value := range r.Bindings {
			v, err := ast.InterfaceToValue(value)
			if err != nil {
				return err.Error()
			}
			bindings.Insert(ast.StringTerm(name), ast.NewTerm(v))
		}
		a.Add(ast.NewTerm(bindings))
	}
	for _, g := range got {
		// Sets come out of the rego package as arrays, so both go through JSON.
		bindings := ast.NewObject()
		g.Value.(ast.Object).Foreach(func(k, v *ast.Term) {
			if strings.HasPrefix(string(k.Value.(ast.String)), ast.WildcardPrefix) {
				return
			}
			plain, err := ast.JSON(v.Value)
			if err != nil {
				panic(err)
			}
			bindings.Insert(k, ast.NewTerm(ast.MustInterfaceToValue(plain)))
		})
		b.Add(ast.NewTerm(bindings))
	}
	if a.Compare(b) == 0 {
		return ""
	}
	return fmt.Sprintf("answers %v\nwant    %v", b, a)
}
