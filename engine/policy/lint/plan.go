package lint

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"

	"switchboard/engine"
	"switchboard/engine/giveway"
	"switchboard/engine/policy/datafile"
	"switchboard/engine/policy/finding"
)

// recipesPackage is where a set keeps the steps of the starter set.
var recipesPackage = ast.MustParseRef("data.recipes")

// Plan judges what a directory says by the words of the starter set: hours that
// never open, weights that do not make a hundred, teams that do not exist.
//
// A field's meaning is the recipe's that reads it. Where the set has that recipe
// a slip is an error; elsewhere the field may mean anything, and it is a warning.
func Plan(files *datafile.Files, modules map[string]*ast.Module, data map[string]any) finding.List {
	directory, _ := data[DIDsPath[0]].(map[string]any)
	if directory == nil {
		return finding.List{}
	}
	p := plan{files: files, recipes: recipesOf(modules)}
	p.teams, _ = directory["teams"].(map[string]any)
	dids, _ := directory[DIDsPath[1]].(map[string]any)
	p.teamed = p.recipes["team"]
	for _, e := range dids {
		entry, _ := e.(map[string]any)
		p.teamed = p.teamed || entry["team"] != nil
	}
	for i, did := range slices.Sorted(maps.Keys(dids)) {
		giveway.Every(256, i)
		if len(p.Errors) > finding.Max {
			break // nobody reads on
		}
		if e, ok := dids[did].(map[string]any); ok {
			p.entry(e, DIDsPath[0], DIDsPath[1], did)
		}
	}
	if e, ok := directory["default"].(map[string]any); ok {
		p.entry(e, DIDsPath[0], "default")
	}
	return p.List
}

// recipesOf are the names of the recipes that a set has.
func recipesOf(modules map[string]*ast.Module) map[string]bool {
	out := map[string]bool{}
	for _, m := range modules {
		if path := m.Package.Path; len(path) > 2 && path.HasPrefix(recipesPackage) {
			if name, ok := path[2].Value.(ast.String); ok {
				out[string(name)] = true
			}
		}
	}
	return out
}

type plan struct {
	files   *datafile.Files
	recipes map[string]bool
	teams   map[string]any
	teamed  bool // that entries have teams
	finding.List
}

// report says what is wrong at a path, as an error where the set has the recipe
// that reads it.
func (p *plan) report(recipe string, at []string, message, hint string) {
	problem := p.files.Fill(engine.Problem{Code: finding.CodeData, Message: message, Hint: hint}, at...)
	if p.recipes[recipe] {
		p.Fail(problem)
	} else {
		p.Warn(problem)
	}
}

// entry judges the entry of a DID.
func (p *plan) entry(e map[string]any, at ...string) {
	p.people(e, slices.Clip(at))
	p.shares(e, slices.Clip(at))
	p.opening(e, slices.Clip(at))
}

// answers are the fields by which an entry without a team may answer calls all
// the same.
var answers = []string{"overflow", "override", "no_session_to", "pairs", "pool"}

// people looks at whose calls these are.
func (p *plan) people(e map[string]any, at []string) {
	if name, ok := e["team"].(string); ok {
		p.team("team", name, append(at, "team"))
	}
	if regions, ok := e["regions"].(map[string]any); ok {
		for _, prefix := range slices.Sorted(maps.Keys(regions)) {
			if name, ok := regions[prefix].(string); ok {
				p.team("region", name, append(at, "regions", prefix))
			}
		}
	}
	if rollout, ok := e["rollout"].(map[string]any); ok {
		if name, ok := rollout["team"].(string); ok {
			p.team("rollout", name, append(at, "rollout", "team"))
		}
	}
	list, isList := e["team"].([]any)
	if !p.teamed || e["team"] != nil && !(isList && len(list) == 0) ||
		slices.ContainsFunc(answers, func(field string) bool { return e[field] != nil && e[field] != false }) {
		return
	}
	what, hint := "has no team", "write whom to ring: team, with a list of numbers in quotes"
	if e["team"] != nil {
		what = "has an empty team"
	}
	p.Warn(p.files.Fill(engine.Problem{Code: finding.CodeData,
		Message: fmt.Sprintf("%s %s, so the fallback would answer its calls", strings.Join(at[1:], "."), what), Hint: hint}, append(at, "team")...))
}

// team looks a team up by its name.
func (p *plan) team(recipe, name string, at []string) {
	if p.teams == nil && !p.recipes[recipe] {
		return // a name that something else gives a meaning
	}
	members, known := p.teams[name]
	list, _ := members.([]any)
	field := strings.Join(at[1:], ".")
	switch {
	case !known:
		hint := "add it to directory.teams with its numbers"
		if near := finding.Nearest(name, slices.Sorted(maps.Keys(p.teams))); near != "" {
			hint = "did you mean " + near + "?"
		}
		p.report(recipe, at, fmt.Sprintf("%s names the team %q, and directory.teams has none of that name", field, name), hint)
	case len(list) == 0:
		p.report("", at, fmt.Sprintf("%s names the team %q, which is empty", field, name), "add somebody to it under directory.teams")
	}
}

// members are the numbers of the entry's own team.
func (p *plan) members(e map[string]any) []any {
	if name, ok := e["team"].(string); ok {
		list, _ := p.teams[name].([]any)
		return list
	}
	list, _ := e["team"].([]any)
	return list
}
