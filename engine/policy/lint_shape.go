package policy

import (
	"maps"
	"slices"
)

// shape is what is known of a mounted document. A nil shape is
// anything.
type shape struct {
	fields map[string]*shape // an object of known fields
	each   *shape            // a list or an object with any keys
	list   bool              // each stands in a list
	item   string            // what one of a list is called in a sentence; empty: call
	leaf   bool              // a text, a number or null
}

func (s *shape) names() []string { return slices.Sorted(maps.Keys(s.fields)) }

func leaves(names ...string) *shape {
	fields := make(map[string]*shape, len(names))
	for _, name := range names {
		fields[name] = &shape{leaf: true}
	}
	return &shape{fields: fields}
}

// The shapes of a call, a profile and a session; a test holds them against what the engine
// writes.
var (
	callShape = leaves("call_id", "caller_number", "did", "receiver_number", "status", "routed_at", "received_at",
		"ended_at", "duration_seconds", "reason", "source", "hangup_cause")

	totalsShape = leaves("offered", "answered", "unanswered", "other", "expired", "talk_seconds")

	sessionShape = &shape{fields: map[string]*shape{
		"ref": {leaf: true}, "did": {leaf: true}, "parties": {each: &shape{leaf: true}, list: true, item: "number"}, "created": {leaf: true},
		"expires": {leaf: true}, "last_ended": {leaf: true}, "data": nil,
	}}

	sessionsShape = &shape{each: sessionShape, list: true, item: "session"}

	profileShape = &shape{fields: map[string]*shape{
		"calls":             {each: callShape, list: true},
		"in_flight":         {leaf: true},
		"unanswered_streak": {leaf: true},
		"totals":            totalsShape,
		"days":              {each: totalsShape},
		"last_offered":      callShape,
		"last_answered":     callShape,
		"last_by_reason":    {each: callShape},
	}}
)

// document is a mounted document that is read by key alone.
type document struct {
	keys        []string          // how its keys are called in a sentence, outermost first
	collections map[string]*shape // the known values of the first key; nil: any
	each        *shape            // what lies below both keys where any first key goes; nil: anything
}

var documents = map[string]document{
	"history": {keys: []string{"", "number"}, collections: map[string]*shape{
		"callers": profileShape, "receivers": profileShape, "dids": profileShape, "calls": callShape,
	}},
	"sessions": {keys: []string{"did", "number"}, each: sessionsShape},
	"facts":    {keys: []string{"collection", "key"}},
}
