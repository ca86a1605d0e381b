package datafile

import (
	"encoding/json"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// AsJSON is a YAML file as JSON, which must not be changed, and reports whether it can be told: not where it
// has anchors, merges, or keys that are no texts. OPA's loader compares every
// key of a YAML mapping with every other, which takes a minute for a hundred
// thousand; this way takes a second, and a test holds both to the same result.
func (f *File) AsJSON() ([]byte, bool) {
	if f.doc == nil || len(f.doc.Content) != 1 {
		return nil, false
	}
	if f.json.out == nil {
		f.json = jsonWriter{out: make([]byte, 0, len(f.content)), ok: true}
		f.json.node(f.doc.Content[0])
	}
	return f.json.out, f.json.ok
}

type jsonWriter struct {
	out []byte
	ok  bool
}

func (w *jsonWriter) node(n *yaml.Node) {
	switch n.Kind {
	case yaml.MappingNode:
		w.out = append(w.out, '{')
		for i := 0; i+1 < len(n.Content) && w.ok; i += 2 {
			if i > 0 {
				w.out = append(w.out, ',')
			}
			w.key(n.Content[i])
			w.out = append(w.out, ':')
			w.node(n.Content[i+1])
		}
		w.out = append(w.out, '}')
	case yaml.SequenceNode:
		w.out = append(w.out, '[')
		for i, child := range n.Content {
			if i > 0 {
				w.out = append(w.out, ',')
			}
			w.node(child)
		}
		w.out = append(w.out, ']')
	case yaml.ScalarNode:
		w.scalar(n)
	default:
		w.ok = false // an alias
	}
	w.ok = w.ok && n.Anchor == ""
}

// key writes a key that is a text, or a whole number as JSON writes it.
func (w *jsonWriter) key(n *yaml.Node) {
	tag := n.ShortTag()
	w.ok = w.ok && n.Kind == yaml.ScalarNode && n.Anchor == "" &&
		(tag == "!!str" || tag == "!!int" && plainInt(n.Value))
	w.text(n.Value)
}

func (w *jsonWriter) scalar(n *yaml.Node) {
	switch tag := n.ShortTag(); {
	case tag == "!!str" || tag == "!!timestamp" && n.Style == 0:
		w.text(n.Value)
	case tag == "!!null":
		w.out = append(w.out, "null"...)
	case tag == "!!int" && plainInt(n.Value):
		w.out = append(w.out, n.Value...)
	case tag == "!!bool" || tag == "!!int" || tag == "!!float":
		var v any
		if n.Decode(&v) != nil {
			w.ok = false
			return
		}
		text, err := json.Marshal(v)
		w.ok = w.ok && err == nil
		w.out = append(w.out, text...)
	default:
		w.ok = false
	}
}

// plainInt reports whether a number is read as it is written.
func plainInt(text string) bool {
	n, err := strconv.ParseInt(text, 10, 64)
	return err == nil && strconv.FormatInt(n, 10) == text
}

func (w *jsonWriter) text(s string) {
	plain := !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r > '~' || r == '"' || r == '\\' })
	if plain {
		w.out = append(w.out, '"')
		w.out = append(w.out, s...)
		w.out = append(w.out, '"')
		return
	}
	text, err := json.Marshal(s)
	w.ok = w.ok && err == nil
	w.out = append(w.out, text...)
}
