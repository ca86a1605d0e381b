// Package outbox keeps in the log's file how far each target of the relay has
// come: a cursor over the log, the letters before the cursor that still wait,
// and those that were given up.
//
// A letter is a reference to a record, never a copy of it: what a person's
// erasure or retention takes out of the log is in no outbox. What is kept beside
// the reference is how the attempts went, and of a record that is gone its
// call_id.
//
// A target that is new begins with what comes after it. One that is removed
// keeps its place for [Keep]; when it is back by then it goes on where it
// stopped, later it is a new one.
package outbox
