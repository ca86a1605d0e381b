// Package giveway has long work step back for calls: the loading of policies,
// statistics, exports, backups and the like.
//
// There are two schedulers to tell. Go's own gives a goroutine that computes its
// processor for up to ten milliseconds after another one became ready to run:
// [Now] and [Every] give it back earlier. One that gives way at every small step
// makes calls wait for that step.
//
// The system's knows nothing of goroutines, and shares its processors out among
// threads, some milliseconds each: [Aside] has work done on a thread that comes
// behind the others. Goroutines that the work starts are not on that thread.
//
// The disk takes what it gets as it comes: [Rest] leaves it to others between two
// steps, and [Release] gives a large file's blocks back a few at a time.
package giveway
