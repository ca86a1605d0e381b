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
	types  []string          // of a leaf, as JSON schemas call them; nil: text
}

// Names are the fields, sorted.
func (s *Shape) Names() []string { return slices.Sorted(maps.Keys(s.Fields)) }

// Text reports whether a leaf is a text; else it is a number or null.
func (s *Shape) Text() bool { return s.Leaf && len(s.types) == 0 }

// What leaves hold.
var (
	text   = &Shape{Leaf: true}
	count  = &Shape{Leaf: true, types: []string{"integer"}}
	moment = &Shape{Leaf: true, types: []string{"integer", "null"}} // unix seconds, or a duration
)

func fields(of *Shape, names ...string) map[string]*Shape {
	out := make(map[string]*Shape, len(names))
	for _, name := range names {
		out[name] = of
	}
	return out
}

func joined(parts ...map[string]*Shape) *Shape {
	all := map[string]*Shape{}
	for _, part := range parts {
		maps.Copy(all, part)
	}
	return &Shape{Fields: all}
}

// The shapes of a call, a profile and a session; a test holds them against what
// the engine writes.
var (
	CallShape = joined(
		fields(text, "call_id", "caller_number", "did", "receiver_number", "status", "reason", "source", "hangup_cause"),
		fields(moment, "routed_at", "received_at", "ended_at", "duration_seconds"))

	totalsShape = joined(fields(count, "offered", "answered", "unanswered", "other", "expired", "talk_seconds"))

	SessionShape = joined(fields(text, "ref", "did"), fields(moment, "created", "expires", "last_ended"), map[string]*Shape{
		"parties": {Each: text, List: true, Item: "number"}, "data": nil,
	})

	sessionsShape = &Shape{Each: SessionShape, List: true, Item: "session"}

	ProfileShape = &Shape{Fields: map[string]*Shape{
		"calls":             {Each: CallShape, List: true},
		"in_flight":         count,
		"unanswered_streak": count,
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
