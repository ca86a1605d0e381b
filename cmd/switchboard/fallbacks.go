package main

import (
	"fmt"
	"strings"

	"switchboard/engine"
)

// fallbackFlags are the numbers that answer where the policies don't.
type fallbackFlags struct {
	Fallback    string   `placeholder:"NUMBER" help:"Answers whenever the policies can't. Without one such calls get 503."`
	FallbackDID []string `name:"fallback-did" sep:"none" placeholder:"DID=NUMBER" help:"The same for one DID; repeat it, or separate several by commas."`
}

// judge checks the fallbacks: a mistyped one must fail at the start, not in the
// first call that needs it.
func (f fallbackFlags) judge(numbers *engine.Numbers) (engine.Judge, error) {
	j := engine.Judge{Numbers: numbers, DIDFallbacks: map[string]string{}}
	var err error
	if f.Fallback != "" {
		if j.Fallback, err = fallbackNumber(numbers, "--fallback", f.Fallback); err != nil {
			return j, err
		}
	}
	for _, given := range f.FallbackDID {
		// A variable of the environment may have to tell several on one line, and
		// no number holds a comma.
		for pair := range strings.SplitSeq(given, ",") {
			did, number, err := didFallback(numbers, pair)
			if err != nil {
				return j, err
			}
			j.DIDFallbacks[did] = number
		}
	}
	return j, nil
}

// didFallback reads DID=NUMBER, both in any spelling.
func didFallback(numbers *engine.Numbers, pair string) (did, number string, err error) {
	left, right, ok := strings.Cut(pair, "=")
	n := numbers.DID(left)
	if !ok || !n.Valid {
		return "", "", fmt.Errorf("--fallback-did %q: write DID=NUMBER, such as 918645658689=9876543210", pair)
	}
	if number, err = fallbackNumber(numbers, "--fallback-did", right); err != nil {
		return "", "", err
	}
	if numbers.DID(number).Canonical == n.Canonical {
		return "", "", fmt.Errorf("--fallback-did %q: a DID can't be its own fallback", pair)
	}
	return n.Canonical, number, nil
}

func fallbackNumber(numbers *engine.Numbers, flag, raw string) (string, error) {
	n := numbers.Person(raw)
	if !n.Valid {
		return "", fmt.Errorf("%s: %q is not a possible phone number; write it like 9876543210 or +14155552671", flag, raw)
	}
	return n.Canonical, nil
}
