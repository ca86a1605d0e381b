package policy

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"switchboard/engine/failpoint"
)

// Bounds of a policies folder. They stand far above any real set: they are
// there so that a folder named by mistake (or a symbolic link to its own
// parent) is an error and not a server out of memory.
const (
	MaxFiles     = 10_000
	MaxTreeBytes = 64 << 20
	maxDepth     = 32
	maxEntries   = 20 * MaxFiles
)

// Tree is a policies folder in memory: slash-separated paths below the folder
// and their contents. It holds what OPA loads (.rego, .json, .yaml, .yml) and
// leaves out every name that begins with a dot, as `opa test --ignore '.*'`
// does. A Tree is not changed once made.
type Tree map[string][]byte

// ReadDir reads a folder into memory, through symbolic links. The error is a
// sentence that names the file or folder in the way.
func ReadDir(dir string) (Tree, error) {
	s, err := scanDir(dir)
	return s.tree, err
}

// scan is a folder as read, with the folders that a watcher has to watch.
type scan struct {
	tree Tree
	dirs []string
}

func scanDir(dir string) (scan, error) {
	// The folder's own link is followed once, here: a link that is repointed
	// meanwhile must not mix two sets.
	root, err := filepath.EvalSymlinks(dir)
	if err = cmp.Or(err, failpoint.Here(failpoint.ReloadRead)); err != nil {
		return scan{}, fmt.Errorf("the policies folder %s can't be read: %w", dir, reason(err))
	}
	info, err := os.Stat(root)
	if err != nil {
		return scan{}, fmt.Errorf("the policies folder %s can't be read: %w", dir, reason(err))
	}
	if !info.IsDir() {
		return scan{}, fmt.Errorf("%s is not a folder; name the folder that holds the policies", dir)
	}
	w := walker{fsys: os.DirFS(root), tree: Tree{}}
	err = w.walk(".", 0)
	for i, d := range w.dirs {
		w.dirs[i] = filepath.Join(root, filepath.FromSlash(d))
	}
	if err != nil {
		return scan{dirs: w.dirs}, fmt.Errorf("the policies folder %s can't be read: %w", dir, err)
	}
	return scan{tree: w.tree, dirs: w.dirs}, nil
}

// FromFS reads a set from a file system, the embedded one above all, by the
// same rules as [ReadDir].
func FromFS(fsys fs.FS) (Tree, error) {
	w := walker{fsys: fsys, tree: Tree{}}
	if err := w.walk(".", 0); err != nil {
		return nil, fmt.Errorf("the policies can't be read: %w", err)
	}
	return w.tree, nil
}

type walker struct {
	fsys    fs.FS
	tree    Tree
	dirs    []string
	entries int
	bytes   int64
}

func (w *walker) walk(dir string, depth int) error {
	if depth > maxDepth {
		return fmt.Errorf("%s is more than %d folders deep; look for a symbolic link that points back up", dir, maxDepth)
	}
	w.dirs = append(w.dirs, dir)
	list, err := fs.ReadDir(w.fsys, dir)
	if err != nil {
		return fmt.Errorf("%s: %w", dir, reason(err))
	}
	for _, entry := range list {
		if strings.HasPrefix(entry.Name(), ".") {
			continue
		}
		if w.entries++; w.entries > maxEntries {
			return fmt.Errorf("it holds more than %d entries; name the folder of the policies alone", maxEntries)
		}
		name := path.Join(dir, entry.Name())
		info, err := fs.Stat(w.fsys, name) // follows links
		if err != nil {
			if !loaded(name) && entry.Type()&fs.ModeSymlink != 0 {
				continue // an editor's lock file, say: nothing that would be loaded
			}
			return fmt.Errorf("%s: %w", name, reason(err))
		}
		switch {
		case info.IsDir():
			err = w.walk(name, depth+1)
		case loaded(name) && info.Mode().IsRegular():
			err = w.read(name, info.Size())
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// read takes a file in that has, or had, so many bytes.
func (w *walker) read(name string, size int64) error {
	f, err := w.fsys.Open(name)
	if err != nil {
		return fmt.Errorf("%s: %w", name, reason(err))
	}
	defer f.Close()
	left := MaxTreeBytes - w.bytes
	var content bytes.Buffer
	content.Grow(int(min(size, left)) + bytes.MinRead)
	if _, err := content.ReadFrom(io.LimitReader(f, left+1)); err != nil {
		return fmt.Errorf("%s: %w", name, reason(err))
	}
	if int64(content.Len()) > left {
		return fmt.Errorf("its files are larger than %d MiB together (reached at %s); keep large tables out of the policies", MaxTreeBytes>>20, name)
	}
	if len(w.tree) == MaxFiles {
		return fmt.Errorf("it holds more than %d policy and data files; name the folder of the policies alone", MaxFiles)
	}
	w.bytes += int64(content.Len())
	w.tree[name] = content.Bytes()
	return nil
}

// loaded reports whether OPA would load a file of this name.
func loaded(name string) bool {
	switch path.Ext(name) {
	case ".rego", ".json", ".yaml", ".yml":
		return true
	}
	return false
}

func isRego(name string) bool { return path.Ext(name) == ".rego" }

// isTestFile reports whether a file holds tests: it does not serve.
func isTestFile(name string) bool { return strings.HasSuffix(name, "_test.rego") }

// reason is the cause of a file error without the operation and the path, which
// the caller's sentence names already.
func reason(err error) error {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		return pe.Err
	}
	return err
}

// Revision is the hash of the tree's paths and contents, 16 hexadecimal digits.
func (t Tree) Revision() string {
	h := sha256.New()
	for _, name := range t.names() {
		io.WriteString(h, strconv.Itoa(len(name))+" "+name+" "+strconv.Itoa(len(t[name]))+"\n")
		h.Write(t[name])
	}
	return hex.EncodeToString(h.Sum(nil)[:8])
}

// Overlay is a copy of the tree with texts laid over it: an empty text removes
// the file. Texts under names that OPA would not load are left out, as they are
// when a folder is read.
func (t Tree) Overlay(files map[string]string) Tree {
	out := maps.Clone(t)
	if out == nil {
		out = Tree{}
	}
	for name, text := range files {
		name = path.Clean(strings.TrimPrefix(filepath.ToSlash(name), "/"))
		switch {
		case text == "":
			delete(out, name)
		case loaded(name) && !hidden(name):
			out[name] = []byte(text)
		}
	}
	return out
}

func hidden(name string) bool {
	return strings.HasPrefix(name, ".") || strings.Contains(name, "/.")
}

// names are the tree's paths in order.
func (t Tree) names() []string { return slices.Sorted(maps.Keys(t)) }

// diff counts what changed between two trees.
type diff struct{ Added, Changed, Removed int }

func (t Tree) diff(next Tree) diff {
	var d diff
	for name, content := range next {
		old, ok := t[name]
		switch {
		case !ok:
			d.Added++
		case string(old) != string(content):
			d.Changed++
		}
	}
	for name := range t {
		if _, ok := next[name]; !ok {
			d.Removed++
		}
	}
	return d
}
