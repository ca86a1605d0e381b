package policies

import "embed"

// Files is the whole starter set under its own relative paths
// ("routing/routing.rego", "directory/data.yaml", ...), tests, schemas and the
// guide (README.md) included, and under names with a dot what editors read; the
// Go files of this package are left out.
// Written to a folder as it is, it passes `opa test` there.
//
//go:embed README.md directory recipes routing schemas .opa .regal .vscode
var Files embed.FS

// InputSchema is the JSON schema of a policy's input document, the same bytes
// as schemas/input/schema.json in Files. It forbids unknown properties on every
// level, so that compiling against it refuses a misspelt field. Read only.
//
//go:embed schemas/input/schema.json
var InputSchema []byte
