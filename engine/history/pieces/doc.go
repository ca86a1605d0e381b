// Package pieces keeps the files of policy sets in the log's file, each text once
// however many sets have it.
//
// A file is cut where its content says so, into pieces of some 40 KiB that are
// named after their SHA-256. An edit within a large file changes the piece that it
// falls into and leaves the others what they were, so that a set which differs
// little from one that is kept already takes a few kilobytes. What a set consists
// of is a list (path -> names) that is cut and kept like a file: the record of a
// set holds the names of its list's pieces and is small, whatever the set is.
//
// Nothing counts how often a piece is needed: a count is changed by every set that
// shares the piece, and is wrong for ever once it is. A piece may go when none of
// the lists names it (see [Marks]), which is found out anew each time.
//
// The pieces lie in a bucket of their own beside the log, not among its records:
// those go by age, and a piece goes by who needs it.
package pieces
