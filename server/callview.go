package server

import (
	"encoding/base64"
	"encoding/json"
	"time"
	"unicode/utf8"

	"switchboard/engine"
)

// callView is GET /calls/{call_id}. Absent parts are null.
type callView struct {
	Call       *engine.Call    `json:"call"`
	Decision   *decisionView   `json:"decision"`
	Completion *completionView `json:"completion"`
	// Completions are all of them where several came that differ.
	Completions []*completionView `json:"completions,omitempty"`
	Raw         rawView           `json:"raw"`
	Read        []string          `json:"read"` // history paths that the decision read
}

type rawView struct {
	Initiation *payloadView `json:"initiation"`
	Completion *payloadView `json:"completion"`
}

// payloadView is a payload as text, or in base64 where it is none.
type payloadView struct {
	Type   string `json:"type,omitempty"`
	Body   string `json:"body"`
	Base64 bool   `json:"base64,omitempty"`
}

func viewPayload(p engine.Payload) *payloadView {
	if len(p.Body) == 0 { // none came, or a person was erased from it
		return nil
	}
	v := &payloadView{Type: p.Type}
	v.Body, v.Base64 = text(p.Body)
	return v
}

// text is a body as JSON can carry it.
func text(body []byte) (s string, isBase64 bool) {
	if utf8.Valid(body) {
		return string(body), false
	}
	return base64.StdEncoding.EncodeToString(body), true
}

// decisionView is a decision with how it came about.
type decisionView struct {
	engine.Decision
	Revision      string          `json:"revision"`
	RoutedAt      *int64          `json:"routed_at"` // Unix seconds, as in the call
	Time          *string         `json:"time"`      // the same to the nanosecond, RFC 3339
	Input         json.RawMessage `json:"input,omitempty"`
	Fired         []engine.Fired  `json:"fired"`
	BuiltinErrors []string        `json:"builtin_errors,omitempty"`
	Tries         int             `json:"tries"`
	EvalMS        float64         `json:"eval_ms"`
	WaitedMS      float64         `json:"waited_ms"`
	Reply         replyView       `json:"reply"`
}

type replyView struct {
	Status int    `json:"status"`
	Type   string `json:"type"`
	Body   string `json:"body"`
}

// completionView is a completion, times in Unix seconds or null.
type completionView struct {
	CallID       string                     `json:"call_id"`
	Caller       string                     `json:"caller_number"`
	Receiver     string                     `json:"receiver_number"`
	DID          string                     `json:"did"`
	Status       engine.Status              `json:"status"`
	ReceivedAt   *int64                     `json:"received_at"`
	AnsweredAt   *int64                     `json:"answered_at"`
	EndedAt      *int64                     `json:"ended_at"`
	ArrivedAt    *int64                     `json:"arrived_at"`
	Duration     *int64                     `json:"duration_seconds"`
	RecordingURL string                     `json:"recording_url,omitempty"`
	HangupCause  string                     `json:"hangup_cause"`
	Extra        map[string]json.RawMessage `json:"extra,omitempty"`
}

func viewCall(d *engine.CallDetail) callView {
	v := callView{Call: d.Call, Read: []string{}}
	if rec := d.Decision; rec != nil {
		v.Decision = viewDecision(rec)
		v.Raw.Initiation = viewPayload(rec.Raw)
		v.Read = list(rec.Evaluation.Read)
	}
	if told := telling(d); told != nil {
		v.Completion = viewCompletion(told)
		v.Raw.Completion = viewPayload(told.Raw)
	}
	if len(d.Completions) > 1 {
		for _, c := range d.Completions {
			v.Completions = append(v.Completions, viewCompletion(c))
		}
	}
	return v
}

// telling is the completion that says of the call what the history says: the
// latest that agrees about its status.
func telling(d *engine.CallDetail) *engine.Completion {
	var told *engine.Completion
	agrees := false
	for _, c := range d.Completions {
		same := d.Call != nil && c.Status == d.Call.Status
		if same || !agrees {
			told, agrees = c, same
		}
	}
	return told
}

func viewDecision(rec *engine.DecisionRecord) *decisionView {
	ev := rec.Evaluation
	v := &decisionView{
		Decision: rec.Decision, Revision: ev.Revision, RoutedAt: engine.Seconds(rec.RoutedAt), Time: rfc3339(rec.RoutedAt),
		Fired: list(ev.Fired), BuiltinErrors: ev.BuiltinErrors, Tries: rec.Tries,
		EvalMS: milliseconds(rec.EvalTime), WaitedMS: milliseconds(rec.Waited),
		Reply: replyView{rec.Reply.Status, rec.Reply.Type, string(rec.Reply.Body)},
	}
	if json.Valid(ev.Input) {
		v.Input = ev.Input
	}
	return v
}

func viewCompletion(c *engine.Completion) *completionView {
	v := &completionView{
		CallID: c.CallID, Caller: c.Caller.Canonical, Receiver: c.Receiver.Canonical, DID: c.DID.Canonical, Status: c.Status,
		ReceivedAt: engine.Seconds(c.ReceivedAt), AnsweredAt: engine.Seconds(c.AnsweredAt), EndedAt: engine.Seconds(c.EndedAt),
		ArrivedAt: engine.Seconds(c.Arrived), RecordingURL: c.RecordingURL, HangupCause: c.HangupCause, Extra: c.Extra,
	}
	if c.Duration != engine.NoDuration {
		v.Duration = &c.Duration
	}
	return v
}

// moment is a time for the API: RFC 3339 in UTC, null for none.
func moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}
