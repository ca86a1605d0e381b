package lint

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"golang.org/x/text/language"
	"golang.org/x/text/message"

	"switchboard/engine"
	"switchboard/engine/policy/datafile"
	"switchboard/engine/policy/finding"
)

// Directory holds data.directory against the folder's own schema of it,
// data.schemas.directory. A folder without one says what it likes in its
// directory.
func Directory(files *datafile.Files, data map[string]any) finding.List {
	var f finding.List
	schemas, _ := data["schemas"].(map[string]any)
	schema, document := schemas["directory"], data[DIDsPath[0]]
	if schema == nil || document == nil {
		return f
	}
	valid, err := compileSchema(schema)
	if err != nil {
		f.Fail(engine.Problem{File: directorySchema, Line: 1, Code: finding.CodeData,
			Message: fmt.Sprintf("the schema of the directory can't be used: %s", finding.Flat(err.Error())),
			Hint:    "mend the JSON schema, or remove the file to have no check"})
		return f
	}
	var invalid *jsonschema.ValidationError
	if errors.As(valid.Validate(document), &invalid) {
		schemaProblems(files, invalid, &f)
	}
	return f
}

// directorySchema is where a set keeps the schema of its directory.
const directorySchema = "schemas/directory/schema.json"

// Keywords of a JSON schema that say nothing of a whole which they do not say of
// each part alone: those that any schema of the directory may have, and those that
// may stand beside, of which the properties are the same whatever DIDs there are.
var (
	entryWise = []string{"$schema", "$id", "$comment", "title", "description", "default", "examples", "definitions", "$defs",
		"type", "properties", "additionalProperties", "propertyNames"}
	rootWise = append([]string{"required"}, entryWise...)
)

// ByEntry reports whether [Directory] finds the same in a directory as in its parts
// that have some of its DIDs and everything else: whether the set's schema judges
// the entry of each DID alone.
func ByEntry(data map[string]any) bool {
	schemas, _ := data["schemas"].(map[string]any)
	if schemas["directory"] == nil {
		return true
	}
	root, ok := only(schemas["directory"], rootWise)
	if !ok {
		return false
	}
	properties, _ := root["properties"].(map[string]any)
	dids, listed := properties[DIDsPath[1]]
	if !listed {
		dids = root["additionalProperties"]
	}
	if dids == nil || dids == true {
		return true
	}
	_, ok = only(dids, entryWise)
	return ok
}

// only is a schema that has no other keywords.
func only(schema any, keywords []string) (map[string]any, bool) {
	object, ok := schema.(map[string]any)
	for keyword := range object {
		ok = ok && slices.Contains(keywords, keyword)
	}
	return object, ok
}

func compileSchema(schema any) (*jsonschema.Schema, error) {
	c := jsonschema.NewCompiler()
	c.UseLoader(jsonschema.SchemeURLLoader{}) // nothing is fetched
	if err := c.AddResource("directory.json", schema); err != nil {
		return nil, err
	}
	return c.Compile("directory.json")
}

// schemaProblems reports the innermost causes: what is around them fails for
// their sake.
func schemaProblems(files *datafile.Files, e *jsonschema.ValidationError, f *finding.List) {
	if len(f.Errors) > finding.Max {
		return
	}
	for _, cause := range e.Causes {
		schemaProblems(files, cause, f)
	}
	if len(e.Causes) == 0 {
		f.Fail(directoryProblem(files, e.InstanceLocation, e.ErrorKind.LocalizedString(english)))
	}
}

var english = message.NewPrinter(language.English)

// directoryProblem names the field, and the line it stands on or that of the
// nearest thing around it.
func directoryProblem(files *datafile.Files, at []string, why string) engine.Problem {
	path := append([]string{DIDsPath[0]}, at...)
	return files.Fill(engine.Problem{Code: finding.CodeData,
		Message: fmt.Sprintf("data.%s: %s", strings.Join(path, "."), engine.Mask(why)),
		Hint:    directorySchema + " says what a directory may hold"}, path...)
}
