package mounted

import (
	"maps"
	"slices"
)

// Shape is what is known of a mounted document. A nil shape is
// anything.
type Shape struct {
	Fields map[string]*Shape // an object of known fields
	Each   *Shape            // a list or an object with any keys
	List   bool              // each stands in a list
	Item   string            // what one of a list is called in a sentence; empty: call
	Leaf   bool              // a text, a number or null
}

// Names are the fields, sorted.
func (s *Shape) Names() []string { return slices.Sorted(maps.Keys(s.Fields)) }

func leaves(names ...string) *Shape {
	fields := make(map[string]*Shape, len(names))
	for _, name := range names {
		fields[name] = &Shape{Leaf: true}
	}
	return &Shape{Fields: fields}
}

// The shapes of a call, a profile and a session; a test holds them against what
// the engine writes.
var (
	CallShape = leaves("call_id", "caller_number", "did", "receiver_number", "status", "routed_at", "received_at",
		"ended_at", "duration_seconds", "reason", "source", "hangup_cause")

	totalsShape = leaves("offered", "answered", "unanswered", "other", "expired", "talk_seconds")

	SessionShape = &Shape{Fields: map[string]*Shape{
		"ref": {Leaf: true}, "did": {Leaf: true}, "parties": {Each: &Shape{Leaf: true}, List: true, Item: "number"}, "created": {Leaf: true},
		"expires": {Leaf: true}, "last_ended": {Leaf: true}, "data": nil,
	}}

	sessionsShape = &Shape{Each: SessionShape, List: true, Item: "session"}

	ProfileShape = &Shape{Fields: map[string]*Shape{
		"calls":             {Each: CallShape, List: true},
		"in_flight":         {Leaf: true},
		"unanswered_streak": {Leaf: true},
		"totals":            totalsShape,
		"days":              {Each: totalsShape},
		"last_offered":      CallShape,
		"last_answered":     CallShape,
		"last_by_reason":    {Each: CallShape},
	}}
)

// Document is a mounted document that is read by key alone.
type Document struct {
	Keys        []string          // how its keys are called in a sentence, outermost first
	Collections map[string]*Shape // the known values of the first key; nil: any
	Each        *Shape            // what lies below both keys where any first key goes; nil: anything
}

// Documents are the mounted ones by the name of their root.
var Documents = map[string]Document{
	History: {Keys: []string{"", "number"}, Collections: map[string]*Shape{
		"callers": ProfileShape, "receivers": ProfileShape, "dids": ProfileShape, Calls: CallShape,
	}},
	"sessions": {Keys: []string{"did", "number"}, Each: sessionsShape},
	"facts":    {Keys: []string{"collection", "key"}},
}
