package lint

import (
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	"switchboard/engine"
	"switchboard/engine/policy/datafile"
	"switchboard/engine/policy/finding"
)

// DIDsPath is where the directory lists the DIDs, by canonical number.
var DIDsPath = []string{"directory", "dids"}

// SchemasFolder is where a set keeps its JSON schemas, one to a folder: two in
// one folder do not load, as both define "$schema".
const SchemasFolder = "schemas/"

// Data looks for what loads well and routes wrong: a number that YAML read
// as another one, a spelling that no call will ever be equal to.
//
// Only what would surely misroute is an error: an unquoted telephone number
// (no text is equal to it), a DID key that is not canonical, a repeated key, a
// file without content, a document in the place of the history. The rest is a
// warning: the numbering plan may be out of date, and a long number may count
// something else than telephones.
func Data(files map[string][]byte, numbers *engine.Numbers) finding.List {
	var f finding.List
	values := map[string][]datafile.Value{}
	dids := map[string]bool{}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if path.Ext(name) == ".rego" {
			continue
		}
		list, problems := datafile.Values(name, files[name])
		for _, p := range problems {
			f.Fail(p)
		}
		for _, p := range reserved(name, list) {
			f.Fail(p)
		}
		values[name] = list
		for _, v := range list {
			if v.Key && slices.Equal(datafile.Path(name, v), DIDsPath) {
				dids[v.Text] = true
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		if strings.HasPrefix(name, SchemasFolder) {
			continue // descriptions and patterns, not numbers
		}
		l := dataLint{file: name, numbers: numbers, dids: dids, List: &f}
		for _, v := range values[name] {
			l.value(v)
		}
	}
	return f
}

type dataLint struct {
	file    string
	numbers *engine.Numbers
	dids    map[string]bool
	*finding.List
}

func (l *dataLint) problem(v datafile.Value, message, hint string) engine.Problem {
	return engine.Problem{File: l.file, Line: v.Line, Column: v.Column, Code: finding.CodeData, Message: message, Hint: hint}
}

func (l *dataLint) value(v datafile.Value) {
	isDID := v.Key && slices.Equal(datafile.Path(l.file, v), DIDsPath)
	switch {
	case v.Number && l.unquoted(v, isDID):
	case isDID:
		l.did(v)
	case !v.Number:
		l.person(v)
	}
}

// unquoted judges a number that stands without quotes, and reports whether it
// found something.
func (l *dataLint) unquoted(v datafile.Value, isDID bool) bool {
	digits := Digits(v.Text)
	lost := v.Text != v.Read // a plus, a leading zero, or digits
	leading := strings.HasPrefix(v.Text, "0") || strings.HasPrefix(v.Text, "+")
	what, shown := "value", engine.Mask(v.Text)
	if v.Key {
		what = "key"
	}
	if isDID {
		shown = v.Text // our own number, nobody's secret
	}
	hint := "put the number in quotes"
	switch {
	case len(digits) != len(strings.TrimPrefix(v.Text, "+")): // 1e9, 0.5, 1_000, -3
		return false
	case lost && len(digits) >= 7:
		l.Fail(l.problem(v, fmt.Sprintf("the %s %s stands without quotes and is read as the number %s", what, shown, engine.Mask(v.Read)), hint))
	case lost && leading && len(digits) >= 3:
		l.Warn(l.problem(v, fmt.Sprintf("the %s %s stands without quotes and is read as the number %s", what, v.Text, v.Read), hint))
	case v.Key && len(digits) >= 7:
		// Keys become text again, so nothing is lost but the habit.
		l.Warn(l.problem(v, fmt.Sprintf("the key %s stands without quotes", shown), hint))
		return !isDID
	case !v.Key && len(digits) >= 10 && !likeMoment(digits) && l.numbers.Person(digits).Valid:
		l.Fail(l.problem(v, fmt.Sprintf("the telephone number %s stands without quotes, so it is a number and equal to no caller", shown), hint))
	case !v.Key && len(digits) >= 10 && l.numbers.Person(digits).Valid:
		l.Warn(l.problem(v, fmt.Sprintf("the value %s stands without quotes; a telephone number would need them", shown), hint))
	default:
		return false
	}
	return true
}

// likeMoment reports whether digits may as well be a Unix time in seconds, from
// 2020 to 2036.
func likeMoment(digits string) bool {
	return len(digits) == 10 && digits >= "1600000000" && digits < "2100000000"
}

// did judges a key of data.directory.dids.
func (l *dataLint) did(v datafile.Value) {
	n := l.numbers.DID(v.Text)
	switch {
	case Digits(v.Text) == "":
		// An entry with a name, "default" say.
	case !n.Valid:
		l.Warn(l.problem(v, fmt.Sprintf("the DID %q is no possible telephone number", v.Text),
			"write country code and number in digits alone, such as 918645658689"))
	case n.Canonical != v.Text:
		l.Fail(l.problem(v, fmt.Sprintf("the DID %q is not in canonical form, so no call will find it", v.Text),
			fmt.Sprintf("write %q", n.Canonical)))
	case !l.numbers.Plausible(n):
		l.Warn(l.problem(v, fmt.Sprintf("the DID %s is not a number that the numbering plan knows", v.Text), "check its digits"))
	}
}

// telephone matches texts that are written like a telephone number.
var telephone = regexp.MustCompile(`^\+?[0-9(][0-9 ()\-]{6,24}$`)

var dateText = regexp.MustCompile(`^[0-9]{4}-[0-9]{2}-[0-9]{2}`)

// person judges a text that looks like a telephone number.
func (l *dataLint) person(v datafile.Value) {
	text := strings.TrimSpace(v.Text)
	digits := Digits(text)
	plus := strings.HasPrefix(text, "+")
	if !telephone.MatchString(text) || dateText.MatchString(text) || !plus && len(digits) < 10 {
		return
	}
	n := l.numbers.Person(text)
	switch {
	case l.dids[v.Text]:
	case !n.Valid:
		l.Warn(l.problem(v, fmt.Sprintf("%s is no possible telephone number", engine.Mask(v.Text)), "check its digits"))
	case n.Canonical != v.Text:
		l.Warn(l.problem(v, fmt.Sprintf("%s is not in canonical form, so it is equal to no caller", engine.Mask(v.Text)), spelling(n)))
	case !l.numbers.Plausible(n):
		l.Warn(l.problem(v, fmt.Sprintf("%s is not a number that the numbering plan knows", engine.Mask(v.Text)), "check its digits"))
	}
}

// spelling says how a person's number is written without writing it: reports go
// to logs.
func spelling(n engine.Number) string {
	if strings.HasPrefix(n.Canonical, "+") {
		return fmt.Sprintf("write it as a plus and %d digits, nothing between them (%s)", len(n.Canonical)-1, engine.Mask(n.Canonical))
	}
	return fmt.Sprintf("write its %d digits alone (%s)", len(n.Canonical), engine.Mask(n.Canonical))
}

// Digits are the digits of a text.
func Digits(text string) string {
	return strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, text)
}
