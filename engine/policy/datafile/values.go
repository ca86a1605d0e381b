package datafile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"switchboard/engine"
	"switchboard/engine/policy/finding"
)

// Value is a key or a scalar of a data file, as it is written.
type Value struct {
	Path   []string // of the mapping or list it stands in; list indexes in digits
	Key    bool
	Text   string // as written, without quotes
	Number bool   // written without quotes and read as a number
	Read   string // what a number is read as, in decimal
	Line   int
	Column int
}

// Values reads a data file with its positions, which OPA's loader does not
// keep. It finds what can't be read, keys that stand twice and files without
// any content.
func Values(file string, content []byte) ([]Value, []engine.Problem) {
	if len(bytes.TrimSpace(content)) == 0 {
		return nil, []engine.Problem{{File: file, Line: 1, Code: finding.CodeData,
			Message: "the file is empty", Hint: "write {} into it, or remove it"}}
	}
	if path.Ext(file) == ".json" {
		return jsonValues(file, content)
	}
	return yamlValues(file, content)
}

// Path is where a value stands in the data document.
func Path(file string, v Value) []string {
	dir := path.Dir(file)
	if dir == "." {
		return v.Path
	}
	return append(strings.Split(dir, "/"), v.Path...)
}

// collector gathers values and repeated keys.
type collector struct {
	file     string
	values   []Value
	problems []engine.Problem
}

func (c *collector) repeated(v Value, first int) {
	c.problems = append(c.problems, engine.Problem{File: c.file, Line: v.Line, Column: v.Column, Code: finding.CodeData,
		Message: fmt.Sprintf("the key %q stands here for the second time (first on line %d); only one of the two would count", engine.Mask(v.Text), first),
		Hint:    "join the two entries or remove one"})
}

func yamlValues(file string, content []byte) ([]Value, []engine.Problem) {
	dec := yaml.NewDecoder(bytes.NewReader(content))
	var doc yaml.Node
	if err := dec.Decode(&doc); err != nil {
		if errors.Is(err, io.EOF) {
			return nil, []engine.Problem{{File: file, Line: 1, Code: finding.CodeData,
				Message: "the file holds comments alone", Hint: "write {} into it, or remove it"}}
		}
		return nil, []engine.Problem{yamlProblem(file, content, err)}
	}
	c := &collector{file: file}
	var second yaml.Node
	if err := dec.Decode(&second); err == nil {
		c.problems = append(c.problems, engine.Problem{File: file, Line: second.Line, Code: finding.CodeData,
			Message: "the file holds a second document, which would be left out", Hint: "put it into a file of its own"})
	}
	c.yaml(&doc, nil)
	return c.values, c.problems
}

// yaml walks a node. Aliases are not followed: what they stand for is visited
// where its anchor is.
func (c *collector) yaml(n *yaml.Node, at []string) {
	switch n.Kind {
	case yaml.DocumentNode:
		for _, child := range n.Content {
			c.yaml(child, at)
		}
	case yaml.SequenceNode:
		for i, child := range n.Content {
			c.yaml(child, append(slices.Clip(at), strconv.Itoa(i)))
		}
	case yaml.MappingNode:
		seen := map[string]int{}
		for i := 0; i+1 < len(n.Content); i += 2 {
			k := n.Content[i]
			v := yamlScalar(k, at)
			v.Key = true
			if first, again := seen[v.Text]; again && k.Tag != "!!merge" {
				c.repeated(v, first)
			} else {
				seen[v.Text] = k.Line
			}
			c.values = append(c.values, v)
			c.yaml(n.Content[i+1], append(slices.Clip(at), v.Text))
		}
	case yaml.ScalarNode:
		c.values = append(c.values, yamlScalar(n, at))
	}
}

func yamlScalar(n *yaml.Node, at []string) Value {
	v := Value{Path: at, Text: n.Value, Line: n.Line, Column: n.Column}
	if n.Kind != yaml.ScalarNode || n.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle|yaml.LiteralStyle|yaml.FoldedStyle) != 0 {
		return v
	}
	if tag := n.ShortTag(); tag != "!!int" && tag != "!!float" {
		return v
	}
	var read any
	if n.Decode(&read) != nil {
		return v
	}
	v.Number = true
	switch x := read.(type) {
	case float64:
		v.Read = strconv.FormatFloat(x, 'f', -1, 64)
	default:
		v.Read = fmt.Sprint(x)
	}
	return v
}

// Place finds the data file and the line that define a path of the data
// document; the file is empty where none does.
func Place(files map[string][]byte, at []string) (file string, line, column int) {
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if path.Ext(name) == ".rego" {
			continue
		}
		list, _ := Values(name, files[name])
		for _, v := range list {
			if v.Key && slices.Equal(append(slices.Clip(Path(name, v)), v.Text), at) {
				return name, v.Line, v.Column
			}
		}
	}
	return "", 0, 0
}
