// Package failpoint names the steps of a commit, of retention and of an erasure, of
// a reload, a start and a stop at which a test can make the program fail, or end
// it as a crash would.
//
// An ordinary build has none of it: [Here] and [Pass] are empty and inlined, and
// nothing in the environment changes that. Built with the tag failpoints the
// program reads, at each step, the file that the environment variable FAILPOINTS
// names: a line of the step's name, "fail" or "kill", and how many visits to let
// by first. A visit that is not let by is noted in that file's name + ".hit".
//
//	go build -tags failpoints ./cmd/switchboard
//	echo 'commit.synced kill 3' > arm; FAILPOINTS=arm ./switchboard serve
//
// "fail" is a full disk, for as long as the file says so; "kill" is SIGKILL. The
// test that goes through all of them is TestFailpoints of cmd/switchboard: a
// point that it has no case for fails it.
package failpoint
