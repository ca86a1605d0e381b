package datafile

import (
	"strings"
	"testing"
)

// A key or a scalar is found by its path, and what is not there by the nearest
// thing around it, in YAML and in JSON alike.
func TestPlace(t *testing.T) {
	files := ParseAll(map[string][]byte{
		"directory/data.yaml":  []byte("dids:\n  \"918645658689\":\n    team:\n      - \"9876543210\"\n      - {x: 1}\n"),
		"teams/more/t.json":    []byte("{\n  \"north\": [\"a\",\n    {\"b\": 2}]\n}"),
		"root.yml":             []byte("top: 1\n"),
		"broken.yaml":          []byte("a: [\n"),
		"routing/routing.rego": []byte("package routing\n"),
	})
	if len(files.List) != 4 {
		t.Fatalf("%d data files", len(files.List))
	}
	for path, want := range map[string]struct {
		file string
		line int
	}{
		"directory.dids":                       {"directory/data.yaml", 1},
		"directory.dids.918645658689.team":     {"directory/data.yaml", 3},
		"directory.dids.918645658689.team.0":   {"directory/data.yaml", 4},
		"directory.dids.918645658689.team.1.x": {"directory/data.yaml", 5},
		"directory.dids.918645658689.hours.to": {"directory/data.yaml", 2},
		"teams.more.north.0":                   {"teams/more/t.json", 2},
		"teams.more.north.1.b":                 {"teams/more/t.json", 3},
		"top":                                  {"root.yml", 1},
		"nothing":                              {"", 0},
	} {
		if file, line, _ := files.Place(strings.Split(path, ".")...); file != want.file || line != want.line {
			t.Errorf("%s stands at %s:%d, want %+v", path, file, line, want)
		}
	}
}

// Every key and scalar is visited where it stands, with how it was written.
func TestWalk(t *testing.T) {
	for name, text := range map[string]string{
		"a/x.yaml": "k: {n: +0123, s: \"9876543210\"}\n", "a/x.json": `{"k": {"n": 83, "s": "9876543210"}}`,
	} {
		seen := map[string]Value{}
		problems, ok := Parse(name, []byte(text)).Walk(func(v Value) { seen[strings.Join(v.path(), ".")] = v })
		if !ok || len(problems) > 0 || len(seen) != 3 {
			t.Fatalf("%s: %v, %v", name, problems, seen)
		}
		if n := seen["a.k.n"]; !n.Number || n.Read != "83" || n.Line != 1 || !n.In.Is([]string{"a", "k"}) || n.In.Is([]string{"k"}) {
			t.Errorf("%s: the number is %+v", name, n)
		}
		if s := seen["a.k.s"]; s.Number || s.Text != "9876543210" || s.Name != "s" {
			t.Errorf("%s: the text is %+v", name, s)
		}
	}
	if problems, ok := Parse("x.json", []byte(strings.Repeat("[", maxNesting+2))).Walk(func(Value) {}); ok || !strings.Contains(problems[0].Message, "nested") {
		t.Errorf("a bottomless file gives %v", problems)
	}
}
