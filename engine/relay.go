package engine

import "errors"

// Errors of the relay.
var (
	// ErrTargetUnknown: the target is not configured.
	ErrTargetUnknown = errors.New("the relay target is not configured; add it with --relay to send to it again")
	// ErrLetterGone: the letter's record was deleted, so there is nothing to send.
	ErrLetterGone = errors.New("the record of this dead letter was deleted by retention or erasure, so it can't be sent; delete the letter")
)

// RelayEntry is a record of the log that is to be relayed: a completion, or a
// decision that came after its call's completion.
type RelayEntry struct {
	Seq    uint64 `json:"-"` // grows with every record
	CallID string `json:"call_id,omitempty"`
	At     int64  `json:"at"` // when the record reached us, Unix nanoseconds
}

// RelayedCall is what there is to tell of a RelayEntry: the call as it stood
// with that record and none that came later.
type RelayedCall struct {
	Call       *Call
	Decision   *DecisionRecord // the one that counts; nil where none came so far
	Completion *Completion     // the entry's own; of a decision that came late the latest one before it
	Update     bool            // the call was relayed before
}

// RelayLetter is an entry on its way to one target.
type RelayLetter struct {
	RelayEntry
	Attempts int    `json:"attempts"`
	First    int64  `json:"first,omitempty"` // the first attempt, Unix nanoseconds; zero before it
	Next     int64  `json:"next,omitempty"`  // not before then
	Status   int    `json:"status,omitempty"`
	Error    string `json:"error,omitempty"` // of the latest attempt, numbers masked
	Died     int64  `json:"died,omitempty"`  // when it was given up; zero while it is not
	Gone     bool   `json:"gone,omitempty"`  // retention took the record: it can't be sent any more
}

// RelayState is how far a target has come, on disk.
type RelayState struct {
	Cursor  uint64        // what lies up to here is delivered, waits, or was given up
	Waiting []RelayLetter // by sequence number
	Dead    int           // letters that were given up and are kept
	New     bool          // the target was not known before, and begins with what comes from now on
	Skipped uint64        // of a target that came back after too long: the records it will not get
}

// RelayChanges is what has happened to a target's letters. They take effect
// together.
type RelayChanges struct {
	Cursor    uint64
	Waiting   []RelayLetter // new or changed
	Delivered []uint64
	Dead      []RelayLetter
}

// MaxDeadLetters is how many letters that were given up are kept for a target.
const MaxDeadLetters = 10_000

// RelayTarget is how a target stands.
type RelayTarget struct {
	ID    string
	Kind  string // RelayCalls or RelayEvents
	URL   string // without credentials and query, numbers masked
	State string

	// Waiting is how many messages wait in the order of their calls; Unread how
	// many records of the log were not looked at yet, not all of them
	// completions.
	Waiting int
	Unread  uint64
	Dead    int

	// Since start; Failed counts attempts, Dropped events that nobody will get.
	Delivered, Failed, Dropped uint64

	// Unix nanoseconds; zero for none. Oldest is when the oldest message that
	// waits reached us, FailingSince when the target took something last before
	// it began to fail altogether, NextAttempt where the target is paused.
	Oldest, LastSuccess, LastFailure, FailingSince, NextAttempt int64

	LastError string // numbers masked
}

// The kinds of a target.
const (
	RelayCalls  = "calls"
	RelayEvents = "events"
)

// The states of a target.
const (
	RelayIdle       = "idle"       // nothing waits
	RelayDelivering = "delivering" // something is on its way
	RelayRetrying   = "retrying"   // attempts failed; they are repeated
	RelayPaused     = "paused"     // the target fails altogether; one attempt from time to time
	RelayStopped    = "stopped"    // the target said that it is gone; until a restart or a retry
	RelayFull       = "full"       // too many dead letters; nothing more is given up, and so it waits
	RelayRemoved    = "removed"    // not configured any more; its dead letters are kept for a while
)

// DeadLetter is a letter that was given up, of a target.
type DeadLetter struct {
	Target string
	Letter RelayLetter
}
