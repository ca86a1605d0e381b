// Package backfill takes reports on calls of the past: [Rows] reads a file of
// them, CSV or a JSON object a line, and [Taker] has them counted.
//
// A report goes the way of the webhook's: the same reading, the same merging by
// call_id. So it does no harm to import a file twice, or one that overlaps with
// what came by the webhook. Our own exports are understood too. What cannot be read is told with its line, and is
// given back as it stood in the file.
package backfill
