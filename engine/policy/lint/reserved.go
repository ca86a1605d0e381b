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

// reserved finds data files that define a document which the server serves.
func reserved(file string, values []datafile.Value) []engine.Problem {
	var out []engine.Problem
	folder, _, nested := strings.Cut(file, "/")
	if what, taken := mounted.Reserved[folder]; taken && nested {
		return []engine.Problem{{File: file, Line: 1, Code: finding.CodeData,
			Message: fmt.Sprintf("the folder %s is in the way of data.%s, where the server shows %s", folder, folder, what),
			Hint:    "give the folder another name; for tests use `with data." + folder + " as ...`"}}
	}
	if path.Dir(file) != "." {
		return nil
	}
	for _, v := range values {
		if what, taken := mounted.Reserved[v.Text]; taken && v.Key && len(v.Path) == 0 {
			out = append(out, engine.Problem{File: file, Line: v.Line, Column: v.Column, Code: finding.CodeData,
				Message: fmt.Sprintf("%s is in the way of data.%s, where the server shows %s", v.Text, v.Text, what),
				Hint:    "give the key another name; for tests use `with data." + v.Text + " as ...`"})
		}
	}
	return out
}
