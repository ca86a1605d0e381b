package engine

import (
	"encoding/json"
	"time"
)

// Status is how far a call has come, as policies and the API see it.
type Status string

// The statuses of a call. A call is in flight from its decision until its
// completion arrives or the call TTL passes; a late completion replaces
// "expired".
const (
	StatusInFlight    Status = "in_flight"
	StatusAnswered    Status = "answered"
	StatusNotAnswered Status = "notanswered"
	StatusOther       Status = "other"
	StatusExpired     Status = "expired"
	StatusRejected    Status = "rejected"
)

// Source says who chose a call's answer.
type Source string

// The sources of a decision. SourceNone means that no answer could be given
// (503): the policy failed and no fallback is configured.
const (
	SourcePolicy      Source = "policy"
	SourceDIDFallback Source = "did_fallback"
	SourceFallback    Source = "fallback"
	SourceShed        Source = "shed"
	SourceRejected    Source = "rejected"
	SourceNone        Source = "none"
)

// Cause says why a policy's answer was not used; empty when it was.
type Cause string

// The causes of a fallback.
const (
	CauseError      Cause = "error"
	CauseUndefined  Cause = "undefined"
	CauseInvalid    Cause = "invalid"
	CauseLoop       Cause = "loop"
	CauseTimeout    Cause = "timeout"
	CauseOverload   Cause = "overload"
	CauseUnreadable Cause = "unreadable"
	CauseNoPolicy   Cause = "no_policy"
)

// NoDuration is [Call.Duration] where the provider told none.
const NoDuration int64 = -1

// Call is one call as the history tells it: the decision joined with whatever
// completions came. Values are immutable once shared.
type Call struct {
	CallID   string
	Caller   string // canonical, or the masked value as it came
	DID      string // canonical
	Receiver string // canonical; empty for a rejected call
	Status   Status

	// Unix nanoseconds; zero where unknown. RoutedAt is zero for an orphan (a
	// completion without an initiation).
	RoutedAt   int64
	ReceivedAt int64
	EndedAt    int64

	// Arrived is when the first record of this call reached us, in Unix
	// nanoseconds. It dates an orphan that carries no time of its own.
	Arrived int64

	Duration    int64 // seconds, or NoDuration
	Reason      string
	Source      Source // empty for an orphan
	HangupCause string

	// Which of the numbers above are numbers and not masked or withheld values;
	// only those have profiles.
	CallerIsNumber, DIDIsNumber, ReceiverIsNumber bool
}

// At is the moment that dates the call, in Unix nanoseconds: when it was
// routed; for an orphan when it was received, else ended, else when it reached
// us.
func (c *Call) At() int64 {
	for _, t := range []int64{c.RoutedAt, c.ReceivedAt, c.EndedAt} {
		if t != 0 {
			return t
		}
	}
	return c.Arrived
}

// Newer reports whether c stands before d in "newest first": by time, then by
// call_id.
func (c *Call) Newer(d *Call) bool {
	if c.At() != d.At() {
		return c.At() > d.At()
	}
	return c.CallID > d.CallID
}

type callJSON struct {
	CallID      string `json:"call_id"`
	Caller      string `json:"caller_number"`
	DID         string `json:"did"`
	Receiver    string `json:"receiver_number"`
	Status      Status `json:"status"`
	RoutedAt    *int64 `json:"routed_at"`
	ReceivedAt  *int64 `json:"received_at"`
	EndedAt     *int64 `json:"ended_at"`
	Duration    *int64 `json:"duration_seconds"`
	Reason      string `json:"reason"`
	Source      Source `json:"source"`
	HangupCause string `json:"hangup_cause"`
}

// MarshalJSON writes the twelve fields of the contract, times in whole Unix
// seconds or null.
func (c *Call) MarshalJSON() ([]byte, error) {
	out := callJSON{
		CallID: c.CallID, Caller: c.Caller, DID: c.DID, Receiver: c.Receiver, Status: c.Status,
		RoutedAt: Seconds(c.RoutedAt), ReceivedAt: Seconds(c.ReceivedAt), EndedAt: Seconds(c.EndedAt),
		Reason: c.Reason, Source: c.Source, HangupCause: c.HangupCause,
	}
	if c.Duration != NoDuration {
		out.Duration = &c.Duration
	}
	return json.Marshal(out)
}

// Seconds turns Unix nanoseconds into whole Unix seconds, and zero (unknown)
// into nil.
func Seconds(ns int64) *int64 {
	if ns == 0 {
		return nil
	}
	s := time.Unix(0, ns).Unix()
	return &s
}
