package lint

import (
	"fmt"
	"path"
	"strings"

	"switchboard/engine"
	"switchboard/engine/policy/datafile"
	"switchboard/engine/policy/finding"
	"switchboard/engine/policy/mounted"
)

// reservedLint finds data files that define a document which the server serves.
type reservedLint struct {
	file     string
	look     bool
	problems []engine.Problem
}

func reserved(file string) *reservedLint {
	l := &reservedLint{file: file, look: path.Dir(file) == "."}
	folder, _, nested := strings.Cut(file, "/")
	if what, taken := mounted.Reserved[folder]; taken && nested {
		l.problems = []engine.Problem{{File: file, Line: 1, Code: finding.CodeData,
			Message: fmt.Sprintf("the folder %s is in the way of data.%s, where the server shows %s", folder, folder, what),
			Hint:    "give the folder another name; for tests use `with data." + folder + " as ...`"}}
	}
	return l
}

func (l *reservedLint) value(v datafile.Value) {
	if !l.look || !v.Key || !v.In.Is(nil) {
		return
	}
	if what, taken := mounted.Reserved[v.Text]; taken {
		l.problems = append(l.problems, engine.Problem{File: l.file, Line: v.Line, Column: v.Column, Code: finding.CodeData,
			Message: fmt.Sprintf("%s is in the way of data.%s, where the server shows %s", v.Text, v.Text, what),
			Hint:    "give the key another name; for tests use `with data." + v.Text + " as ...`"})
	}
}
