package relay

import (
	"bytes"
	"crypto/sha256"
	"encoding/base32"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"switchboard/engine"
)

// Version is the number of the payload's form. Fields may be added under one
// number; none goes or changes its meaning.
const Version = 1

// The types of a call's messages.
const (
	TypeCompleted = "call.completed" // the first completion of a call
	TypeUpdated   = "call.updated"   // there is more to say of a call that was told of
)

// maxMessage bounds a message, in bytes. Where it would be more, what the
// provider sent as it came is left out.
const maxMessage = 256 << 10

// message is what a target gets, as Standard Webhooks recommends it.
type message struct {
	Type      string    `json:"type"`
	Version   int       `json:"version"`
	Timestamp time.Time `json:"timestamp"` // when what it tells of reached us
	// Sequence grows from one message of a call to the next.
	Sequence uint64 `json:"sequence,omitempty"`
	Data     any    `json:"data"`
}

type callData struct {
	Call       *engine.Call    `json:"call"`
	Decision   *decisionData   `json:"decision"` // null where the call was never asked about
	Completion *completionData `json:"completion"`
	Raw        *rawData        `json:"raw"` // null where it would be too long
}

type decisionData struct {
	engine.Decision
	Revision string `json:"revision"`  // of the policies
	RoutedAt *int64 `json:"routed_at"` // Unix seconds
}

type completionData struct {
	Caller       string                     `json:"caller_number"`
	Receiver     string                     `json:"receiver_number"`
	DID          string                     `json:"did"`
	Status       engine.Status              `json:"status"`
	ReceivedAt   *int64                     `json:"received_at"` // Unix seconds, as the two below
	AnsweredAt   *int64                     `json:"answered_at"`
	EndedAt      *int64                     `json:"ended_at"`
	Duration     *int64                     `json:"duration_seconds"`
	RecordingURL string                     `json:"recording_url"`
	HangupCause  string                     `json:"hangup_cause"`
	Extra        map[string]json.RawMessage `json:"extra,omitempty"` // what else the provider sent
}

// rawData is the provider's own words.
type rawData struct {
	Type   string `json:"type"`
	Body   string `json:"body"`
	Base64 bool   `json:"base64,omitempty"` // the body is no text
}

// callMessage is the body of an entry's message.
func callMessage(e engine.RelayEntry, c *engine.RelayedCall) ([]byte, error) {
	m := message{Type: TypeCompleted, Version: Version, Timestamp: time.Unix(0, e.At).UTC(), Sequence: e.Seq}
	if c.Update {
		m.Type = TypeUpdated
	}
	d := callData{Call: c.Call, Completion: tellCompletion(c.Completion), Raw: tellRaw(c.Completion.Raw)}
	if rec := c.Decision; rec != nil {
		d.Decision = &decisionData{rec.Decision, rec.Evaluation.Revision, engine.Seconds(rec.RoutedAt)}
	}
	m.Data = d
	body, err := encode(m)
	if err == nil && len(body) > maxMessage {
		d.Raw, d.Completion.Extra = nil, nil
		m.Data = d
		body, err = encode(m)
	}
	return body, err
}

func tellCompletion(c *engine.Completion) *completionData {
	d := &completionData{
		Caller: c.Caller.Canonical, Receiver: c.Receiver.Canonical, DID: c.DID.Canonical, Status: c.Status,
		ReceivedAt: engine.Seconds(c.ReceivedAt), AnsweredAt: engine.Seconds(c.AnsweredAt), EndedAt: engine.Seconds(c.EndedAt),
		RecordingURL: c.RecordingURL, HangupCause: c.HangupCause, Extra: c.Extra,
	}
	if c.Duration != engine.NoDuration {
		d.Duration = &c.Duration
	}
	return d
}

func tellRaw(p engine.Payload) *rawData {
	d := &rawData{Type: p.Type, Body: string(p.Body)}
	if !utf8.Valid(p.Body) {
		d.Body, d.Base64 = base64.StdEncoding.EncodeToString(p.Body), true
	}
	return d
}

func encode(m message) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(m); err != nil {
		return nil, fmt.Errorf("a message can't be written: %w", err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// messageID names an entry's message, the same at every attempt and to every
// target. The sequence number alone would not do: a database that is restored
// from a backup gives some of them again. The call_id has no part in it, for an
// erasure may change that between two attempts.
func messageID(e engine.RelayEntry) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%d.%d", e.At, e.Seq))
	return "msg_" + strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(sum[:15]))
}
