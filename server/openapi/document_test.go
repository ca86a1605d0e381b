package openapi

import (
	"strings"
	"testing"
	"testing/fstest"
)

func tree(pairs ...string) fstest.MapFS {
	fs := fstest.MapFS{}
	for i := 0; i < len(pairs); i += 2 {
		fs[pairs[i]] = &fstest.MapFile{Data: []byte(pairs[i+1])}
	}
	return fs
}

func TestFilesArePutTogether(t *testing.T) {
	got, err := merge(tree(
		"base.yaml", "openapi: 3.0.3\ncomponents:\n  schemas:\n    A: {type: string}\n",
		"b.yaml", "paths:\n  /b: {get: &x {summary: b}, put: *x}\n",
		"c.yaml", "paths:\n  /c: {}\ncomponents:\n  schemas:\n    C: &c {type: object, properties: {count: {type: integer}}}\n    D: {<<: *c, title: d}\n",
	))
	if err != nil {
		t.Fatal(err)
	}
	want := `openapi: 3.0.3
components:
  schemas:
    A:
      type: string
    C:
      type: object
      properties:
        count:
          type: integer
    D:
      type: object
      properties:
        count:
          type: integer
      title: d
paths:
  /b:
    get:
      summary: b
    put:
      summary: b
  /c: {}
`
	if string(got) != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestWhatStandsTwiceIsRefused(t *testing.T) {
	for name, f := range map[string]struct {
		fs   fstest.MapFS
		says string
	}{
		"a path":   {tree("base.yaml", "paths: {}", "b.yaml", "paths: {/x: {get: {}}}", "c.yaml", "paths: {/x: {put: {}}}"), "c.yaml: /paths//x"},
		"a schema": {tree("base.yaml", "components: {schemas: {A: {}}}", "b.yaml", "components: {schemas: {A: {}}}"), "b.yaml: /components/schemas/A"},
		"a scalar": {tree("base.yaml", "openapi: 3.0.3", "b.yaml", "openapi: 3.1.0"), "/openapi"},
		"no base":  {tree("b.yaml", "paths: {}"), "base.yaml"},
		"no YAML":  {tree("base.yaml", "paths: {}", "b.yaml", "a: [1"), "b.yaml"},
	} {
		if _, err := merge(f.fs); err == nil || !strings.Contains(err.Error(), f.says) {
			t.Errorf("%s: %v, want it to say %q", name, err, f.says)
		}
	}
}

func TestTheDocumentIsWhole(t *testing.T) {
	text, err := Document()
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"openapi: 3.0", "/api/v1/calls:", "/api/v1/status:", "/api/v1/relay:", "StatsTotals:"} {
		if !strings.Contains(string(text), want) {
			t.Errorf("the document lacks %s", want)
		}
	}
}
