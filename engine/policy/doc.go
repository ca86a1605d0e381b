// Package policy turns a folder of Rego into answers.
//
// A [Tree] is a folder read into memory; its content hash is the revision.
// [Load] takes a tree through everything that can fail (parse, lint, strict
// compile with schema and capabilities, the set's own tests, smoke evaluation)
// and returns a [Set], which evaluates data.routing.decision with the history
// mounted lazily at data.history. [Manager] keeps one active set behind an
// atomic pointer and replaces it when the folder changes, never by something
// worse.
//
// A set is evaluated twice over. Package plan compiles OPA's plan of it to code,
// which answers calls; OPA's own evaluator is the measure. It has the last word
// on errors, explains, answers for sets that can't be planned, and is asked beside
// the plan, before a set goes live, about every DID and the latest calls: where
// they differ in anything it alone serves, and the report says so.
//
// A set that failed to load is never reachable from a call: what can fail comes
// first and touches nothing live, then one pointer is swapped.
package policy
