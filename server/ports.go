package server

import (
	"context"
	"time"

	"switchboard/engine"
)

// Router answers initiations; *engine.Router is one.
type Router interface {
	// Route always answers, within its own deadline.
	Route(ctx context.Context, in *engine.Initiation) engine.Reply
	// Unreadable is the reply to an initiation that cannot be read as a whole: its
	// DID's fallback's, else the global one's. It reports false where neither is
	// configured. What could not be read is the zero Number.
	Unreadable(caller, did engine.Number) (engine.Reply, bool)
	// Ready reports whether a call that came now would get an answer.
	Ready() bool
	// WhatIf tells how a call would be routed. It fails with
	// *engine.PoliciesError where the policies given do not load, with
	// engine.ErrUnavailable or the context's error where it cannot tell now, and
	// else with a sentence about what is wrong with the question.
	WhatIf(ctx context.Context, w engine.WhatIf) (*engine.WhatIfResult, error)
}

// Completer takes completions.
type Completer interface {
	// Complete returns once the completion is on disk, or engine.ErrUnavailable
	// (wrapped) where the disk does not take it.
	Complete(ctx context.Context, c *engine.Completion) (engine.CompletionResult, error)
}

// History is what the API reads.
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
	// Backup writes a consistent copy of the database to a file that does not
	// exist yet.
	Backup(ctx context.Context, path string) error
	// Status is cheap and does not wait.
	Status() engine.StoreStatus
}

// Eraser erases people on their request.
type Eraser interface {
	// Forget returns once the person is erased from everything that is kept. It
	// may be asked again after it failed. The error is engine.ErrUnavailable
	// (wrapped) where the store can't do it now.
	Forget(ctx context.Context, n engine.Number, by string) (*engine.Erasure, error)
}

// Clock is what deleting by age goes by.
type Clock interface {
	// ConfirmClock says that the clock is right where the store does not believe
	// it, and returns what it says. The error is engine.ErrUnavailable (wrapped)
	// where that can't be written down.
	ConfirmClock() (time.Time, error)
}

// Quarantine keeps payloads that could not be understood.
type Quarantine interface {
	// Quarantine returns once the item is on disk. The same payload again
	// raises the count of the item that is there.
	Quarantine(ctx context.Context, item engine.QuarantineItem) (id string, err error)
	QuarantineList(ctx context.Context) ([]engine.QuarantineItem, error)
	// QuarantineItem returns nil for an unknown id.
	QuarantineItem(ctx context.Context, id string) (*engine.QuarantineItem, error)
	// QuarantineDelete reports false for an unknown id.
	QuarantineDelete(ctx context.Context, id string) (bool, error)
}

// Policies is the policy set in force and the way to load another.
type Policies interface {
	Status() engine.PolicyStatus
	// Reload loads the folder now and reports; origin says who asked.
	Reload(ctx context.Context, origin string) engine.Report
	// Rollback serves an archived set in place of what the folder holds, until
	// its content changes; by says who asked. The error is engine.ErrNoRevision,
	// or the archive's; whether the set was taken is in the report.
	Rollback(ctx context.Context, revision, by string) (engine.Report, error)
	// IsDID reports whether a canonical DID is in the set's directory.
	IsDID(did string) bool
	// Pool are the directory's DIDs for masked pairs. It must not be changed.
	Pool() []string
	// Directory are the directory's DIDs with their teams. It must not be changed.
	Directory() []engine.DirectoryDID
	// Check tells whether the set that serves, with edits laid over it (path ->
	// text; an empty text removes the file), could go live.
	Check(ctx context.Context, edits map[string]string) engine.Report
	// RunTests runs the tests of a set's files, and tells what they cover.
	RunTests(ctx context.Context, files map[string][]byte) engine.TestReport
}
