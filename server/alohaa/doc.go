// Package alohaa is the provider's dialect as pure functions: a [Parser] turns
// the two webhooks' requests into an engine.Initiation or engine.Completion,
// and [Render] turns a decision into the reply's bytes.
//
// The provider documents its webhooks loosely, and its sample is not valid
// JSON. So the package reads whatever can be read (JSON whatever the
// Content-Type says, JSON with comments and trailing commas, forms, query
// parameters, several spellings of fields and values), never derives one value
// from another, and keeps what it did not understand: unknown fields and
// unreadable values stay in Completion.Extra, the whole payload in Raw.
//
// Its promise: no input makes it panic, and what it refuses it refuses with an
// [UnreadableError] whose sentence says what to send instead.
package alohaa
