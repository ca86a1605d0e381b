package datafile

import (
	"strings"
	"testing"
)

// An error in a YAML file is reported on the line that has to be mended.
func TestYAMLErrorsAreReportedWhereTheyAre(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		line int
	}{
		"bracket left open":       {"first: a\nsecond:\n  - \"9876543210\"\n  - [\"98\"\n", 4},
		"brace left open":         {"m: 1\nmonday: [{from: \"09:30\", to: \"18:30\"]\nb: 1\n", 2},
		"indented too little":     {"dids:\n  a:\n    x: 1\n    y: 2\n   z: 3\n  b:\n    c: 1\n", 5},
		"tab":                     {"dids:\n\ta: 1\n", 2},
		"two colons":              {"a: 1\nb: c: d\n", 2},
		"key among a list":        {"a:\n  - 1\n  b: 2\nc: 3\n", 3},
		"list indented otherwise": {"a:\n  - 1\n - 2\nc: 3\n", 3},
		"quote inside quotes":     {"x: 1\na: 'it's'\nb: 1\n", 2},
		"quote left open":         {"x: 1\na: \"x\nb: 2\nc: 3\n", 2},
		"reserved character":      {"a: 1\nb: @x\nc: 3\n", 2},
		"unknown anchor":          {"b: *x\n", 1},
	} {
		t.Run(name, func(t *testing.T) {
			found, ok := Parse("teams/data.yaml", []byte(c.text)).Walk(func(Value) {})
			if ok || len(found) != 1 || found[0].Line != c.line || found[0].File != "teams/data.yaml" ||
				found[0].Message == "" || !strings.Contains(found[0].Hint, "indentation") {
				t.Errorf("errors %+v, want one on line %d", found, c.line)
			}
		})
	}
}
