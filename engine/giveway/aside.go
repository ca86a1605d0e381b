package giveway

import "fmt"

// Aside runs f to its end and returns. On Linux f runs on a thread of its own that
// the system schedules behind the others, which gets a processor while nobody else
// wants one, and about a tenth of one when all are wanted. Where the system
// refuses the lower priority, and on other systems, f runs all the same.
//
// A panic in f comes out of Aside as a [*Panic] (elsewhere than on Linux as it
// is), and a runtime.Goexit in f ends the caller's goroutine as well. Within f
// Aside is a plain call.
//
// The thread ends with f, since a process without privileges can lower its
// threads' priority and never raise it again: given back to Go's runtime it would
// run calls at that priority from then on.
//
// Who holds a lock and is kept from running makes those wait who want the lock.
// f's own locks are few and short, if callers take care: no mutex that calls need
// may be held in f for more than a step. The locks of Go's runtime (of the heap,
// of its scheduler) are not ours to choose, nor are those of the kernel and of
// bbolt around a transaction's beginning; and a collection that stops the world
// waits until this thread has stopped, too. Therefore f is not given the lowest
// priority, or the system's class for idle times: with a tenth of a processor it
// lets go of a lock within milliseconds, and as soon as the others stand still for
// it, the processors are its own.
func Aside(f func()) { aside(f) }

// Panic is what Aside panics with where its function did.
type Panic struct {
	Value any    // of the function's panic
	Stack []byte // of the function's goroutine, where it panicked
}

// Error tells the value and the stack, so that neither is lost whoever recovers.
func (p *Panic) Error() string { return fmt.Sprintf("%v\n\n%s", p.Value, p.Stack) }

// Unwrap is the value where that is an error.
func (p *Panic) Unwrap() error {
	err, _ := p.Value.(error)
	return err
}
