// Package stats keeps sums of calls: one [Tally] for each [Cell], which is a
// local hour, a DID, a receiver and a reason. A call moves from one cell to
// another by being taken out of the one and put into the other, so that the sums
// are a function of the set of calls, whatever the order in which they came to
// be what they are; what is deleted is subtracted.
//
// The cells of one hour are written as one document, or in pieces where they are
// many ([Patch], [Find]): statistics over a year read some thousand documents and
// not a million keys, what happens now touches the newest few only, and what an
// event costs does not grow with the events of its hour. [Sum] adds documents up.
//
// A hour's document is bounded by the hour's calls, and all of them by the
// history's retention. The package holds no state, reads no clock and does no
// input or output.
package stats
