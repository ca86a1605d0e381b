// Package journal is the log on disk: records appended to one bbolt bucket under
// a growing sequence number, whatever queued up during a commit in the next. It
// knows bytes and sequence numbers, and what a record means to nobody.
//
// A [File] is read and walked; a [Journal] appends to it from one goroutine of its
// own. Appending never waits: an [Item] tells when its record is on disk. While
// the disk fails all that was taken is tried again; those who wait for a hasty
// record (a decision: the caller hears it ring) are told at once. The same holds
// for a file that can't be made at first, or can only be read ([File.Refused]).
//
// Sequence numbers start from 1 and have no gaps, except where records were
// deleted ([Trim]). The owner of the file may keep small buckets of its own in it,
// changed in the transaction of the record that they belong to.
package journal
