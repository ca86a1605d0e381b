package policy

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strconv"

	"go.yaml.in/yaml/v3"

	"switchboard/engine"
)

// value is a key or a scalar of a data file, as it is written.
type value struct {
	path   []string // of the mapping or list it stands in; list indexes in digits
	key    bool
	text   string // as written, without quotes
	number bool   // written without quotes and read as a number
	read   string // what a number is read as, in decimal
	line   int
	column int
}

// valuesOf reads a data file with its positions, which OPA's loader does not
// keep. It finds what can't be read, keys that stand twice and files without
// any content.
func valuesOf(file string, content []byte) ([]value, []engine.Problem) {
	if len(bytes.TrimSpace(content)) == 0 {
		return nil, []engine.Problem{{File: file, Line: 1, Code: codeData,
			Message: "the file is empty", Hint: "write {} into it, or remove it"}}
	}
	if path.Ext(file) == ".json" {
		return jsonValues(file, content)
	}
	return yamlValues(file, content)
}

// collector gathers values and repeated keys.
type collector struct {
	file     string
	values   []value
	problems []engine.Problem
}

func (c *collector) repeated(v value, first int) {
	c.problems = append(c.problems, engine.Problem{File: c.file, Line: v.line, Column: v.column, Code: codeData,
		Message: fmt.Sprintf("the key %q stands here for the second time (first on line %d); only one of the two would count", engine.Mask(v.text), first),
		Hint:    "join the two entries or remove one"})
}

func yamlValues(file string, content []byte) ([]value, []engine.Problem) {
	dec := yaml.NewDecoder(bytes.NewReader(content))
	var doc yaml.Node
	if err := dec.Decode(&doc); err != nil {
		if errors.Is(err, io.EOF) {
			return nil, []engine.Problem{{File: file, Line: 1, Code: codeData,
				Message: "the file holds comments alone", Hint: "write {} into it, or remove it"}}
		}
		return nil, []engine.Problem{yamlProblem(file, content, err)}
	}
	c := &collector{file: file}
	var second yaml.Node
	if err := dec.Decode(&second); err == nil {
		c.problems = append(c.problems, engine.Problem{File: file, Line: second.Line, Code: codeData,
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
			v.key = true
			if first, again := seen[v.text]; again && k.Tag != "!!merge" {
				c.repeated(v, first)
			} else {
				seen[v.text] = k.Line
			}
			c.values = append(c.values, v)
			c.yaml(n.Content[i+1], append(slices.Clip(at), v.text))
		}
	case yaml.ScalarNode:
		c.values = append(c.values, yamlScalar(n, at))
	}
}

func yamlScalar(n *yaml.Node, at []string) value {
	v := value{path: at, text: n.Value, line: n.Line, column: n.Column}
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
	v.number = true
	switch x := read.(type) {
	case float64:
		v.read = strconv.FormatFloat(x, 'f', -1, 64)
	default:
		v.read = fmt.Sprint(x)
	}
	return v
}
