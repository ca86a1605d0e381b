package console

import (
	"context"
	"net/http"

	"switchboard/engine"
)

// History is what the pages read.
type History interface {
	// Calls returns a page; engine.ErrBadCursor where the cursor is none.
	Calls(ctx context.Context, f engine.CallFilter) (engine.CallPage, error)
	// Call returns nil for a call_id that was never seen.
	Call(ctx context.Context, id string) (*engine.CallDetail, error)
	// Profile returns nil for a number that was never seen.
	Profile(ctx context.Context, kind engine.ProfileKind, number string) (*engine.Profile, error)
	// Stats sums up what happened; it is fast however long the history is.
	Stats(ctx context.Context, f engine.StatsFilter) (*engine.Stats, error)
	// Revision returns an archived policy set with its files, nil where the id
	// is not in the archive.
	Revision(ctx context.Context, id string) (*engine.Revision, error)
	// Revisions returns the archived sets without their files, newest first.
	Revisions(ctx context.Context) ([]engine.Revision, error)
	// Status is cheap and does not wait.
	Status() engine.StoreStatus
}

// Router answers what-ifs.
type Router interface {
	// WhatIf fails with *engine.PoliciesError where the policies given do not
	// load, and with a sentence where the question is wrong.
	WhatIf(ctx context.Context, w engine.WhatIf) (*engine.WhatIfResult, error)
}

// Explainer repeats a recorded decision.
type Explainer interface {
	// Explain returns nil for a call_id without a decision; did may be empty.
	Explain(ctx context.Context, callID, did string) (*engine.Explanation, error)
}

// Past finds recorded decisions with the history as it stood then.
type Past interface {
	// Past returns nil for a call_id without a decision; did may be empty.
	Past(ctx context.Context, callID, did string) (*engine.Recorded, error)
}

// Replayer tries another policy set on recorded calls.
type Replayer interface {
	// Replay fails with *engine.PoliciesError where the policies given do not
	// load, with engine.ErrReplaying while another runs, or with ctx's error.
	Replay(ctx context.Context, r engine.ReplayRequest, progress func(engine.ReplayProgress)) (*engine.Difference, error)
}

// Policies is the policy set in force.
type Policies interface {
	Status() engine.PolicyStatus
	// Check tells whether the active set with edits laid over it (path -> text;
	// an empty text removes the file) could go live, its tests included. Nothing
	// that serves is touched.
	Check(ctx context.Context, edits map[string]string) engine.Report
	// RunTests runs the tests of a set's files, and tells what they cover.
	RunTests(ctx context.Context, files map[string][]byte) engine.TestReport
	// Directory are the DIDs of the active set with their teams, by DID.
	Directory() []engine.DirectoryDID
}

// Quarantine lists payloads that could not be understood.
type Quarantine interface {
	QuarantineList(ctx context.Context) ([]engine.QuarantineItem, error)
}

// Live is what backends keep up to date for the policies, to be read.
type Live interface {
	Sessions(ctx context.Context, f engine.SessionFilter) (engine.SessionPage, error)
	Facts(ctx context.Context, f engine.FactFilter) (engine.FactPage, error)
	Audit(ctx context.Context, f engine.AuditFilter) (engine.AuditPage, error)
}

// Desk does what people ask for on the pages, by the rules of the API. Its
// errors are for the person: a [Refusal] says what to do.
type Desk interface {
	// PutSession creates a masked pair, or changes the one of its ref.
	PutSession(ctx context.Context, v Visitor, s SessionForm) error
	// EndSession reports false where there is none.
	EndSession(ctx context.Context, v Visitor, ref string) (bool, error)
	// Pause takes a person out of the rotation, by the fact that the starter
	// policies read, until expires: a duration or a moment as the API takes it.
	Pause(ctx context.Context, v Visitor, number, why, expires string) error
	// Resume ends a pause that was set with Pause.
	Resume(ctx context.Context, v Visitor, number string) error
	// Retry reads a quarantined completion again, and Discard deletes an item.
	Retry(ctx context.Context, v Visitor, id string) error
	Discard(ctx context.Context, v Visitor, id string) error
	// Letters are the relay's messages that were given up, a page behind a cursor,
	// and the next page's cursor: empty on the last.
	Letters(cursor string, limit int) (page []Letter, next string, err error)
	// RetryLetter sends one again, and DeleteLetter deletes it.
	RetryLetter(ctx context.Context, v Visitor, id string) error
	DeleteLetter(ctx context.Context, v Visitor, id string) error
	// RetryLetters sends all again that can be; more reports that time ran out.
	RetryLetters(ctx context.Context, v Visitor) (more bool, err error)
	// Revealed notes in the audit trail that somebody looked at what is masked.
	Revealed(ctx context.Context, v Visitor, target string)
	// Reload loads the policies folder now and reports.
	Reload(ctx context.Context, v Visitor) engine.Report
	// Rollback serves an archived policy set until the folder's content changes.
	// Whether the set was taken is in the report.
	Rollback(ctx context.Context, v Visitor, revision string) (engine.Report, error)
	// Forget erases the person with a number, in any spelling, for good.
	Forget(ctx context.Context, v Visitor, number string) (*Erased, error)
	// ConfirmClock says that the clock is right, where it jumped and nothing is
	// deleted by age.
	ConfirmClock(ctx context.Context, v Visitor) error
	// Backup sends a consistent copy of the database.
	Backup(w http.ResponseWriter, r *http.Request, v Visitor) error
	// Warnings are what somebody should look at.
	Warnings() []engine.Warning
}

// Letter is a message of the relay that was given up.
type Letter struct {
	ID string
	engine.DeadLetter
}

// Erased is what was erased of a person, and where their number still stands.
type Erased struct {
	engine.Erasure
	Policies []string // file:line of the set that serves
	Next     []string // what is left to do, in sentences
}

// SessionForm is a masked pair as a person enters it, numbers in any spelling.
type SessionForm struct {
	Ref     string
	DID     string // empty: the server takes one of the directory
	Parties [2]string
	Expires string // a duration such as 45m, or a moment
}

// Refusal is an error with the HTTP status that suits it; its text is a
// sentence for the person who asked.
type Refusal interface {
	error
	Status() int
}

// Visitor is somebody who was let in.
type Visitor struct {
	Name      string
	Changes   bool // may change something, not only look
	Anonymous bool // by no token: none is needed
}

// Door lets people in by their tokens.
type Door interface {
	// Guarded reports whether a token is needed.
	Guarded() bool
	// Known tells whose token this is. It is asked at every request of somebody
	// who was let in, so that a token that is taken back ends their visit.
	Known(token string) (Visitor, bool)
	// Try lets somebody in who shows a token. The error is a Refusal; wrong
	// tokens are counted against the address that the request came from.
	Try(r *http.Request, token string) (Visitor, error)
}
