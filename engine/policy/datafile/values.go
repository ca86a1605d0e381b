package datafile

import (
	"bytes"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"switchboard/engine"
	"switchboard/engine/policy/finding"
)

// Node is a mapping or a list of the data document.
type Node struct {
	parent *Node // nil for the document itself
	name   string
}

// Path is where the node stands, from the root of the data document; list
// indexes in digits.
func (n *Node) Path() []string {
	var out []string
	for ; n.parent != nil; n = n.parent {
		out = append(out, n.name)
	}
	slices.Reverse(out)
	return out
}

// Is reports whether the node stands at a path.
func (n *Node) Is(path []string) bool {
	for i := len(path) - 1; i >= 0; i-- {
		if n.parent == nil || n.name != path[i] {
			return false
		}
		n = n.parent
	}
	return n.parent == nil
}

func (n *Node) below(name string) *Node { return &Node{parent: n, name: name} }

// at is the node of a name, or the node itself where there is none. An empty key
// is none, then: what stands below it is said to stand beside it.
func (n *Node) at(name string) *Node {
	if name == "" {
		return n
	}
	return n.below(name)
}

// Value is a key or a scalar of a data file, as it is written.
type Value struct {
	In     *Node // the mapping or list it stands in
	Key    bool
	Name   string // of a scalar: its key or its index
	Text   string // as written, without quotes
	Number bool   // written without quotes and read as a number
	Read   string // what a number is read as, in decimal
	Line   int
	Column int
}

// path is where the value stands: of a key, where what it names does.
func (v Value) path() []string {
	if v.Key {
		return append(v.In.Path(), v.Text)
	}
	return append(v.In.Path(), v.Name)
}

// File is a data file of a policy set.
type File struct {
	Name    string
	content []byte
	root    *Node
	doc     *yaml.Node       // nil for JSON, and where the file can't be read
	json    jsonWriter       // what doc is as JSON, once somebody has asked
	broken  []engine.Problem // why it can't be read
	odd     []engine.Problem // what is wrong with it all the same
}

// Parse reads a file of a set by its path below the folder.
func Parse(name string, content []byte) *File {
	f := &File{Name: name, content: content, root: &Node{}}
	if dir := path.Dir(name); dir != "." {
		for part := range strings.SplitSeq(dir, "/") {
			f.root = f.root.below(part)
		}
	}
	switch {
	case len(bytes.TrimSpace(content)) == 0:
		f.broken = []engine.Problem{{File: name, Line: 1, Code: finding.CodeData,
			Message: "the file is empty", Hint: "write {} into it, or remove it"}}
	case path.Ext(name) != ".json":
		f.parseYAML()
	}
	return f
}

// Size is how many bytes the file has.
func (f *File) Size() int { return len(f.content) }

// Walk visits every key and scalar in order of the text, and returns what is
// wrong with the file as such: what can't be read, keys that stand twice, no
// content. It reports false where the file can't be read; what was visited up to
// there is then of no use.
func (f *File) Walk(visit func(Value)) ([]engine.Problem, bool) {
	if f.broken != nil {
		return f.broken, false
	}
	w := &walker{file: f, visit: visit, problems: slices.Clone(f.odd)}
	if f.doc != nil {
		w.yaml(f.doc, f.root, "")
		return w.problems, true
	}
	if broken := w.json(); broken != nil {
		return broken, false
	}
	return w.problems, true
}

type walker struct {
	file     *File
	visit    func(Value)
	problems []engine.Problem
}

func (w *walker) repeated(v Value, first int) {
	w.problems = append(w.problems, engine.Problem{File: w.file.Name, Line: v.Line, Column: v.Column, Code: finding.CodeData,
		Message: fmt.Sprintf("the key %q stands here for the second time (first on line %d); only one of the two would count", engine.Mask(v.Text), first),
		Hint:    "join the two entries or remove one"})
}

// Files are the data files of a set, by name.
type Files struct {
	List   []*File
	places map[string]place  // by path, made when somebody asks
	later  map[string][]byte // read into List when somebody asks for a place; nil: List is read
}

type place struct {
	file         string
	line, column int
}

// ParseAll reads the data files among the files of a set.
func ParseAll(files map[string][]byte) *Files {
	out := &Files{}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if path.Ext(name) != ".rego" {
			out.List = append(out.List, Parse(name, files[name]))
		}
	}
	return out
}

// Later has the data files among the files of a set read when somebody asks for
// a place in them, and not before: for those who know what is in them. List is
// empty until then.
func Later(files map[string][]byte) *Files { return &Files{later: files} }

// Place finds the file and the position that define a path of the data
// document, or the nearest thing around it. The file is empty where none does.
func (f *Files) Place(path ...string) (file string, line, column int) {
	if f.later != nil {
		f.List, f.later = ParseAll(f.later).List, nil
	}
	if f.places == nil {
		f.places = map[string]place{}
		for _, one := range f.List {
			one.Walk(func(v Value) {
				key := joined(v.path())
				if _, known := f.places[key]; !known {
					f.places[key] = place{one.Name, v.Line, v.Column}
				}
			})
		}
	}
	for ; len(path) > 0; path = path[:len(path)-1] {
		if p, ok := f.places[joined(path)]; ok {
			return p.file, p.line, p.column
		}
	}
	return "", 0, 0
}

// Fill puts the place of a path into a problem.
func (f *Files) Fill(p engine.Problem, path ...string) engine.Problem {
	p.File, p.Line, p.Column = f.Place(path...)
	return p
}

func joined(path []string) string { return strings.Join(path, "\x00") }
