package main

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/alecthomas/kong"

	"switchboard/engine/policy/finding"
)

// envPrefix begins the variables that are settings.
const envPrefix = "SWITCHBOARD_"

// serviceLink is a variable that Kubernetes sets in every container beside a
// service named switchboard: nobody meant it for us.
var serviceLink = regexp.MustCompile(`^SWITCHBOARD_([A-Z0-9_]+_)?(SERVICE_HOST|SERVICE_PORT(_[A-Z0-9_]+)?|PORT(_[0-9]+_(TCP|UDP|SCTP)(_[A-Z]+)?)?)$`)

// checkEnvironment refuses variables that look like settings and are none: a
// misspelt secret would leave a listener open, a misspelt fallback calls
// unanswered.
func checkEnvironment(app *kong.Application, environ []string) error {
	var known []string
	eachFlag(app, func(flag *kong.Flag) {
		for _, name := range flag.Envs {
			known = append(known, strings.TrimPrefix(name, envPrefix))
		}
	})
	for _, pair := range environ {
		name, _, _ := strings.Cut(pair, "=")
		short, ours := strings.CutPrefix(name, envPrefix)
		if !ours || slices.Contains(known, short) {
			continue
		}
		if serviceLink.MatchString(name) {
			continue
		}
		hint := "switchboard serve --help lists them, and each is a variable of that name"
		if near := finding.Nearest(short, known); near != "" {
			hint = "did you mean " + envPrefix + near + "?"
		}
		return fmt.Errorf("the environment sets %s, which is no setting; %s", name, hint)
	}
	return nil
}

// listInEnvironment is what a variable of several lines gives a flag that may be
// repeated: a value a line, as in files of secrets. nil where the variable is one
// value, which is taken as it stands: a secret may hold any other sign.
func listInEnvironment(flag *kong.Flag) any {
	text := os.Getenv(environmentOf(flag))
	if !flag.IsSlice() || !strings.ContainsAny(text, "\r\n") {
		return nil
	}
	list := []any{}
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" {
			list = append(list, line)
		}
	}
	if len(list) == 0 {
		return nil // refused as the empty value that it is
	}
	return list
}
