package policy

import (
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	"switchboard/engine"
)

// didsPath is where the directory lists the DIDs, by canonical number.
var didsPath = []string{"directory", "dids"}

// lintData looks for what loads well and routes wrong: a number that YAML read
// as another one, a spelling that no call will ever be equal to.
//
// Only what would surely misroute is an error: an unquoted telephone number
// (no text is equal to it), a DID key that is not canonical, a repeated key, a
// file without content, a document in the place of the history. The rest is a
// warning: the numbering plan may be out of date, and a long number may count
// something else than telephones.
func lintData(tree Tree, numbers *engine.Numbers) findings {
	var f findings
	values := map[string][]value{}
	dids := map[string]bool{}
	for _, name := range tree.names() {
		if isRego(name) {
			continue
		}
		list, problems := valuesOf(name, tree[name])
		for _, p := range problems {
			f.fail(p)
		}
		for _, p := range lintReserved(name, list) {
			f.fail(p)
		}
		values[name] = list
		for _, v := range list {
			if v.key && slices.Equal(documentPath(name, v), didsPath) {
				dids[v.text] = true
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		if strings.HasPrefix(name, schemasFolder) {
			continue // descriptions and patterns, not numbers
		}
		l := dataLint{file: name, numbers: numbers, dids: dids, findings: &f}
		for _, v := range values[name] {
			l.value(v)
		}
	}
	return f
}

// documentPath is where a value stands in the data document.
func documentPath(file string, v value) []string {
	dir := path.Dir(file)
	if dir == "." {
		return v.path
	}
	return append(strings.Split(dir, "/"), v.path...)
}

type dataLint struct {
	file    string
	numbers *engine.Numbers
	dids    map[string]bool
	*findings
}

func (l *dataLint) problem(v value, message, hint string) engine.Problem {
	return engine.Problem{File: l.file, Line: v.line, Column: v.column, Code: codeData, Message: message, Hint: hint}
}

func (l *dataLint) value(v value) {
	isDID := v.key && slices.Equal(documentPath(l.file, v), didsPath)
	switch {
	case v.number && l.unquoted(v, isDID):
	case isDID:
		l.did(v)
	case !v.number:
		l.person(v)
	}
}

// unquoted judges a number that stands without quotes, and reports whether it
// found something.
func (l *dataLint) unquoted(v value, isDID bool) bool {
	digits := digitsOf(v.text)
	lost := v.text != v.read // a plus, a leading zero, or digits
	leading := strings.HasPrefix(v.text, "0") || strings.HasPrefix(v.text, "+")
	what, shown := "value", engine.Mask(v.text)
	if v.key {
		what = "key"
	}
	if isDID {
		shown = v.text // our own number, nobody's secret
	}
	hint := "put the number in quotes"
	switch {
	case len(digits) != len(strings.TrimPrefix(v.text, "+")): // 1e9, 0.5, 1_000, -3
		return false
	case lost && len(digits) >= 7:
		l.fail(l.problem(v, fmt.Sprintf("the %s %s stands without quotes and is read as the number %s", what, shown, engine.Mask(v.read)), hint))
	case lost && leading && len(digits) >= 3:
		l.warn(l.problem(v, fmt.Sprintf("the %s %s stands without quotes and is read as the number %s", what, v.text, v.read), hint))
	case v.key && len(digits) >= 7:
		// Keys become text again, so nothing is lost but the habit.
		l.warn(l.problem(v, fmt.Sprintf("the key %s stands without quotes", shown), hint))
		return !isDID
	case !v.key && len(digits) >= 10 && !likeMoment(digits) && l.numbers.Person(digits).Valid:
		l.fail(l.problem(v, fmt.Sprintf("the telephone number %s stands without quotes, so it is a number and equal to no caller", shown), hint))
	case !v.key && len(digits) >= 10 && l.numbers.Person(digits).Valid:
		l.warn(l.problem(v, fmt.Sprintf("the value %s stands without quotes; a telephone number would need them", shown), hint))
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
func (l *dataLint) did(v value) {
	n := l.numbers.DID(v.text)
	switch {
	case digitsOf(v.text) == "":
		// An entry with a name, "default" say.
	case !n.Valid:
		l.warn(l.problem(v, fmt.Sprintf("the DID %q is no possible telephone number", v.text),
			"write country code and number in digits alone, such as 918645658689"))
	case n.Canonical != v.text:
		l.fail(l.problem(v, fmt.Sprintf("the DID %q is not in canonical form, so no call will find it", v.text),
			fmt.Sprintf("write %q", n.Canonical)))
	case !l.numbers.Plausible(n):
		l.warn(l.problem(v, fmt.Sprintf("the DID %s is not a number that the numbering plan knows", v.text), "check its digits"))
	}
}

// telephone matches texts that are written like a telephone number.
var telephone = regexp.MustCompile(`^\+?[0-9(][0-9 ()\-]{6,24}$`)

var dateText = regexp.MustCompile(`^[0-9]{4}-[0-9]{2}-[0-9]{2}`)

// person judges a text that looks like a telephone number.
func (l *dataLint) person(v value) {
	text := strings.TrimSpace(v.text)
	digits := digitsOf(text)
	plus := strings.HasPrefix(text, "+")
	if !telephone.MatchString(text) || dateText.MatchString(text) || !plus && len(digits) < 10 {
		return
	}
	n := l.numbers.Person(text)
	switch {
	case l.dids[v.text]:
	case !n.Valid:
		l.warn(l.problem(v, fmt.Sprintf("%s is no possible telephone number", engine.Mask(v.text)), "check its digits"))
	case n.Canonical != v.text:
		l.warn(l.problem(v, fmt.Sprintf("%s is not in canonical form, so it is equal to no caller", engine.Mask(v.text)), spelling(n)))
	case !l.numbers.Plausible(n):
		l.warn(l.problem(v, fmt.Sprintf("%s is not a number that the numbering plan knows", engine.Mask(v.text)), "check its digits"))
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

func digitsOf(text string) string {
	return strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, text)
}
