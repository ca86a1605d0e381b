// Package engine is the domain of Switchboard: numbers, calls, decisions,
// completions, and the [Router] that turns an initiation into an answer.
//
// The way of a call is short and one-way: the server reads an [Initiation],
// [Router.Route] asks an [Evaluator] (the policies) what to do, with a [View]
// of the history, judges the answer, publishes the [Decision] to the [Ledger]
// and hands back a [Reply]. Whatever fails on the way ends at a fallback
// number, inside one deadline.
//
// The package knows neither OPA nor bbolt nor Gin. It declares the small
// interfaces it consumes; engine/policy and engine/history satisfy them.
//
// Vocabulary: a call starts with an initiation (the provider asks whom to
// ring), gets one decision (forward or reject), and ends with a completion (the
// provider tells how it went). A person's number and a DID are both a [Number]
// in canonical form.
package engine
