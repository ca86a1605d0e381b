package lint

import (
	"fmt"
	"regexp"
	"strings"

	"switchboard/engine"
	"switchboard/engine/giveway"
	"switchboard/engine/policy/datafile"
	"switchboard/engine/policy/finding"
)

// DIDsPath is where the directory lists the DIDs, by canonical number.
var DIDsPath = []string{"directory", "dids"}

// SchemasFolder is where a set keeps its JSON schemas, one to a folder: two in
// one folder do not load, as both define "$schema".
const SchemasFolder = "schemas/"

// MostWarned bounds how many numbers of a set are held against the numbering
// plan while calls wait for the processor: it is a warning, and the plan's
// patterns are slow.
const MostWarned = 20_000

// Numbering is what there is to say of the numbers in data files.
type Numbering struct {
	finding.List

	// Held is how many numbers were held against the plan, and Spent the place of
	// the first that was not as there were too many; no file: none.
	Held  int
	Spent Spot

	// Forwarded are the numbers that calls are forwarded to: country code and
	// number, in no order.
	Forwarded []uint64
}

// Spot is a line of a file, from 1.
type Spot struct {
	File string
	Line int
}

// DataOptions are how [Data] looks. Numbers is required.
type DataOptions struct {
	Numbers *engine.Numbers
	Most    int                   // numbers that are held against the plan; 0 is all
	IsDID   func(did string) bool // of DIDs that stand elsewhere; nil is none
}

// Data looks for what loads well and routes wrong: a number that YAML read
// as another one, a spelling that no call will ever be equal to.
//
// Only what would surely misroute is an error: an unquoted telephone number
// (no text is equal to it), a DID key that is not canonical, a number to forward
// calls to that can't be one, a repeated key, a file without content, a document
// in the place of the history. The rest is a warning: the numbering plan may be
// out of date, and a long number may count something else than telephones.
func Data(files *datafile.Files, o DataOptions) Numbering {
	l := dataLint{numbers: o.Numbers, most: o.Most, dids: map[string]bool{}}
	for _, file := range files.List {
		l.walk(file)
	}
	isDID := func(text string) bool { return l.dids[text] || o.IsDID != nil && o.IsDID(text) }
	for _, p := range l.doubtful {
		if !isDID(p.text) {
			l.Warn(p.Problem)
		}
	}
	for _, p := range l.forwarded {
		if isDID(p.text) {
			l.Fail(engine.Problem{File: p.file, Line: p.line, Column: p.column, Code: finding.CodeData,
				Message: fmt.Sprintf("%s is a DID of this directory, and calls would be forwarded to it: a loop", p.text), Hint: "write a person's number"})
		}
	}
	return l.Numbering
}

type dataLint struct {
	file      string
	numbers   *engine.Numbers
	most      int            // numbers that are held against the plan
	in        *datafile.Node // that was looked at last, and what it is
	place     place
	dids      map[string]bool
	doubtful  []about   // warned of unless it is a DID
	forwarded []forward // refused where it is a DID
	Numbering
}

// about is a problem with a text.
type about struct {
	text string
	engine.Problem
}

// forward is where a number stands that calls are forwarded to, as it would be
// written as a DID.
type forward struct {
	text, file   string
	line, column int
}

func (l *dataLint) walk(file *datafile.File) {
	before, doubtful, forwarded := l.List, len(l.doubtful), len(l.forwarded)
	l.file = file.Name
	visit := l.value
	if strings.HasPrefix(file.Name, SchemasFolder) {
		visit = func(datafile.Value) {} // descriptions and patterns, not numbers
	}
	inTheWay := reserved(file.Name)
	values := 0
	problems, ok := file.Walk(func(v datafile.Value) {
		values++
		giveway.Every(512, values)
		inTheWay.value(v)
		visit(v)
	})
	if !ok { // what was found in a part of it may be nonsense
		l.List, l.doubtful, l.forwarded = before, l.doubtful[:doubtful], l.forwarded[:forwarded]
	}
	for _, p := range append(problems, inTheWay.problems...) {
		l.Fail(p)
	}
}

func (l *dataLint) problem(v datafile.Value, message, hint string) engine.Problem {
	return engine.Problem{File: l.file, Line: v.Line, Column: v.Column, Code: finding.CodeData, Message: message, Hint: hint}
}

func (l *dataLint) value(v datafile.Value) {
	if v.In != l.in {
		l.in, l.place = v.In, placeOf(v.In)
	}
	isDID := v.Key && l.place == inDIDs
	if isDID {
		l.dids[v.Text] = true
	}
	switch {
	case v.Number && l.unquoted(v, isDID):
	case isDID:
		l.did(v)
	case v.Number:
	case l.place.forwards(v):
		l.receiver(v)
	default:
		l.person(v)
	}
}

// plausible holds the number of v against the numbering plan, while there is room.
func (l *dataLint) plausible(v datafile.Value, n engine.Number) bool {
	if l.most > 0 && l.Held == l.most {
		if l.Spent.File == "" {
			l.Spent = Spot{l.file, v.Line}
		}
		return true
	}
	l.Held++
	return l.numbers.Plausible(n)
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
	case !l.plausible(v, n):
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
	l.spelt(v, l.numbers.Person(text))
}

// spelt judges how a person's number is written.
func (l *dataLint) spelt(v datafile.Value, n engine.Number) {
	doubt := func(message, hint string) {
		l.doubtful = append(l.doubtful, about{v.Text, l.problem(v, engine.Mask(v.Text)+" "+message, hint)})
	}
	switch {
	case !n.Valid:
		doubt("is no possible telephone number", "check its digits")
	case n.Canonical != v.Text:
		doubt("is not in canonical form, so it is equal to no caller", spelling(n))
	case !l.plausible(v, n):
		doubt("is not a number that the numbering plan knows", "check its digits")
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
