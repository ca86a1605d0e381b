package main

import (
	"fmt"
	"log/slog"
	"os"
	"strconv"
	"strings"
	"time"

	"switchboard/engine"
	"switchboard/engine/policy"
	"switchboard/policies"
)

// place is the region and the zone: what turns a spelling into a number and a
// moment into a local date.
type place struct {
	Region   string `default:"IN" help:"Home region of numbers without a country code (ISO 3166)."`
	Timezone string `default:"Asia/Kolkata" help:"Zone of input.time and of the days in the history (IANA name)."`
}

func (p place) numbers() (*engine.Numbers, error) {
	n, err := engine.NewNumbers(p.Region)
	if err != nil {
		return nil, fmt.Errorf("--region: %w", err)
	}
	return n, nil
}

func (p place) zone() (*time.Location, error) {
	zone, err := time.LoadLocation(p.Timezone)
	if err != nil || p.Timezone == "" || p.Timezone == "Local" { // whose days would be others on the next machine
		return nil, fmt.Errorf("--timezone %q is not a zone that is known; write an IANA name such as Asia/Kolkata", p.Timezone)
	}
	return zone, nil
}

// age is a duration that also takes days: "400d", "36h".
type age time.Duration

func (a age) String() string {
	const day = 24 * time.Hour
	if d := time.Duration(a); d != 0 && d%day == 0 {
		return fmt.Sprintf("%dd", d/day)
	}
	return time.Duration(a).String()
}

// UnmarshalText reads an age.
func (a *age) UnmarshalText(text []byte) error {
	s := string(text)
	if days, ok := strings.CutSuffix(s, "d"); ok {
		n, err := strconv.Atoi(days)
		if err != nil || n < 0 || n > 36500 {
			return fmt.Errorf("%q is not a number of days; write 400d, 36h, or 0 to keep for ever", s)
		}
		*a = age(time.Duration(n) * 24 * time.Hour)
		return nil
	}
	d, err := time.ParseDuration(s)
	if err != nil || d < 0 {
		return fmt.Errorf("%q is not an age; write 400d, 36h, or 0 to keep for ever", s)
	}
	*a = age(d)
	return nil
}

// defaultFolder is where policies are looked for when no folder is named.
const defaultFolder = "policies"

// policyFolder is the folder to load: the named one, else ./policies where it
// exists, else none, which means the built-in set.
func policyFolder(named string) string {
	if named != "" {
		return named
	}
	if info, err := os.Stat(defaultFolder); err == nil && info.IsDir() {
		return defaultFolder
	}
	return ""
}

// readPolicies reads a folder for the offline commands, or the built-in set.
func readPolicies(named string) (tree policy.Tree, name string, err error) {
	folder := policyFolder(named)
	if folder == "" {
		tree, err = policy.FromFS(policies.Files)
		return tree, "the built-in set", err
	}
	tree, err = policy.ReadDir(folder)
	return tree, folder, err
}

// trial is how long a set's own tests may take.
type trial struct {
	TestTimeout time.Duration `default:"30s" help:"Bound on the tests of a policy set together; a single one gets a sixth of it, at least 5s."`
}

func (t trial) check() error {
	if t.TestTimeout <= 0 {
		return fmt.Errorf("--test-timeout is %v; it must be longer than nothing", t.TestTimeout)
	}
	return nil
}

// policyOptions are the options of the commands that run a set's tests.
func (t trial) policyOptions(p place) (policy.Options, error) {
	o, err := p.policyOptions()
	if err != nil {
		return o, err
	}
	o.TestTimeout = t.TestTimeout
	return o, t.check()
}

// policyOptions are the loader's options for the offline commands.
func (p place) policyOptions() (policy.Options, error) {
	numbers, err := p.numbers()
	if err != nil {
		return policy.Options{}, err
	}
	zone, err := p.zone()
	if err != nil {
		return policy.Options{}, err
	}
	return policy.Options{Numbers: numbers, Zone: zone, PolicyDeadline: engine.DefaultPolicyDeadline, Thorough: true, Log: slog.New(slog.DiscardHandler)}, nil
}
