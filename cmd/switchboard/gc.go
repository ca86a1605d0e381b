package main

import "runtime/debug"

// gcPercent is how far the heap may grow between two collections, in percent of
// what is live.
//
// A decision leaves some 20 to 40 KB of garbage behind, nearly all of it the
// evaluator's, over a live heap that is small. At Go's own 100 the collector
// takes a quarter of a decision's time, and more of its tail; 400 costs some
// tens of megabytes.
const gcPercent = 400

// relaxGC sets gcPercent unless the environment says GOGC itself. GOMEMLIMIT
// holds either way.
func relaxGC(environ func(string) (string, bool)) {
	if _, given := environ("GOGC"); !given {
		debug.SetGCPercent(gcPercent)
	}
}
