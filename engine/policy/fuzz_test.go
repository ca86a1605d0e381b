package policy

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"
)

// FuzzLoad lays one file of any name and content over a good set, as an editor
// or the what-if API may. Whatever it is: loading ends with a set or with
// errors, every place it names exists, and the same text gives the same report.
func FuzzLoad(f *testing.F) {
	files, err := filepath.Glob("../../testdata/policies/broken/*.txtar")
	if err != nil || len(files) == 0 {
		f.Fatalf("no seeds: %v", err)
	}
	for _, file := range files {
		_, tree := archiveOf(f, file)
		for name, content := range tree {
			f.Add(name, string(content))
		}
	}
	f.Add("file://x.rego", goodRego)
	f.Add("../up.rego", goodRego)
	f.Add("deep.json", strings.Repeat("[", 20_000))
	f.Add("anchors.yaml", "a: &a [x, y]\nb: *a\n<<: {c: 1}\n? [k]\n: v\n")
	o := testOptions(f)
	f.Fuzz(func(t *testing.T, name, text string) {
		tree := goodTree().Overlay(map[string]string{name: text})
		set, report := Load(t.Context(), tree, o, Checks{SkipTests: true})
		if (set != nil) != report.OK || report.OK != (len(report.Errors) == 0) {
			t.Fatalf("set %v, report %+v", set, report)
		}
		for _, p := range append(report.Errors, report.Warnings...) {
			if strings.Contains(p.Message, "broke off") {
				t.Fatalf("a panic: %s", p.Message)
			}
			content, there := tree[p.File]
			if p.File != "" && (!there || p.Line > bytes.Count(content, []byte("\n"))+2) || p.Message == "" {
				t.Errorf("no such place: %+v", p)
			}
		}
		_, again := Load(t.Context(), tree, o, Checks{SkipTests: true})
		if a, b := strings.Join(lines(report.Errors), "\n"), strings.Join(lines(again.Errors), "\n"); a != b {
			t.Errorf("first\n%s\nthen\n%s", a, b)
		}
	})
}
