package engine

import (
	"context"
	"errors"
	"time"
)

// ReplayRequest asks what another policy set would have done with recorded
// calls. Without Policies and Revision it is the set in force.
type ReplayRequest struct {
	From, To time.Time         // by when the call was routed; from inclusive, to exclusive, zero for open
	Limit    int               // the newest calls of the period; 0 is DefaultReplay
	Policies map[string]string // path -> text laid over the set in force, or over Revision's; an empty text removes the file
	Revision string            // of an archived set
}

// Bounds of a replay, in calls.
const (
	DefaultReplay = 10_000
	MaxReplay     = 10_000_000
)

// ErrReplaying: one replay at a time is enough for a machine that routes calls.
var ErrReplaying = errors.New("another replay is running; wait until it is done, or stop it")

// ReplayProgress is how far a replay is, in records of the log.
type ReplayProgress struct {
	Done  uint64 `json:"done"`
	Total uint64 `json:"total"`
	Calls int    `json:"calls"` // compared so far
}

// Replayer compares policy sets over recorded calls.
type Replayer interface {
	// Replay fails with *PoliciesError where the policies given do not load, with
	// ErrNoRevision (wrapped), ErrReplaying, ErrUnavailable (wrapped) or ctx's
	// error. progress is told now and then; nil tells nobody.
	Replay(ctx context.Context, r ReplayRequest, progress func(ReplayProgress)) (*Difference, error)
}

// Outcome is what a policy set comes to for a call, as far as two of them are
// compared. Which number a fallback rings is the server's settings', not the
// policies', so that it is none here.
type Outcome struct {
	Kind    OutcomeKind `json:"kind"`
	Number  string      `json:"receiver_number,omitempty"` // where it is forwarded
	Timeout int64       `json:"call_timeout,omitempty"`
	Reason  string      `json:"reason,omitempty"`
	Cause   Cause       `json:"cause,omitempty"`  // of a fallback
	Detail  string      `json:"detail,omitempty"` // the same in a sentence
}

// OutcomeKind is what becomes of a call.
type OutcomeKind string

// The kinds of outcomes.
const (
	OutcomeForward  OutcomeKind = "forward"
	OutcomeReject   OutcomeKind = "reject"
	OutcomeFallback OutcomeKind = "fallback" // the policies gave no answer that could be used
)

// Difference is what a replay found. Counts are of calls.
type Difference struct {
	Revision string         `json:"revision"` // the set that was tried
	Recorded map[string]int `json:"recorded"` // calls by the revision that decided them; "" where none was in force
	From     *time.Time     `json:"from"`     // the period asked for; null for open
	To       *time.Time     `json:"to"`
	First    *time.Time     `json:"first"` // the first and the last call compared
	Last     *time.Time     `json:"last"`
	LeftOut  bool           `json:"left_out"` // the period has older calls, beyond the limit

	Calls       int            `json:"calls"`        // decisions of the period that were looked at
	Compared    int            `json:"compared"`     // of these
	NotCompared map[string]int `json:"not_compared"` // and why the others could not be
	Recomputed  map[Cause]int  `json:"recomputed"`   // decided by circumstances: compared with what the policies of the time say

	Same         int     `json:"same"`          // same receiver, reason and timeout
	Moved        int     `json:"moved"`         // reach somebody else, or get another kind of answer
	MovedShare   float64 `json:"moved_share"`   // of those compared, 0 to 1
	OtherReason  int     `json:"other_reason"`  // same receiver for another reason
	OtherTimeout int     `json:"other_timeout"` // same receiver, other call_timeout

	ToFallback int `json:"to_fallback"` // would newly fall back
	ToReject   int `json:"to_reject"`   // would newly be rejected
	ToForward  int `json:"to_forward"`  // would newly be routed

	Slow          int            `json:"slow"` // evaluations that took longer than a live call may
	BuiltinErrors []BuiltinError `json:"builtin_errors"`

	Reasons   []ReasonChange   `json:"reasons"`   // most calls first, the unchanged included
	Receivers []ReceiverChange `json:"receivers"` // moved calls, most first, at most MaxReceiverChanges
	Examples  []ReplayExample  `json:"examples"`  // of moved calls, some of each change of reasons

	History string `json:"history"` // as of what the history was, in a sentence
	Note    string `json:"note"`    // what the result can't say, in a sentence
}

// MaxReceiverChanges bounds Difference.Receivers.
const MaxReceiverChanges = 100

// BuiltinError is a failure of a builtin that the tried set met and took as
// undefined.
type BuiltinError struct {
	Text  string `json:"text"`
	Calls int    `json:"calls"`
}

// ReasonChange counts calls by the reasons that two sets give. A fallback's
// reason is "fallback: " and its cause.
type ReasonChange struct {
	Old   string `json:"old"`
	New   string `json:"new"`
	Calls int    `json:"calls"`
	Moved int    `json:"moved"`
}

// ReceiverChange counts moved calls by whom they reach: a number, or "reject" or
// "fallback".
type ReceiverChange struct {
	Old   string `json:"old"`
	New   string `json:"new"`
	Calls int    `json:"calls"`
}

// ReplayExample is one call that moves.
type ReplayExample struct {
	CallID string    `json:"call_id"`
	DID    string    `json:"did"`
	Caller string    `json:"caller_number"`
	At     time.Time `json:"at"`
	Old    Outcome   `json:"old"`
	New    Outcome   `json:"new"`
	// Differs is the first step at which they part; the old one is nil where the
	// old policies can't be asked any more. The same step on both sides that
	// answered says that the data differ, not the rules.
	Differs struct {
		Old *Step `json:"old"`
		New *Step `json:"new"`
	} `json:"differs"`
}
