package lint_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/open-policy-agent/opa/v1/ast"

	"switchboard/engine"
	"switchboard/engine/policy/datafile"
	"switchboard/engine/policy/finding"
	"switchboard/engine/policy/lint"
)

func numbers(t *testing.T) *engine.Numbers {
	t.Helper()
	n, err := engine.NewNumbers("IN")
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// directory reads a text as directory/data.yaml.
func directory(text string) *datafile.Files {
	return datafile.ParseAll(map[string][]byte{"directory/data.yaml": []byte(text)})
}

// told are the findings, an error or a warning with its line each.
func told(f finding.List) []string {
	var out []string
	for _, p := range f.Errors {
		out = append(out, fmt.Sprintf("error %d %s", p.Line, p.Message))
	}
	for _, p := range f.Warnings {
		out = append(out, fmt.Sprintf("warning %d %s", p.Line, p.Message))
	}
	return out
}

// expect wants one finding for each of want that begins and goes on as it says,
// with "..." between.
func expect(t *testing.T, f finding.List, want ...string) {
	t.Helper()
	got := told(f)
	if len(got) != len(want) {
		t.Fatalf("found %q, want %q", got, want)
	}
	for i, w := range want {
		start, rest, _ := strings.Cut(w, " ... ")
		if !slices.ContainsFunc(got, func(g string) bool { return strings.HasPrefix(g, start) && strings.Contains(g, rest) }) {
			t.Errorf("found %q, none is %q (%d)", got, w, i)
		}
	}
}

func TestData(t *testing.T) {
	const did = "dids:\n  \"918645658689\":\n    "
	for name, c := range map[string]struct {
		text string
		want []string
	}{
		"good":                     {did + "team: [\"9876543210\", \"+12025550123\"]\n", nil},
		"a number without quotes":  {did + "team: [9876543210]\n", []string{"error 3 ... stands without quotes"}},
		"a plus that is lost":      {did + "team: [+919876543210]\n", []string{"error 3 ... is read as the number"}},
		"a zero that is lost":      {did + "note: 0123\n", []string{"warning 3 ... is read as the number 83"}},
		"a moment":                 {did + "since: 1700000000\n", []string{"warning 3 ... stands without quotes"}},
		"a key without quotes":     {"dids:\n  918645658689: {}\n", []string{"warning 2 the key 918645658689 stands without quotes"}},
		"a DID with a plus":        {"dids:\n  \"+918645658689\": {}\n", []string{"error 2 ... not in canonical form"}},
		"a DID that can't be":      {"dids:\n  \"91\": {}\n", []string{"warning 2 ... no possible telephone number"}},
		"an implausible DID":       {"dids:\n  \"911111111111\": {}\n", []string{"warning 2 ... the numbering plan knows"}},
		"a name for a DID":         {"dids:\n  default: {}\n", nil},
		"a receiver that can't be": {did + "team: [\"98\"]\n", []string{"error 3 ... calls would be forwarded to it"}},
		"a receiver, spelt":        {did + "after_hours: \"+91 98765 43210\"\n", []string{"warning 3 ... not in canonical form"}},
		"a loop":                   {did + "overflow: \"918645658689\"\n", []string{"error 3 918645658689 is a DID"}},
		"a loop, spelt":            {did + "override: \"8645658689\"\n", []string{"error 3 918645658689 is a DID"}},
		"a DID that is noted":      {did + "note: \"918645658689\"\n", nil},
		"a word to forward to":     {did + "no_session_to: reject\n", nil},
		"a key twice":              {"dids: {}\ndids: {}\n", []string{"error 2 ... for the second time (first on line 1)"}},
		"no content":               {"\n", []string{"error 1 the file is empty"}},
		"comments alone":           {"# x\n", []string{"error 1 the file holds comments alone"}},
	} {
		t.Run(name, func(t *testing.T) {
			expect(t, lint.Data(directory(c.text), lint.DataOptions{Numbers: numbers(t)}).List, c.want...)
		})
	}
}

// A document of the server's is in nobody's way, wherever a file defines it.
func TestDataInTheWayOfAMountedDocument(t *testing.T) {
	for name, text := range map[string]string{"data.yaml": "history: {}\n", "sessions/data.yaml": "a: 1\n", "data.json": `{"facts": {}}`} {
		files := datafile.ParseAll(map[string][]byte{name: []byte(text)})
		expect(t, lint.Data(files, lint.DataOptions{Numbers: numbers(t)}).List, "error 1 ... is in the way of data.")
	}
	files := datafile.ParseAll(map[string][]byte{"a/b/data.yaml": []byte("history: {}\nx: {facts: 1}\n")})
	expect(t, lint.Data(files, lint.DataOptions{Numbers: numbers(t)}).List)
}

// Most bounds how many numbers are held against the plan, in order of the text,
// and the first that was not is told.
func TestDataHoldsSoManyNumbersAgainstThePlan(t *testing.T) {
	files := directory("dids:\n  \"911111111111\": {}\n  \"911111111112\": {}\n  \"911111111113\": {}\n")
	for most, want := range map[int]struct {
		warnings, held int
		spent          lint.Spot
	}{
		0: {3, 3, lint.Spot{}},
		1: {1, 1, lint.Spot{File: "directory/data.yaml", Line: 3}},
		2: {2, 2, lint.Spot{File: "directory/data.yaml", Line: 4}},
		3: {3, 3, lint.Spot{}},
	} {
		got := lint.Data(files, lint.DataOptions{Numbers: numbers(t), Most: most})
		if len(got.Warnings) != want.warnings || got.Held != want.held || got.Spent != want.spent {
			t.Errorf("most %d: %d warnings, held %d, spent %v; want %+v", most, len(got.Warnings), got.Held, got.Spent, want)
		}
	}
}

// DIDs that stand elsewhere are none to forward to, and none to doubt.
func TestDataKnowsOfDIDsElsewhere(t *testing.T) {
	files := directory("dids:\n  \"918645658689\": {team: [\"9876543210\"], note: \"919876543210\"}\n")
	o := lint.DataOptions{Numbers: numbers(t)}
	alone := lint.Data(files, o)
	expect(t, alone.List, "warning 2 ... not in canonical form")
	if !slices.Equal(alone.Forwarded, []uint64{919876543210}) {
		t.Errorf("calls are forwarded to %v", alone.Forwarded)
	}
	o.IsDID = func(did string) bool { return did == "919876543210" }
	expect(t, lint.Data(files, o).List, "error 2 919876543210 is a DID of this directory")
}

// withSchema is a data document with a directory and a schema of it.
func withSchema(t *testing.T, schema, directory string) map[string]any {
	t.Helper()
	var data map[string]any
	dec := json.NewDecoder(strings.NewReader(fmt.Sprintf(`{"schemas": {"directory": %s}, "directory": %s}`, schema, directory)))
	dec.UseNumber()
	if err := dec.Decode(&data); err != nil {
		t.Fatal(err)
	}
	return data
}

func TestDirectory(t *testing.T) {
	files := directory("dids:\n  \"1\": {n: 1}\n  \"2\":\n    n: x\n")
	const text = `{"dids": {"1": {"n": 1}, "2": {"n": "x"}}}`
	for name, c := range map[string]struct {
		schema string
		want   []string
	}{
		"none":            {`null`, nil},
		"anything":        {`{}`, nil},
		"a type":          {`{"properties": {"dids": {"additionalProperties": {"properties": {"n": {"type": "integer"}}}}}}`, []string{"error 4 data.directory.dids.2.n"}},
		"a field missing": {`{"properties": {"dids": {"additionalProperties": {"required": ["m"]}}}}`, []string{"error 2 data.directory.dids.1", "error 3 data.directory.dids.2"}},
		"no schema":       {`{"type": 5}`, []string{"error 1 the schema of the directory can't be used"}},
		"from elsewhere":  {`{"$ref": "http://example.com/x.json"}`, []string{"error 1 the schema of the directory can't be used"}},
	} {
		t.Run(name, func(t *testing.T) { expect(t, lint.Directory(files, withSchema(t, c.schema, text)), c.want...) })
	}
}

// A schema that judges each entry alone finds in the whole what it finds in the
// parts; of the others it is not said.
func TestByEntry(t *testing.T) {
	for schema, want := range map[string]bool{
		`null`: true,
		`{}`:   true,
		`{"type": "object", "required": ["dids"], "properties": {"dids": {"additionalProperties": {"$ref": "#/definitions/e"}}}, "definitions": {"e": {"minProperties": 1}}}`: true,
		`{"properties": {"dids": {"propertyNames": {"pattern": "^[0-9]$"}}}}`:                                                                                                 true,
		`{"additionalProperties": {"type": "object"}}`:                                                                                                                        true,
		`{"properties": {"dids": {"properties": {"2": {"minProperties": 1}}}}}`:                                                                                               true,
		`{"properties": {"dids": true}}`:                                                                                                                                      true,
		`{"properties": {"dids": {"maxProperties": 1}}}`:                                                                                                                      false,
		`{"properties": {"dids": {"required": ["2"]}}}`:                                                                                                                       false,
		`{"properties": {"dids": {"$ref": "#/definitions/d"}}}`:                                                                                                               false,
		`{"properties": {"dids": {"not": {"required": ["1", "2"]}}}}`:                                                                                                         false,
		`{"allOf": [{"properties": {"dids": {"maxProperties": 1}}}]}`:                                                                                                         false,
		`{"patternProperties": {"d": {"maxProperties": 1}}}`:                                                                                                                  false,
		`{"additionalProperties": {"maxProperties": 1}}`:                                                                                                                      false,
		`{"if": {"properties": {"dids": {"required": ["1"]}}}, "then": false}`:                                                                                                false,
		`true`: false,
	} {
		data := withSchema(t, schema, `{"dids": {}}`)
		if got := lint.ByEntry(data); got != want {
			t.Errorf("%s: %v", schema, got)
		}
	}
}

// modules compiles rules.
func modules(t *testing.T, files map[string]string) *ast.Compiler {
	t.Helper()
	parsed := map[string]*ast.Module{}
	for name, text := range files {
		m, err := ast.ParseModule(name, text)
		if err != nil {
			t.Fatal(err)
		}
		parsed[name] = m
	}
	compiler := ast.NewCompiler()
	if compiler.Compile(parsed); compiler.Failed() {
		t.Fatal(compiler.Errors)
	}
	return compiler
}

func TestRefs(t *testing.T) {
	for body, want := range map[string]string{
		`data.history.callers[input.caller_number].last_offered.status == "answered"`: "",
		`data.sessions[input.did][input.caller_number][0].parties[1] != ""`:           "",
		`data.facts.paused[input.did].until > 3`:                                      "",
		`data.history.caller[input.caller_number]`:                                    `data.history has no "caller"`,
		`data.history.callers[input.caller_number].in_fligth == 0`:                    `has no "in_fligth"`,
		`p := data.history.callers[input.caller_number]; p.totals.offerd > 1`:         `has no "offerd"`,
		`object.get(data.history.callers[input.caller_number], "streak", 0) == 0`:     `has no "streak"`,
		`some c in data.history.callers; c.in_flight == 0`:                            "can't be read as a whole",
		`some n; data.history.callers[n].in_flight == 0`:                              "can't be read as a whole",
		`some s in data.sessions[input.did]`:                                          "can't be read as a whole",
		`count(data.facts.paused) > 0`:                                                "can't be read as a whole",
		`data.sessions[input.did][input.caller_number].ref == "x"`:                    "is a list and has no field",
		`data.sessions[input.did][input.caller_number][0].reff == "x"`:                `has no "reff"`,
		`some s in data.sessions[input.did][input.caller_number]; s.party`:            `has no "party"`,
		`some s in data.sessions[input.did][input.caller_number]; s.did.x`:            "plain value",
		`x := data.sessions[input.did][input.caller_number][0].parties.a; x`:          "is a list and has no field",
	} {
		found := lint.Refs(modules(t, map[string]string{"routing/routing.rego": "package routing\n\nimport rego.v1\n\ndecision := {} if {\n\t" + body + "\n}\n"}).Modules)
		if want == "" {
			expect(t, found)
			continue
		}
		if len(found.Errors) == 0 || found.Errors[0].Line != 6 || !strings.Contains(found.Errors[0].Message, want) {
			t.Errorf("%s: %q, want %q", body, told(found), want)
		}
	}
}

func TestContract(t *testing.T) {
	for rules, want := range map[string][]string{
		"package routing\n\ndecision := {\"reject\": true}\n":             nil,
		"package routing\n\ndecision := input.x\n":                        nil,
		"package other\n\ndecision := {\"reject\": true}\n":               {"error 0 no rule defines data.routing.decision"},
		"package routing\n\nx := 1\n":                                     {"error 1 no rule defines data.routing.decision"},
		"package routing\n\ndecision(x) := x\n":                           {"error 3 ... is a function"},
		"package routing\n\ndecision := \"9876543210\"\n":                 {"error 3 ... has to be an object"},
		"package routing\n\ndecision := {\"cal_timeout\": 3}\n":           {`warning 3 ... has a field "cal_timeout" that nothing reads`},
		"package routing\n\ndecision := x if x := {\"tags\": {}}\n":       nil,
		"package routing\n\ndecision := [x | x := 1]\n":                   {"error 3 ... has to be an object"},
		"package routing\n\ndecision := {\"reject\": true, \"why\": 2}\n": {`warning 3 ... has a field "why" that nothing reads`},

		"package routing\n\ndecision := {\"call_forwarding_number\": 9876543210}\n":           {"warning 3 data.routing.decision.call_forwarding_number is number, but has to be a string"},
		"package routing\n\ndecision := {\"call_forwarding_number\": count(input.x)}\n":       {"warning 3 ... is number, but has to be a string"},
		"package routing\n\ndecision := {\"call_forwarding_number\": input.x}\n":              nil,
		"package routing\n\ndecision := {\"reject\": \"yes\"}\n":                              {"warning 3 ... is string, but has to be a boolean"},
		"package routing\n\ndecision := {\"reject\": null}\n":                                 {"warning 3 ... is null, but has to be a boolean"},
		"package routing\n\ndecision := {\"tags\": [\"a\"]}\n":                                {"warning 3 ... is array<string>, but has to be an object of strings"},
		"package routing\n\ndecision := {\"skipped\": {\"a\": 1}}\n":                          {"warning 3 ... is object<a: number>, but has to be an array"},
		"package routing\n\ndecision := {\"tags\": {\"a\": 5}}\n":                             {"warning 3 ... has to be an object of strings"},
		"package routing\n\ndecision := {\"tags\": {\"a\": input.x}}\n":                       nil,
		"package routing\n\ndecision := {\"skipped\": {x | some x in input.x}}\n":             nil,
		"package routing\n\nn := \"1\"\n\nn := 2 if input.x\n\ndecision := {\"reason\": n}\n": nil,
		"package routing\n\ndecision := {\"reason\": x} if x := [\"a\", 1][input.i]\n":        nil,
		"package routing\n\ndecision := {\"reject\": true} if input.a\n\nelse := {\"reason\": input.b} if input.b\n\nelse := {\n\t\"call_timeout\": \"30\",\n}\n": {
			"warning 7 ... is string, but has to be a number"},
	} {
		compiler := modules(t, map[string]string{"routing/routing.rego": rules})
		expect(t, lint.Contract(compiler, compiler.Modules), want...)
	}
}

// Receivers that rules name are held against the numbering plan as those of data
// files are; any spelling of one will do.
func TestAnswers(t *testing.T) {
	for answer, want := range map[string][]string{
		`{"call_forwarding_number": "9876543210"}`:                                  nil,
		`{"call_forwarding_number": "+91 98765-43210"}`:                             nil,
		`{"call_forwarding_number": "+12025550123"}`:                                nil,
		`{"call_forwarding_number": input.x}`:                                       nil,
		`{"call_forwarding_number": "later"}`:                                       nil,
		`{"reason": "5000000000"}`:                                                  nil,
		`{"call_forwarding_number": "5000000000"}`:                                  {"warning 3 …0000 is not a number that the numbering plan knows"},
		`{"call_forwarding_number": "12345"}`:                                       {"warning 3 ... is no possible telephone number"},
		"{\n\t\"reason\": \"x\",\n\t\"call_forwarding_number\": \"98765xxxxx\",\n}": {"warning 5 ... is no possible telephone number"},
		`{"a": {"call_forwarding_number": "5000000000"}}`:                           {"warning 3 …0000 is not a number"},
	} {
		rules := "package routing\n\ndecision := " + answer + "\n"
		parsed := modules(t, map[string]string{"routing/routing.rego": rules, "routing/routing_test.rego": "package routing_test\n\nx := {\"call_forwarding_number\": \"1\"}\n"}).Modules
		expect(t, lint.Answers(parsed, numbers(t)), want...)
	}
}

// A slip in a field is an error where the set has the recipe that reads it.
func TestPlan(t *testing.T) {
	const text = `
dids:
  "1": {team: nort, zone: Asia/Calcuta}
  "2": {team: [], hours: {monday: []}, after_hours: "9876543210"}
  "3": {team: north, distribution: {mode: percent, weights: {"9876543210": 60, "9876543211": 30}}}
teams: {north: ["9876543210"]}
`
	var data map[string]any
	files := directory(text)
	told, ok := files.List[0].AsJSON()
	if !ok {
		t.Fatal("the directory is no plain YAML")
	}
	dec := json.NewDecoder(strings.NewReader(`{"directory": ` + string(told) + `}`))
	dec.UseNumber()
	if err := dec.Decode(&data); err != nil {
		t.Fatal(err)
	}
	always := []string{
		"warning 4 dids.2 has an empty team", "warning 4 dids.2.hours has no window",
		"warning 5 ... is not in the team",
	}
	none := modules(t, map[string]string{"routing/routing.rego": "package routing\n"}).Modules
	expect(t, lint.Plan(files, none, data), append(always,
		`warning 3 dids.1.team names the team "nort"`, `warning 3 dids.1.zone: "Asia/Calcuta" is no time zone`, "warning 5 ... sum to 90, not to 100")...)
	all := modules(t, map[string]string{"a.rego": "package recipes.team\n", "b.rego": "package recipes.hours\n", "c.rego": "package recipes.distribution\n"}).Modules
	expect(t, lint.Plan(files, all, data), append(always,
		`error 3 dids.1.team names the team "nort"`, `error 3 dids.1.zone: "Asia/Calcuta" is no time zone`, "error 5 ... sum to 90, not to 100")...)
	expect(t, lint.Plan(files, all, map[string]any{}))
}
