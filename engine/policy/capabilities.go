package policy

import (
	"encoding/json"
	"maps"
	"slices"
	"sync"

	"github.com/open-policy-agent/opa/v1/ast"

	"switchboard/engine"
	"switchboard/engine/policy/finding"
)

// outside are the builtins that reach beyond the call and the set: another
// machine, or this one's environment. A decision that used them could neither
// be bounded in time nor repeated.
var outside = map[string]bool{"http.send": true, "net.lookup_ip_addr": true, "opa.runtime": true}

// Capabilities is what a policy may use: this OPA's builtins and features
// without what reaches outside, and no host to fetch a schema from. The value
// is shared; it must not be changed.
func Capabilities() *ast.Capabilities { return capabilities() }

var capabilities = sync.OnceValue(func() *ast.Capabilities {
	c := ast.CapabilitiesForThisVersion()
	c.Builtins = slices.DeleteFunc(slices.Clone(c.Builtins), func(b *ast.Builtin) bool { return outside[b.Name] })
	// Empty is "no host"; nil would be "any".
	c.AllowNet = []string{}
	return c
})

// CapabilitiesJSON is [Capabilities] as the file that `opa check
// --capabilities` reads, so that both agree.
func CapabilitiesJSON() ([]byte, error) {
	text, err := json.Marshal(Capabilities())
	if err != nil {
		return nil, err
	}
	var doc map[string]any
	if err := json.Unmarshal(text, &doc); err != nil {
		return nil, err
	}
	doc["allow_net"] = []string{} // omitted when empty, and then it means any host
	return json.MarshalIndent(doc, "", "  ")
}

// lintOutside finds calls of the forbidden builtins. The compiler would refuse
// them as well, as functions nobody defined: which is true and no help.
func lintOutside(modules map[string]*ast.Module) []engine.Problem {
	var out []engine.Problem
	for _, name := range slices.Sorted(maps.Keys(modules)) {
		ast.WalkTerms(modules[name], func(t *ast.Term) bool {
			if ref, ok := t.Value.(ast.Ref); ok && outside[ref.String()] {
				out = append(out, finding.At(t.Location, engine.Problem{
					Code:    finding.CodeCompile,
					Message: ref.String() + " reaches outside the call, so policies can't use it",
					Hint:    "put what the policy needs to know into a data file, which takes effect as soon as it is saved",
				}))
			}
			return false
		})
	}
	return out
}
