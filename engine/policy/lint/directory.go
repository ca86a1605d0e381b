package lint

import (
	"context"
	"fmt"
	"strings"

	"github.com/open-policy-agent/opa/v1/rego"

	"switchboard/engine"
	"switchboard/engine/policy/datafile"
	"switchboard/engine/policy/finding"
)

// Directory holds data.directory against the folder's own schema of it,
// data.schemas.directory. A folder without one says what it likes in its
// directory.
func Directory(ctx context.Context, files *datafile.Files, data map[string]any) finding.List {
	var f finding.List
	schemas, _ := data["schemas"].(map[string]any)
	schema, document := schemas["directory"], data[DIDsPath[0]]
	if schema == nil || document == nil {
		return f
	}
	result, err := rego.New(
		rego.Query("json.match_schema(input.document, input.schema)[1]"),
		rego.Input(map[string]any{"document": document, "schema": schema}),
		rego.StrictBuiltinErrors(true),
	).Eval(ctx)
	if err != nil || len(result) == 0 {
		f.Fail(engine.Problem{File: "schemas/directory/schema.json", Line: 1, Code: finding.CodeData,
			Message: fmt.Sprintf("the schema of the directory can't be used: %v", err),
			Hint:    "mend the JSON schema, or remove the file to have no check"})
		return f
	}
	mismatches, _ := result[0].Expressions[0].Value.([]any)
	for _, m := range mismatches {
		mismatch, _ := m.(map[string]any)
		field, _ := mismatch["field"].(string)
		why, _ := mismatch["desc"].(string)
		f.Fail(directoryProblem(files, field, why))
	}
	return f
}

// directoryProblem names the field, and the line it stands on or that of the
// nearest thing around it.
func directoryProblem(files *datafile.Files, field, why string) engine.Problem {
	path := []string{DIDsPath[0]}
	if field != "" && field != "(root)" {
		path = append(path, strings.Split(field, ".")...)
	}
	return files.Fill(engine.Problem{Code: finding.CodeData,
		Message: fmt.Sprintf("data.%s: %s", strings.Join(path, "."), why),
		Hint:    "schemas/directory/schema.json says what a directory may hold"}, path...)
}
