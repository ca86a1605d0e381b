package policies_test

import (
	"bytes"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"github.com/open-policy-agent/opa/v1/ast"

	"switchboard/policies"
)

func TestTheSetPassesItsOwnTests(t *testing.T) {
	results := runTests(t, policies.Files)
	if len(results) < 80 {
		t.Errorf("%d tests ran, want 80 or more: are _test.rego files embedded?", len(results))
	}
	for _, r := range results {
		if !r.Pass() {
			t.Errorf("%s %s.%s: failed: %v", r.Location, r.Package, r.Name, r.Error)
		}
	}
}

func TestEveryPolicyHasATestBesideIt(t *testing.T) {
	tested := map[string]int{}
	for _, r := range runTests(t, policies.Files) {
		tested[path.Dir(r.Location.File)]++
	}
	for file := range rules(load(t, policies.Files).ParsedModules()) {
		if tested[path.Dir(file)] < 5 {
			t.Errorf("%s: %d tests beside it, want 5 or more", file, tested[path.Dir(file)])
		}
	}
}

func TestFilesHoldsTheWholeFolder(t *testing.T) {
	onDisk := map[string]string{}
	err := fs.WalkDir(os.DirFS("."), ".", func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || path.Ext(p) == ".go" {
			return err
		}
		text, err := os.ReadFile(p)
		onDisk[p] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	embedded := map[string]string{}
	for p, f := range starter(t) {
		embedded[p] = string(f.Data)
	}
	if diff := cmp.Diff(onDisk, embedded); diff != "" {
		t.Errorf("embedded set differs from the folder (-folder +embedded):\n%s", diff)
	}
	for _, p := range []string{"README.md", "routing/routing.rego", "directory/data.yaml"} {
		if embedded[p] == "" {
			t.Errorf("%s is missing or empty", p)
		}
	}
	if !bytes.Equal(policies.InputSchema, []byte(embedded["schemas/input/schema.json"])) {
		t.Error("InputSchema is not schemas/input/schema.json")
	}
}

func TestTheSetCompilesStrictly(t *testing.T) {
	if _, err := compile(load(t, policies.Files).ParsedModules()); err != nil {
		t.Fatal(err)
	}
}

func TestTheSchemaRefusesMisspeltInput(t *testing.T) {
	for _, field := range []string{
		"input.callr_number", "input.caller.number", "input.time.day", "input.time.hours", "input.history",
	} {
		set := starter(t)
		set["routing/extra.rego"] = &fstest.MapFile{Data: []byte("package routing\n\nextra := " + field + "\n")}
		_, err := compile(load(t, set).ParsedModules())
		if err == nil || !strings.Contains(err.Error(), "routing/extra.rego:3") {
			t.Errorf("%s: compiled with error %v, want one at routing/extra.rego:3", field, err)
		}
	}
}

func TestAnswersAreDeterministic(t *testing.T) {
	// Time comes from input and choices from arrays, so that the same call gets
	// the same answer when it is repeated.
	banned := []string{"time.now_ns", "rand.intn", "uuid.rfc4122", "http.send", "opa.runtime", "net.lookup_ip_addr"}
	for file, rules := range rules(load(t, policies.Files).ParsedModules()) {
		for _, rule := range rules {
			ast.WalkRefs(rule, func(r ast.Ref) bool {
				if slices.Contains(banned, r.String()) {
					t.Errorf("%s: %s uses %s", file, rule.Head.Name, r)
				}
				return false
			})
			ast.WalkTerms(rule, func(term *ast.Term) bool {
				switch term.Value.(type) {
				case ast.Set, *ast.SetComprehension:
					t.Errorf("%s:%d: a set, whose order is not the list's", file, term.Location.Row)
				}
				return false
			})
		}
	}
}

func TestEveryAnswerCanBeExplained(t *testing.T) {
	loaded := load(t, policies.Files)
	compiler, err := compile(loaded.ParsedModules())
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for file, rules := range rules(loaded.ParsedModules()) {
		if len(rules) == 0 {
			t.Errorf("%s: no rules", file)
			continue
		}
		annotated := compiler.GetAnnotationSet().GetPackageScope(rules[0].Module.Package)
		if annotated == nil || annotated.Title == "" || annotated.Description == "" {
			t.Errorf("%s: the package has no METADATA with title and description", file)
		}
		for _, rule := range rules {
			name := rule.Head.Name.String()
			if name != "decision" && name != "blocked" {
				continue
			}
			labels, _ := compiler.GetAnnotationSet().MergedLabels(rule)
			label, _ := labels["rule"].(string)
			if label == "" || seen[label] {
				t.Errorf("%s: %s has label rule %q, want one of its own", rule.Location, name, label)
			}
			seen[label] = true
			if len(rule.Annotations) == 0 || rule.Annotations[0].Title == "" || rule.Annotations[0].Description == "" {
				t.Errorf("%s: %s has no METADATA with title and description", rule.Location, name)
			}
		}
	}
	if len(seen) < 8 {
		t.Errorf("%d labelled rules, want 8: %v", len(seen), seen)
	}
}
