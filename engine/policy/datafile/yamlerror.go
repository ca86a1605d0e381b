package datafile

import (
	"cmp"
	"errors"
	"regexp"
	"strconv"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/parser"

	"switchboard/engine"
	"switchboard/engine/policy/finding"
)

// yamlProblem tells where and why a YAML file can't be read. The library that
// OPA reads YAML with names the line where the enclosing block begins, or the
// one before; another one is asked that knows the place.
func yamlProblem(file string, content []byte, err error) engine.Problem {
	p := engine.Problem{File: file, Line: cmp.Or(LineIn(err.Error()), 1), Code: finding.CodeParse, Message: err.Error(),
		Hint: "mind the indentation and the brackets, and put texts with special characters in quotes"}
	_, better := parser.ParseBytes(content, 0)
	var placed yaml.Error
	if errors.As(better, &placed) {
		if token := placed.GetToken(); token != nil && token.Position != nil {
			p.Line, p.Column, p.Message = token.Position.Line, token.Position.Column, engine.Mask(placed.GetMessage())
		}
	}
	return p
}

var lineWord = regexp.MustCompile(`\bline (\d+)\b`)

// LineIn finds the line that a YAML error names in its text: the library has no
// other way to tell it.
func LineIn(text string) int {
	if m := lineWord.FindStringSubmatch(text); m != nil {
		n, _ := strconv.Atoi(m[1]) // the pattern lets digits through alone
		return n
	}
	return 0
}
