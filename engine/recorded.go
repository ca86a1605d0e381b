package engine

import "time"

// Recorded is a decision of the log together with the history as it stood just
// before it was published: what was decided and reported up to then, in the
// order of the log, and nothing that came later.
type Recorded struct {
	Seq    uint64 // its place in the log
	Record *DecisionRecord
	// View is the history just before, expiry judged at Record.RoutedAt. It is
	// right until the next decision is asked for.
	View View
	// InForce is the revision that was in force by the log; empty where nothing
	// had been archived. Record.Evaluation.Revision goes before it, but a call
	// that was never evaluated has none.
	InForce string
}

// Past is how far back a log goes.
type Past struct {
	First, Last uint64 // places of the oldest and the newest record
	// Trimmed says that older records were deleted by age, and From when the
	// oldest that is kept arrived: what a decision read of the time before is
	// gone.
	Trimmed bool
	From    time.Time // zero where the log is empty
}

// Question is what the policies were asked when the decision was made.
func (d *DecisionRecord) Question() Question {
	q := Question{CallID: d.CallID, Caller: d.Caller, DID: d.DID, At: time.Unix(0, d.RoutedAt)}
	if d.madeUpID() {
		q.CallID = ""
	}
	return q
}

// Within reports whether the decision was made in a period: from inclusive, to
// exclusive, zero for open.
func (d *DecisionRecord) Within(from, to time.Time) bool {
	return (from.IsZero() || d.RoutedAt >= from.UnixNano()) && (to.IsZero() || d.RoutedAt < to.UnixNano())
}
