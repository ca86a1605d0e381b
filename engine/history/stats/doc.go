// Package stats keeps sums of calls: one [Tally] for each [Cell], which is a
// local hour, a DID, a receiver and a reason. A call moves from one cell to
// another by being taken out of the one and put into the other, so that the sums
// are a function of the set of calls, whatever the order in which they came to
// be what they are; what is deleted is subtracted.
//
// All cells of one hour are written as one document ([Patch], [Find]): statistics
// over a year read some thousand documents and not a million keys, and what
// happens now touches the newest few only. [Sum] adds documents up.
//
// A hour's document is bounded by the hour's calls, and all of them by the
// history's retention. The package holds no state, reads no clock and does no
// input or output.
package stats
