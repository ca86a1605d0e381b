// Package calltable keeps calls as the log has them folded, so that one is found by
// its call_id and all are listed by their time.
//
// A call stands at its place, the sequence number of its first record in the log.
// Places are cut into epochs, stretches of equal length. Of each epoch a filter in
// memory knows which call_ids and numbers are among its calls, and between which
// times those lie: a new call_id, or a rare number's listing, touches no more of the
// file than it must. Filters are written down now and then ([Table.Keep]); opening
// looks through what came since.
//
// Calls are listed by their own time, which for imported ones is not that of their
// arrival ([List]). Each epoch has its calls in that order; a list merges those of
// the epochs whose times overlap. [Walk] goes through them as they lie.
//
// A call_id comes to the tree that finds it by another way than the rest of its call
// ([Table.Name]): its user may put that off.
//
// One goroutine, the writer, calls what changes a table; all else may be called
// beside it.
package calltable
