package policy

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/open-policy-agent/opa/v1/ast"
	"go.yaml.in/yaml/v3"

	"switchboard/engine/policy/mounted"
	"switchboard/policies"
)

var update = flag.Bool("update", false, "write the files that editors read into the starter set")

// shippedFor are the files beside the starter set that editors and OPA's own
// commands read, as this program means them.
func shippedFor(t *testing.T) map[string][]byte {
	t.Helper()
	capabilities, err := CapabilitiesJSON()
	if err != nil {
		t.Fatal(err)
	}
	out := map[string][]byte{".opa/capabilities.json": append(capabilities, '\n')}
	for root := range mounted.Documents {
		text, err := json.MarshalIndent(mounted.Schema(root), "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		out["schemas/"+root+"/schema.json"] = append(text, '\n')
	}
	return out
}

// What is shipped for editors says what this program does; after a change of
// either, or of OPA: go test ./engine/policy -run TestShipped -update
func TestShippedFilesForEditors(t *testing.T) {
	for name, want := range shippedFor(t) {
		path := filepath.Join("../../policies", filepath.FromSlash(name))
		if *update {
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, want, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s is not what the program means (%v); run this test with -update", name, err)
		}
		if got, err := policies.Files.ReadFile(name); !*update && (err != nil || !bytes.Equal(got, want)) {
			t.Errorf("%s is not embedded: %v", name, err)
		}
	}
}

// The shipped capabilities are ones that OPA can load, and forbid what reaches
// outside and nothing else.
func TestShippedCapabilities(t *testing.T) {
	text, err := policies.Files.ReadFile(".opa/capabilities.json")
	if err != nil {
		t.Fatal(err)
	}
	shipped, err := ast.LoadCapabilitiesJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	var missing []string
	for _, b := range ast.CapabilitiesForThisVersion().Builtins {
		if !slices.ContainsFunc(shipped.Builtins, func(s *ast.Builtin) bool { return s.Name == b.Name }) {
			missing = append(missing, b.Name)
		}
	}
	slices.Sort(missing)
	if want := []string{"http.send", "net.lookup_ip_addr", "opa.runtime"}; !slices.Equal(missing, want) {
		t.Errorf("forbidden are %q, want %q", missing, want)
	}
	if shipped.AllowNet == nil || len(shipped.AllowNet) > 0 {
		t.Errorf("hosts allowed: %q", shipped.AllowNet)
	}
}

// Regal leaves the documents alone that the server hangs in, and the builtins
// that it forbids are forbidden there too.
func TestShippedRegalConfiguration(t *testing.T) {
	text, err := policies.Files.ReadFile(".regal/config.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var c struct {
		Rules        map[string]map[string]map[string]any
		Capabilities struct {
			Minus struct{ Builtins []struct{ Name string } }
		}
	}
	if err := yaml.Unmarshal(text, &c); err != nil {
		t.Fatal(err)
	}
	var forbidden []string
	for _, b := range c.Capabilities.Minus.Builtins {
		forbidden = append(forbidden, b.Name)
	}
	for name := range outside {
		if !slices.Contains(forbidden, name) {
			t.Errorf("regal allows %s", name)
		}
	}
	except, _ := c.Rules["imports"]["unresolved-reference"]["except-paths"].([]any)
	for root := range mounted.Documents {
		if !slices.Contains(except, any("data."+root+".*")) {
			t.Errorf("regal does not know data.%s", root)
		}
	}
}

// Names that begin with a dot are for editors: no set holds them, on disk or
// embedded.
func TestFilesForEditorsAreNoPolicies(t *testing.T) {
	embedded, err := FromFS(policies.Files)
	if err != nil {
		t.Fatal(err)
	}
	onDisk, err := ReadDir("../../policies")
	if err != nil {
		t.Fatal(err)
	}
	for _, tree := range []Tree{embedded, onDisk} {
		for name := range tree {
			if hidden(name) {
				t.Errorf("the set holds %s", name)
			}
		}
	}
	if embedded.Revision() != onDisk.Revision() {
		t.Error("the embedded set is not the folder's")
	}
}

// The schemas refuse what references are refused for, and take what the engine
// writes.
func TestSchemasOfMountedDocuments(t *testing.T) {
	profile, err := json.Marshal(sampleProfile(2))
	if err != nil {
		t.Fatal(err)
	}
	for root, docs := range map[string]map[string]bool{
		"history": {
			`{"callers": {"9988912345": ` + string(profile) + `}}`:                              true,
			`{"callers": {"9988912345": {"in_flight": "1"}}}`:                                   false,
			`{"callers": {"9988912345": {"inflight": 1}}}`:                                      false,
			`{"receivers": {"9876543210": {"calls": [{"ended_at": null, "status": "other"}]}}}`: true,
			`{"weather": {}}`: false,
		},
		"sessions": {
			`{"918645658689": {"9988912345": [{"ref": "a", "parties": ["1", "2"], "expires": null, "data": {"any": 1}}]}}`: true,
			`{"918645658689": {"9988912345": {"ref": "a"}}}`:                                                               false,
		},
		"facts": {`{"paused": {"9876543210": {"why": "lunch"}}}`: true, `{"paused": true}`: false},
	} {
		schema, err := json.Marshal(mounted.Schema(root))
		if err != nil {
			t.Fatal(err)
		}
		for doc, want := range docs {
			set := routing(t, "decision := {\"call_forwarding_number\": \"9876543210\"} if json.match_schema(`"+doc+"`, `"+string(schema)+"`)[0]\n")
			_, err := set.Evaluate(t.Context(), testQuestion(), nil)
			if (err == nil) != want {
				t.Errorf("data.%s as %s: %v, want it taken: %v", root, doc, err, want)
			}
		}
	}
	if mounted.Schema("weather") != nil {
		t.Error("there is a schema of nothing")
	}
	if !strings.Contains(string(profile), "last_by_reason") {
		t.Error("the sample is poor")
	}
}
