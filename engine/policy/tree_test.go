package policy

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"pgregory.net/rapid"
)

// folder writes files below a new folder and returns it.
func folder(t testing.TB, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		put(t, filepath.Join(dir, name), text)
	}
	return dir
}

func put(t testing.TB, file, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func link(t testing.TB, target, name string) {
	t.Helper()
	if err := os.Symlink(target, name); err != nil {
		t.Fatal(err)
	}
}

func TestReadDirTakesWhatOPALoads(t *testing.T) {
	dir := folder(t, map[string]string{
		"routing/routing.rego": goodRego, "directory/data.yaml": "a: 1", "x.json": "{}", "y.yml": "b: 1",
		"README.md": "text", "routing/routing.rego~": "x", ".git/config.json": "{}", "routing/.hidden.rego": "x", "notes.txt": "x",
	})
	tree, err := ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"directory/data.yaml", "routing/routing.rego", "x.json", "y.yml"}
	if got := tree.names(); !slices.Equal(got, want) {
		t.Errorf("names are %q, want %q", got, want)
	}
	if string(tree["routing/routing.rego"]) != goodRego {
		t.Errorf("content is %q", tree["routing/routing.rego"])
	}
}

// A ConfigMap mount shows every file three times; the two behind names with a
// dot must not be loaded again.
func TestReadDirConfigMap(t *testing.T) {
	dir := t.TempDir()
	put(t, filepath.Join(dir, "..2025_1/routing.rego"), goodRego)
	link(t, "..2025_1", filepath.Join(dir, "..data"))
	link(t, "..data/routing.rego", filepath.Join(dir, "routing.rego"))
	tree, err := ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if got := tree.names(); !slices.Equal(got, []string{"routing.rego"}) {
		t.Errorf("names are %q", got)
	}
}

func TestReadDirFollowsLinks(t *testing.T) {
	real := folder(t, map[string]string{"sub/routing.rego": goodRego})
	dir := t.TempDir()
	link(t, real, filepath.Join(dir, "policies"))
	link(t, "/nowhere", filepath.Join(real, "lock")) // nothing that would be loaded
	tree, err := ReadDir(filepath.Join(dir, "policies"))
	if err != nil || len(tree) != 1 {
		t.Fatalf("tree %q, error %v", tree.names(), err)
	}
}

func TestReadDirErrors(t *testing.T) {
	file := filepath.Join(folder(t, map[string]string{"f.rego": goodRego}), "f.rego")
	dangling := folder(t, nil)
	link(t, "/nowhere.rego", filepath.Join(dangling, "a.rego"))
	loop := folder(t, map[string]string{"sub/a.rego": goodRego})
	link(t, "..", filepath.Join(loop, "sub/up"))
	for name, c := range map[string]struct{ dir, want string }{
		"missing":       {filepath.Join(t.TempDir(), "none"), "none can't be read: no such file"},
		"file":          {file, "is not a folder"},
		"dangling link": {dangling, "a.rego: no such file"},
		"link upwards":  {loop, "look for a symbolic link that points back up"},
	} {
		t.Run(name, func(t *testing.T) {
			tree, err := ReadDir(c.dir)
			if err == nil || !strings.Contains(err.Error(), c.want) || tree != nil {
				t.Errorf("tree %v, error %v, want %q", tree, err, c.want)
			}
		})
	}
}

func TestReadDirBounds(t *testing.T) {
	dir := folder(t, nil)
	big, err := os.Create(filepath.Join(dir, "big.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := big.Truncate(MaxTreeBytes + 1); err != nil { // sparse: costs no disk
		t.Fatal(err)
	}
	big.Close()
	if _, err := ReadDir(dir); err == nil || !strings.Contains(err.Error(), "larger than 64 MiB") {
		t.Errorf("error is %v", err)
	}
	many := fstest.MapFS{}
	for i := range MaxFiles + 1 {
		many[strings.Repeat("x", i%100+1)+"/"+strings.Repeat("y", i/100+1)+".json"] = &fstest.MapFile{Data: []byte("{}")}
	}
	if _, err := FromFS(many); err == nil || !strings.Contains(err.Error(), "more than 10000 policy and data files") {
		t.Errorf("error is %v", err)
	}
}

// A named pipe would block whoever reads it, for ever.
func TestReadDirLeavesDevicesAlone(t *testing.T) {
	dir := folder(t, map[string]string{"a.rego": goodRego})
	link(t, "/dev/zero", filepath.Join(dir, "zero.json"))
	tree, err := ReadDir(dir)
	if err != nil || len(tree) != 1 {
		t.Errorf("tree %q, error %v", tree.names(), err)
	}
}

func TestRevision(t *testing.T) {
	tree := goodTree()
	if r := tree.Revision(); len(r) != 16 || r != goodTree().Revision() {
		t.Errorf("revision %q is not 16 stable digits", r)
	}
	fsys := fstest.MapFS{"README.md": {Data: []byte("any")}}
	for name, content := range tree {
		fsys[name] = &fstest.MapFile{Data: content}
	}
	again, err := FromFS(fsys)
	if err != nil || again.Revision() != tree.Revision() {
		t.Errorf("a README changes the revision: %v", err)
	}
}

// Two trees have one revision only when they are equal: also where a name and a
// content could be read as each other's end.
func TestRevisionTellsTreesApart(t *testing.T) {
	gen := rapid.Custom(func(t *rapid.T) Tree {
		m := rapid.MapOfN(rapid.StringMatching(`[ab 1]{0,3}\.json`), rapid.StringMatching(`[ab 1\n.json]{0,6}`), 0, 3).Draw(t, "files")
		tree := Tree{}
		for k, v := range m {
			tree[k] = []byte(v)
		}
		return tree
	})
	rapid.Check(t, func(t *rapid.T) {
		a, b := gen.Draw(t, "a"), gen.Draw(t, "b")
		equal := a.diff(b) == diff{}
		if (a.Revision() == b.Revision()) != equal {
			t.Fatalf("equal: %v, revisions %s and %s", equal, a.Revision(), b.Revision())
		}
	})
}

func TestOverlay(t *testing.T) {
	base := goodTree()
	out := base.Overlay(map[string]string{
		"routing/routing.rego": "package routing", "directory/data.json": "", "/new/./x.yaml": "a: 1",
		"README.md": "x", ".hidden.rego": "x", "a/.b/c.rego": "x",
	})
	if got, want := out.names(), []string{"new/x.yaml", "routing/routing.rego"}; !slices.Equal(got, want) {
		t.Errorf("names are %q, want %q", got, want)
	}
	if string(out["routing/routing.rego"]) != "package routing" || string(base["routing/routing.rego"]) != goodRego || len(base) != 2 {
		t.Error("the overlay did not leave its base alone")
	}
	if d := base.diff(out); d != (diff{Added: 1, Changed: 1, Removed: 1}) {
		t.Errorf("diff is %+v", d)
	}
	if got := Tree(nil).Overlay(map[string]string{"a.rego": "x"}); len(got) != 1 {
		t.Errorf("overlay on nothing is %v", got.names())
	}
}

func TestTreeFS(t *testing.T) {
	if err := fstest.TestFS(treeFS{goodTree()}, goodTree().names()...); err != nil {
		t.Error(err)
	}
	if _, err := (treeFS{goodTree()}).Open("none"); !os.IsNotExist(err) {
		t.Errorf("a missing file opens with %v", err)
	}
}
