package datafile

import (
	"bytes"
	"slices"

	"go.yaml.in/yaml/v3"
)

// Cut is a YAML file taken apart by its lines, unread: the entries of one mapping
// at the top of the file, and what stands before and behind them. Joined again
// the parts are the file.
//
// The lines alone can't say that a part is what it looks like: it may stand in a
// text of several lines. Where [File.Cut] agrees they are: a parser comes to the
// first line of each entry in the same state, whatever the entries before were, so
// that entries which were read may be left out, taken over and joined with others.
type Cut struct {
	Head    []byte   // up to the first entry, the mapping's own key included
	Entries [][]byte // each up to the next one, with the comments between them
	Tail    []byte   // from the next key at the top on

	column int // of the entries' keys, from 1
}

// CutUp takes a YAML file apart at the entries of the mapping that stands at a key
// at the top of the file. It reports false where that is not the way the file is
// written.
func CutUp(content []byte, key string) (*Cut, bool) {
	c := &Cut{}
	inside, start, rest := false, 0, content
	for at := 0; len(rest) > 0; at = len(content) - len(rest) {
		var line []byte
		line, rest = nextLine(rest)
		blank, indent := isBlank(line), indentOf(line)
		switch {
		case !inside:
			inside = isHeader(line, key)
		case blank:
		case c.Head == nil: // the first entry
			if indent == 0 {
				return nil, false
			}
			c.column, c.Head, start = indent+1, content[:at:at], at
		case indent+1 < c.column:
			c.Entries = append(c.Entries, content[start:at:at])
			c.Tail = content[at:]
			return c, true
		case indent+1 == c.column:
			c.Entries = append(c.Entries, content[start:at:at])
			start = at
		}
	}
	if c.Head == nil {
		return nil, false
	}
	c.Entries = append(c.Entries, content[start:])
	return c, true
}

func nextLine(text []byte) (line, rest []byte) {
	if end := bytes.IndexByte(text, '\n'); end >= 0 {
		return text[:end], text[end+1:]
	}
	return text, nil
}

func indentOf(line []byte) int {
	for i, c := range line {
		if c != ' ' {
			return i
		}
	}
	return len(line)
}

// isBlank reports whether a line says nothing: it is empty or a comment.
func isBlank(line []byte) bool {
	line = bytes.TrimLeft(line, " \t\r")
	return len(line) == 0 || line[0] == '#'
}

// isHeader reports whether a line is a key at the top of a file and nothing else.
func isHeader(line []byte, key string) bool {
	rest, ok := bytes.CutPrefix(line, []byte(key+":"))
	return ok && isBlank(rest) && (len(rest) == 0 || rest[0] != '#')
}

// Cut is [CutUp] of a file that was read, with the keys of the entries, where
// reading it found the entries where the lines say they are; nil where not, and
// where the file is no plain one: it has anchors, say.
func (f *File) Cut(key string) (cut *Cut, keys []string) {
	c, ok := CutUp(f.content, key)
	if !ok || f.doc == nil || len(f.odd) > 0 {
		return nil, nil
	}
	if _, plain := f.AsJSON(); !plain {
		return nil, nil
	}
	top := f.doc.Content[0]
	if top.Kind != yaml.MappingNode || top.Style&yaml.FlowStyle != 0 {
		return nil, nil
	}
	header := bytes.Count(c.Head, newline)
	for i := 0; i+1 < len(top.Content); i += 2 {
		k, entries := top.Content[i], top.Content[i+1]
		if k.Value != key || k.Line > header {
			continue
		}
		if entries.Kind != yaml.MappingNode || entries.Style&yaml.FlowStyle != 0 || len(entries.Content) != 2*len(c.Entries) {
			return nil, nil
		}
		keys = make([]string, len(c.Entries))
		lines := c.Lines()
		for j, line := range lines[:len(c.Entries)] {
			k := entries.Content[2*j]
			if k.Line != line || k.Column != c.column {
				return nil, nil
			}
			keys[j] = k.Value
		}
		// What stands behind them is a key at the top, and not inside the last one.
		if tail := lines[len(c.Entries)]; len(c.Tail) > 0 && (i+2 >= len(top.Content) || top.Content[i+2].Line != tail) {
			return nil, nil
		}
		return c, keys
	}
	return nil, nil
}

var newline = []byte{'\n'}

// Lines are those on which the entries begin, from 1, and last the tail's.
func (c *Cut) Lines() []int {
	lines := make([]int, 0, len(c.Entries)+1)
	line := 1 + bytes.Count(c.Head, newline)
	for _, e := range c.Entries {
		lines = append(lines, line)
		line += bytes.Count(e, newline)
	}
	return append(lines, line)
}

// Entry is the number of the entry that a line stands in, -1 for the head and
// the number of entries for the tail. lines are those of [Cut.Lines].
func Entry(lines []int, line int) int {
	i, exact := slices.BinarySearch(lines, line)
	if !exact {
		i--
	}
	return i
}

// Only is the file with some of its entries alone, by their numbers in order.
func (c *Cut) Only(entries []int) *Cut {
	out := &Cut{Head: c.Head, Tail: c.Tail, column: c.column}
	for _, i := range entries {
		out.Entries = append(out.Entries, c.Entries[i])
	}
	return out
}

// Join is the text of the whole.
func (c *Cut) Join() []byte {
	return slices.Concat(append(append([][]byte{c.Head}, c.Entries...), c.Tail)...)
}
