package policy

import (
	"encoding/json"
	"fmt"
	"path"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"

	"switchboard/engine/policy/lint"
	"switchboard/policies"
)

// schemaSet holds the schema of input, which every module is checked against,
// and the set's own schemas under the names that `opa check --schema schemas`
// gives them, for annotations to refer to.
//
// The input's schema is the server's and not the set's: what a policy sees does
// not depend on a file that its author may have edited.
func schemaSet(tree Tree) (*ast.SchemaSet, error) {
	set := ast.NewSchemaSet()
	var input any
	if err := json.Unmarshal(policies.InputSchema, &input); err != nil {
		return nil, fmt.Errorf("the schema of input: %w", err)
	}
	set.Put(ast.SchemaRootRef, input)
	for name, content := range tree {
		below, ok := strings.CutPrefix(name, lint.SchemasFolder)
		if !ok || path.Ext(name) != ".json" {
			continue
		}
		var schema any
		if json.Unmarshal(content, &schema) != nil {
			continue // reported where data files are read
		}
		ref := ast.Ref{ast.SchemaRootDocument}
		for part := range strings.SplitSeq(strings.TrimSuffix(below, ".json"), "/") {
			ref = append(ref, ast.StringTerm(part))
		}
		set.Put(ref, schema)
	}
	return set, nil
}
