package replay

import (
	"context"
	"iter"
	"time"

	"switchboard/engine"
)

// Set is a policy set that can be asked.
type Set interface {
	// Evaluate is that of [engine.Evaluator].
	Evaluate(ctx context.Context, q engine.Question, view engine.View) (engine.Evaluation, error)
	// IsDID reports whether a canonical DID is in the set's directory.
	IsDID(did string) bool
	// Revision is the set's content hash.
	Revision() string
	// Walk asks again and tells how the evaluation went.
	Walk(ctx context.Context, q engine.Question, view engine.View) engine.Walk
}

// Sets finds policy sets.
type Sets interface {
	// Set is the set of a revision, or (revision empty) the one in force, with
	// files laid over it. It fails with engine.ErrNoRevision (wrapped), or with
	// *engine.PoliciesError where the set does not load.
	Set(ctx context.Context, revision string, over map[string]string) (Set, error)
}

// Timeline is a log told in order, once.
type Timeline interface {
	// Past is how far back it goes.
	Past() engine.Past
	// Newest finds the newest n decisions of a period: the places of the first
	// and the last, zero without any, and whether older ones are left out.
	Newest(ctx context.Context, from, to time.Time, n int) (first, last uint64, more bool, err error)
	// Decisions tells all decisions, each with the history just before it.
	Decisions(ctx context.Context) iter.Seq2[engine.Recorded, error]
	Close() error
}

// Past finds single decisions.
type Past interface {
	// Past is the decision recorded for a call_id (did empty: the one that
	// counts) with the history just before it; nil where there is none.
	Past(ctx context.Context, callID, did string) (*engine.Recorded, error)
	// Reach is how far back the log goes.
	Reach(ctx context.Context) (engine.Past, error)
}
