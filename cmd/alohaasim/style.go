package main

import "math/rand/v2"

// encoding is how a message travels.
type encoding int

const (
	asJSON   encoding = iota
	asSample          // JSON with a comment and a trailing comma, as in the documentation
	asForm            // form-encoded body
	asQuery           // GET with query parameters; initiations only
)

// style is one way to write a message. The fields are independent, so that a
// run meets their combinations.
type style struct {
	encoding    encoding
	contentType string // of JSON bodies; empty sends none

	caller, receiver, did int  // spellings, or asDocumented
	numeric               bool // numbers as JSON numbers, where their spelling allows it
	otherDID              bool // "did" for "did_number" and the other way round
	older                 bool // field names of the older documentation
	extras                bool // fields that sibling webhooks send
	withheld              int  // how a withheld caller is written
	status, duration      int  // spellings of a completion's status and duration
}

const jsonType = "application/json"

// documented is the style of the documentation's samples.
var documented = style{contentType: jsonType, caller: asDocumented, receiver: asDocumented, did: asDocumented}

// contentTypes are those under which JSON must be read.
var contentTypes = []string{
	jsonType, "application/json; charset=utf-8", "text/plain", "application/octet-stream", formType, "",
}

func drawStyle(r *rand.Rand) style {
	return style{
		encoding:    encoding(r.IntN(int(asQuery) + 1)),
		contentType: contentTypes[r.IntN(len(contentTypes))],
		caller:      r.IntN(len(spellings)),
		receiver:    r.IntN(len(spellings)),
		did:         r.IntN(len(spellings)),
		numeric:     r.IntN(4) == 0,
		otherDID:    r.IntN(2) == 0,
		older:       r.IntN(2) == 0,
		extras:      r.IntN(3) == 0,
		status:      r.IntN(1 << 16),
		duration:    r.IntN(1 << 16),
	}
}
