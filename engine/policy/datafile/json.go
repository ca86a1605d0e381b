package datafile

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"

	"switchboard/engine"
	"switchboard/engine/policy/finding"
)

// maxNesting bounds the recursion over a data file.
const maxNesting = 1000

// json walks a JSON file by its tokens; it answers why it can't be read.
func (w *walker) json() []engine.Problem {
	content := w.file.content
	dec := json.NewDecoder(bytes.NewReader(content))
	dec.UseNumber()
	j := &jsonWalker{walker: w, dec: dec, lines: lineEnds(content)}
	err := j.walk(w.file.root, "")
	if err == nil {
		if _, err = dec.Token(); errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil {
			err = errors.New("there is more after the end of the document")
		}
	}
	offset := dec.InputOffset()
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		offset = syntax.Offset
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = errors.New("the document ends too early: a bracket or brace is not closed")
		offset = int64(len(bytes.TrimSpace(content)))
	}
	line, column := j.lines.position(offset)
	return []engine.Problem{{File: w.file.Name, Line: line, Column: column, Code: finding.CodeParse, Message: err.Error(),
		Hint: "JSON wants quotes around names and texts, and no comma after the last entry"}}
}

type jsonWalker struct {
	*walker
	dec   *json.Decoder
	lines lineIndex
	depth int
}

// walk reads the value that stands at a name of in, and everything in it;
// without a name it is in itself.
func (j *jsonWalker) walk(in *Node, name string) error {
	if j.depth++; j.depth > maxNesting {
		return fmt.Errorf("it is nested more than %d levels deep", maxNesting)
	}
	defer func() { j.depth-- }()
	token, v, err := j.next(in)
	if err != nil {
		return err
	}
	switch token {
	case json.Delim('['):
		at := in.at(name)
		for i := 0; j.dec.More(); i++ {
			if err := j.walk(at, strconv.Itoa(i)); err != nil {
				return err
			}
		}
	case json.Delim('{'):
		at := in.at(name)
		seen := map[string]int{}
		for j.dec.More() {
			_, k, err := j.next(at)
			if err != nil {
				return err
			}
			k.Key = true
			if first, again := seen[k.Text]; again {
				j.repeated(k, first)
			} else {
				seen[k.Text] = k.Line
			}
			j.visit(k)
			if err := j.walk(at, k.Text); err != nil {
				return err
			}
		}
	default:
		v.Name = name
		j.visit(v)
		return nil
	}
	_, err = j.dec.Token() // the closing bracket
	return err
}

func (j *jsonWalker) next(in *Node) (json.Token, Value, error) {
	token, err := j.dec.Token()
	if err != nil {
		return nil, Value{}, err
	}
	v := Value{In: in}
	switch t := token.(type) {
	case string:
		v.Text = t
	case json.Number:
		v.Text, v.Read, v.Number = t.String(), t.String(), true
	}
	// The offset is behind the token, which never spans lines.
	v.Line, v.Column = j.lines.position(j.dec.InputOffset())
	return token, v, nil
}

// lineIndex holds the offsets of a text's line ends.
type lineIndex []int

func lineEnds(content []byte) lineIndex {
	var index lineIndex
	for i, c := range content {
		if c == '\n' {
			index = append(index, i)
		}
	}
	return index
}

// position turns an offset into line and column, both from 1.
func (x lineIndex) position(offset int64) (line, column int) {
	before, _ := slices.BinarySearch(x, int(offset))
	start := 0
	if before > 0 {
		start = x[before-1] + 1
	}
	return before + 1, max(int(offset)-start, 1)
}
