package policy

import (
	"cmp"
	"context"
	"log/slog"
	"time"

	"switchboard/engine"
	"switchboard/engine/policy/lint"
)

// DefaultTestTimeout is the default of [Options].TestTimeout.
const DefaultTestTimeout = 30 * time.Second

// Options are what loading and evaluating a set depend on. Numbers is required;
// the rest has defaults.
type Options struct {
	Numbers        *engine.Numbers
	Zone           *time.Location // of input.time; nil is UTC
	PolicyDeadline time.Duration  // of one evaluation; 0 is engine.DefaultPolicyDeadline
	TestTimeout    time.Duration  // of a set's tests together, and of its smoke evaluation; each test gets a sixth, at least 5 s; 0 is DefaultTestTimeout
	// Thorough has every number of the data files held against the numbering
	// plan, however many there are: for those who wait for nothing else.
	Thorough bool
	Log      *slog.Logger // nil discards

	// For tests: mostWarned where it is not Thorough, and largeListing. 0 is those.
	warned, listed int
}

func (o Options) withDefaults() Options {
	o.PolicyDeadline = cmp.Or(o.PolicyDeadline, engine.DefaultPolicyDeadline)
	o.TestTimeout = cmp.Or(o.TestTimeout, DefaultTestTimeout)
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return o
}

// mostWarned is how many numbers are held against the numbering plan.
func (o Options) mostWarned() int {
	if o.Thorough {
		return 0
	}
	return cmp.Or(o.warned, lint.MostWarned)
}

// Checks are what a set is tried with before it is let live.
type Checks struct {
	// SkipTests leaves the set's own tests out: for sets that passed them before.
	// The report then gives Earlier as their results.
	SkipTests bool
	Earlier   engine.TestSummary
	// Strict refuses a set that fails on every call it is tried with even where
	// no set is active that would do better: for those who only want to know.
	Strict bool
	// Coverage warns of rules that no test covers.
	Coverage bool
	// Results is told of the tests' results where they ran; may be nil.
	Results func(TestRun)
	// Active is the set that serves now, nil for none. The new set must not fail
	// where this one succeeds.
	Active *Set
	// Recent are calls that came in lately.
	Recent []engine.Question
	// View opens the history for smoke evaluations; nil is an empty history.
	View func(ctx context.Context) (engine.View, error)
}
