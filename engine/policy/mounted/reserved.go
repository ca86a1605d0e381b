package mounted

import "github.com/open-policy-agent/opa/v1/ast"

// History is the root of the profiles and calls, Calls its one collection that
// is keyed by call_id.
const (
	History = "history"
	Calls   = "calls"
)

// Reserved are the documents that the server itself serves below data.
var Reserved = map[string]string{
	History:    "what happened to earlier calls",
	"sessions": "masked pairs",
	"facts":    "facts from the API",
}

// Of tells which mounted Document a reference goes to.
func Of(ref ast.Ref) (string, Document, bool) {
	if len(ref) < 2 || !ref[0].Equal(ast.DefaultRootDocument) {
		return "", Document{}, false
	}
	name, _ := ref[1].Value.(ast.String)
	doc, ok := Documents[string(name)]
	return string(name), doc, ok
}
