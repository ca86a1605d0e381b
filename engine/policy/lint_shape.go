package policy

import (
	"maps"
	"slices"
)

// shape is what is known of a document below data.history. A nil shape is
// anything.
type shape struct {
	fields map[string]*shape // an object of known fields
	each   *shape            // a list or an object with any keys
	list   bool              // each stands in a list
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

// The shapes of a call and a profile; a test holds them against what the engine
// writes.
var (
	callShape = leaves("call_id", "caller_number", "did", "receiver_number", "status", "routed_at", "received_at",
		"ended_at", "duration_seconds", "reason", "source", "hangup_cause")

	totalsShape = leaves("offered", "answered", "unanswered", "other", "expired", "talk_seconds")

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
}

var documents = map[string]document{
	"history": {keys: []string{"", "number"}, collections: map[string]*shape{
		"callers": profileShape, "receivers": profileShape, "dids": profileShape, "calls": callShape,
	}},
	"sessions": {keys: []string{"did", "number"}},
	"facts":    {keys: []string{"collection", "key"}},
}
