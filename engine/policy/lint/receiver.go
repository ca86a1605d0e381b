package lint

import (
	"fmt"
	"strconv"
	"strings"

	"switchboard/engine"
	"switchboard/engine/policy/datafile"
)

// place is what a mapping or list of the directory is, as far as the numbers in
// it are concerned.
type place int

const (
	elsewhere place = iota
	inDIDs          // keys are DIDs
	inEntry         // the directory itself, or the entry of a DID
	inPeople        // a list of people who are called
	inVIP           // one important caller's people
	inWeights       // keys are people
)

// entryNumbers are the fields of an entry, or of the directory, that hold a
// number which calls are forwarded to.
var entryNumbers = map[string]bool{"overflow": true, "override": true, "after_hours": true, "no_session_to": true}

// placeOf finds out by the names on the way; the starter set's, which any
// directory may follow.
func placeOf(n *datafile.Node) place {
	path := n.Path()
	if len(path) == 0 || path[0] != DIDsPath[0] {
		return elsewhere
	}
	path = path[1:]
	if len(path) == 1 && path[0] == DIDsPath[1] {
		return inDIDs
	}
	inEntryOf := 0
	switch {
	case len(path) > 1 && path[0] == DIDsPath[1]:
		inEntryOf = 2
	case len(path) > 0 && path[0] == "default":
		inEntryOf = 1
	}
	rest := path[inEntryOf:]
	switch {
	case len(rest) == 0:
		return inEntry
	case len(rest) == 1 && (rest[0] == "team" || rest[0] == "overflow"),
		len(rest) == 2 && (rest[0] == "pairs" || rest[0] == "teams" && inEntryOf == 0):
		return inPeople
	case len(rest) == 2 && rest[0] == "vip":
		return inVIP
	case len(rest) == 2 && rest[0] == "distribution" && rest[1] == "weights":
		return inWeights
	}
	return elsewhere
}

// forwards reports whether calls may be forwarded to what stands there.
func (p place) forwards(v datafile.Value) bool {
	switch p {
	case inPeople:
		return !v.Key
	case inEntry:
		return !v.Key && entryNumbers[v.Name]
	case inVIP:
		return !v.Key && (v.Name == "to" || v.Name == "backup")
	case inWeights:
		return v.Key
	}
	return false
}

// receiver judges a number that calls are forwarded to.
func (l *dataLint) receiver(v datafile.Value) {
	if Digits(v.Text) == "" { // a word: reject, true, or whatever the rules make of it
		return
	}
	n := l.numbers.Person(v.Text)
	if !n.Valid {
		l.Fail(l.problem(v, fmt.Sprintf("%s is no possible telephone number, and calls would be forwarded to it", engine.Mask(v.Text)),
			"check its digits: a person has the national number, such as 10 digits in India, and a foreign one + and all digits"))
		return
	}
	did := strings.TrimPrefix(n.E164, "+") // also where our line is written as a person's
	l.forwarded = append(l.forwarded, forward{did, l.file, v.Line, v.Column})
	if number, err := strconv.ParseUint(did, 10, 64); err == nil {
		l.Forwarded = append(l.Forwarded, number)
	}
	l.spelt(v, n)
}
