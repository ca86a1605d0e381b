package datafile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"

	"go.yaml.in/yaml/v3"

	"switchboard/engine"
	"switchboard/engine/policy/finding"
)

func (f *File) parseYAML() {
	dec := yaml.NewDecoder(bytes.NewReader(f.content))
	doc := &yaml.Node{}
	if err := dec.Decode(doc); err != nil {
		if errors.Is(err, io.EOF) {
			f.broken = []engine.Problem{{File: f.Name, Line: 1, Code: finding.CodeData,
				Message: "the file holds comments alone", Hint: "write {} into it, or remove it"}}
			return
		}
		f.broken = []engine.Problem{yamlProblem(f.Name, f.content, err)}
		return
	}
	f.doc = doc
	var second yaml.Node
	if err := dec.Decode(&second); err == nil {
		f.odd = append(f.odd, engine.Problem{File: f.Name, Line: second.Line, Code: finding.CodeData,
			Message: "the file holds a second document, which would be left out", Hint: "put it into a file of its own"})
	}
}

// yaml walks what stands at a name of in; without one it is in itself. Aliases
// are not followed: what they stand for is visited where its anchor is.
func (w *walker) yaml(n *yaml.Node, in *Node, name string) {
	switch n.Kind {
	case yaml.DocumentNode:
		for _, child := range n.Content {
			w.yaml(child, in, "")
		}
	case yaml.SequenceNode:
		at := in.at(name)
		for i, child := range n.Content {
			w.yaml(child, at, strconv.Itoa(i))
		}
	case yaml.MappingNode:
		at := in.at(name)
		seen := make(map[string]int, len(n.Content)/2)
		for i := 0; i+1 < len(n.Content); i += 2 {
			k := n.Content[i]
			v := yamlScalar(k, at)
			v.Key = true
			if first, again := seen[v.Text]; again && k.Tag != "!!merge" {
				w.repeated(v, first)
			} else {
				seen[v.Text] = k.Line
			}
			w.visit(v)
			w.yaml(n.Content[i+1], at, v.Text)
		}
	case yaml.ScalarNode:
		v := yamlScalar(n, in)
		v.Name = name
		w.visit(v)
	}
}

func yamlScalar(n *yaml.Node, in *Node) Value {
	v := Value{In: in, Text: n.Value, Line: n.Line, Column: n.Column}
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
