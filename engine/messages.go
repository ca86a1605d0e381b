package engine

import "encoding/json"

// Limits on what the provider may send, in bytes.
const (
	MaxCallID = 256
	MaxCaller = 64
	MaxBody   = 64 << 10
)

// Payload is a webhook body as it came, kept so that nothing is lost. Type is
// the Content-Type header, or "query" for parameters of a GET.
type Payload struct {
	Type string `json:"type,omitempty"`
	Body []byte `json:"body"`
}

// Initiation is the provider's question: this caller dialled this DID, whom
// shall I ring?
type Initiation struct {
	CallID  string // empty where the provider sent none; at most MaxCallID bytes
	Caller  Number
	DID     Number
	Arrived int64 // Unix nanoseconds
	Raw     Payload
}

// Completion is the provider's report on a finished call, normalised. Unknown
// parts are zero (Duration: NoDuration).
type Completion struct {
	CallID       string `json:"call_id"`
	Caller       Number `json:"caller"`
	Receiver     Number `json:"receiver"`
	DID          Number `json:"did"`
	Status       Status `json:"status"` // answered, notanswered or other
	ReceivedAt   int64  `json:"received_at,omitempty"`
	AnsweredAt   int64  `json:"answered_at,omitempty"`
	EndedAt      int64  `json:"ended_at,omitempty"` // Unix nanoseconds, as are the two above
	Duration     int64  `json:"duration"`           // seconds, or NoDuration
	RecordingURL string `json:"recording_url,omitempty"`
	HangupCause  string `json:"hangup_cause,omitempty"` // lower case

	// Extra keeps every other field the provider sent, as it came.
	Extra map[string]json.RawMessage `json:"extra,omitempty"`

	Arrived int64   `json:"arrived"` // Unix nanoseconds
	Raw     Payload `json:"raw"`

	// Quiet keeps the relay from passing it on: a report of the past that was
	// imported.
	Quiet bool `json:"quiet,omitempty"`
}

// CompletionResult says what a completion changed.
type CompletionResult string

// The results of a completion, as the provider is told them.
const (
	Stored    CompletionResult = "stored"    // the first of its call
	Duplicate CompletionResult = "duplicate" // changes nothing
	Updated   CompletionResult = "updated"   // adds to what an earlier one said
)
