package giveway

import (
	"runtime"
	"runtime/debug"
	"sync"

	"golang.org/x/sys/unix"
)

// behind is how much nicer a thread aside is than the process: each step is a
// share of the processor smaller by a fifth, so that ten are a tenth of what
// another thread gets. Half as many were little to notice, and twice as many, or
// the class for idle times, would keep a lock that calls wait for from being let
// go of for tens of milliseconds.
const behind = 10

// nicest is the largest nice value that there is.
const nicest = 19

// threads are those that run a function aside, by their ids. Such a thread runs
// nothing else, so that a goroutine that finds its thread here is that function's.
var threads sync.Map

func aside(f func()) {
	if _, nested := threads.Load(unix.Gettid()); nested {
		f()
		return
	}
	var end ending
	done := make(chan struct{})
	go func() {
		defer close(done)
		onThread(func() { end.watch(f) })
	}()
	<-done
	end.repeat()
}

// onThread runs f on a thread that ends with the goroutine: this one stays locked
// to it. The runtime starts no thread out of a locked one, so that none inherits
// the priority.
func onThread(f func()) {
	runtime.LockOSThread()
	thread := unix.Gettid()
	if thread == unix.Getpid() {
		// The process's first thread is the one that can't end, and its priority is
		// what the process shows. As long as it is held here another one does it.
		defer runtime.UnlockOSThread()
		done := make(chan struct{})
		go func() {
			defer close(done)
			onThread(f)
		}()
		<-done
		return
	}
	lower()
	threads.Store(thread, struct{}{})
	defer threads.Delete(thread)
	f()
}

// lower makes this thread nicer than the process is. Where the system does not
// let it (a container's filter of system calls, say) it stays as it is.
func lower() {
	const self = 0
	level, err := unix.Getpriority(unix.PRIO_PROCESS, self) // the system call tells 20 - nice
	if err != nil {
		return
	}
	_ = unix.Setpriority(unix.PRIO_PROCESS, self, min(20-level+behind, nicest))
}

// ending is how a function ended that ran on another goroutine.
type ending struct {
	returned bool
	panicked *Panic
}

// watch runs f and keeps its panic.
func (e *ending) watch(f func()) {
	defer func() {
		if e.returned {
			return
		}
		if v := recover(); v != nil { // else runtime.Goexit was called, which goes on
			e.panicked = &Panic{Value: v, Stack: debug.Stack()}
		}
	}()
	f()
	e.returned = true
}

// repeat ends the caller's goroutine, or lets it go on, as the other one ended.
func (e *ending) repeat() {
	switch {
	case e.panicked != nil:
		panic(e.panicked)
	case !e.returned:
		runtime.Goexit()
	}
}
