package server

import (
	"switchboard/engine"
	"switchboard/server/events"
)

// The kinds of events, as the stream names them.
const (
	EventDecision   = "decision"
	EventCompletion = "completion"
	EventReload     = "reload"
	EventQuarantine = "quarantine"
	EventWarnings   = "warnings"
)

var eventKinds = []string{EventDecision, EventCompletion, EventReload, EventQuarantine, EventWarnings}

// Feed turns what the parts of the program report into the events of GET
// /api/v1/events. It is an engine.Observer for the router, and nothing in it
// waits.
type Feed struct{ hub *events.Hub }

var _ engine.Observer = (*Feed)(nil)

// NewFeed keeps so many of the latest events for those who come back, and feeds
// at most so many streams at once; zero takes the defaults of events.NewHub.
func NewFeed(kept, streams int) *Feed { return &Feed{hub: events.NewHub(kept, streams)} }

// The events carry what a list of calls shows and no more: a payload or an input
// is the larger part of a record, and the ring would hold on to it.

type decisionEvent struct {
	Time     *string      `json:"time"` // RFC 3339
	Call     *engine.Call `json:"call"` // as GET /calls lists it, at this moment
	Cause    engine.Cause `json:"cause,omitempty"`
	Detail   string       `json:"detail,omitempty"`
	Revision string       `json:"revision"`
	Tries    int          `json:"tries"`
	EvalMS   float64      `json:"eval_ms"`
	WaitedMS float64      `json:"waited_ms"`
}

// Decided tells of a call that got its first answer.
func (f *Feed) Decided(rec *engine.DecisionRecord) {
	d := rec.Decision
	call := &engine.Call{
		CallID: rec.CallID, Caller: rec.Caller.Canonical, DID: rec.DID.Canonical, Receiver: d.Number, Status: engine.StatusInFlight,
		RoutedAt: rec.RoutedAt, Arrived: rec.Arrived, Duration: engine.NoDuration, Reason: d.Reason, Source: d.Source,
	}
	switch {
	case d.Reject:
		call.Status = engine.StatusRejected
	case d.Source == engine.SourceNone:
		call.Status = engine.StatusOther
	}
	f.hub.Publish(EventDecision, decisionEvent{
		Time: rfc3339(rec.RoutedAt), Call: call, Cause: d.Cause, Detail: d.Detail, Revision: rec.Evaluation.Revision,
		Tries: rec.Tries, EvalMS: milliseconds(rec.EvalTime), WaitedMS: milliseconds(rec.Waited),
	})
}

// Replayed is no event: a retry changes nothing.
func (f *Feed) Replayed(*engine.DecisionRecord, bool) {}

// Late is no event: metrics count it.
func (f *Feed) Late(*engine.DecisionRecord) {}

type completionEvent struct {
	Time       *string                 `json:"time"`
	Result     engine.CompletionResult `json:"result"` // stored, updated or duplicate
	Completion *completionView         `json:"completion"`
}

// completed tells of a report that is on disk.
func (f *Feed) completed(c *engine.Completion, result engine.CompletionResult) {
	v := viewCompletion(c)
	v.Extra, v.RecordingURL = nil, ""
	f.hub.Publish(EventCompletion, completionEvent{rfc3339(c.Arrived), result, v})
}

// Reloaded tells of an attempt to load the policies, whoever asked for it.
func (f *Feed) Reloaded(r engine.Report) { f.hub.Publish(EventReload, viewReport(r)) }

type quarantineEvent struct {
	Time  *string `json:"time"`
	ID    string  `json:"id"`
	Kind  string  `json:"kind"` // initiation or completion
	Cause string  `json:"cause"`
	Bytes int     `json:"bytes"`
}

// quarantined tells of a payload that could not be understood and was kept.
func (f *Feed) quarantined(id string, item engine.QuarantineItem) {
	f.hub.Publish(EventQuarantine, quarantineEvent{rfc3339(item.At), id, item.Kind, item.Cause, len(item.Raw.Body)})
}
