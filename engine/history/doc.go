// Package history is the store of everything that happened: decisions,
// completions, policy revisions, payloads in quarantine; and of what backends
// tell the policies: sessions and facts.
//
// # The log is the truth
//
// Every record is appended to one bbolt bucket under a growing sequence number,
// in the file that [Options].Path names (package journal). Profiles, the call table
// (package calltable) and its indexes are a fold (package fold) over that log. They
// live in memory where they are in use and are written behind to a second file,
// "<path>.index", which can be thrown away at any time: it is rebuilt beside routing.
// A backup is the log alone. The files of archived policy sets lie beside the records
// in the log's file (package pieces): of a set the record has the names of its list,
// and is as small as others, for calls wait for its commit.
//
// # One order
//
// A short critical section folds a record into memory and hands it its sequence
// number, so that the order in which records become visible is the order of the
// log. Nobody waits for a disk in there: one goroutine commits whatever queued
// up during the last fsync, another writes consistent cuts of memory to the
// index, each with the sequence number up to which it is the fold of the log.
// The index is never ahead of the log.
//
// What changes lies all over the index's trees of profiles and of call_ids. It goes
// to a pile first, which is only appended to, and from there to the trees by the
// hundred thousand in their order (package pile). Profiles and call_ids have piles of
// their own; one of profiles is full at an eighth of what the trees hold, from 2^17 to
// 2^19 keys, so that a page of a larger tree is touched for several changes, too.
// Where a value in a pile can't be read, the index is made anew.
//
// # Exact decisions
//
// A view remembers what was read through it. Publish refuses a decision when
// one of those profiles has changed since the view was opened, so that counting
// policies (round robin, least busy) are exact under any concurrency. From the
// fourth try on a caller gets a turn: for a bounded time others don't change
// what it reads. Turns are for progress only; exactness never rests on them.
//
// # Live data
//
// Sessions and facts are a fold as well: of the versions of one the record with
// the highest sequence number counts. They are read by key, at the same cost
// however many there are. Expiry is seen when they are read; a sweep that takes
// its time removes what expired. Retention writes those that still count once
// more before it takes their records. The audit trail is a reading of the log.
//
// # Caveats
//
// Sequence numbers start from 1 and have no gaps, except that the oldest records
// go with [Options].Retention. bbolt files never shrink by themselves.
package history
