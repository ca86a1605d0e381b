package main

import "runtime"

// fewCPUs is up to how many processors long work beside calls is noticed: a
// reload and a collection of its garbage take two of Go's processors, each for
// 10 ms before a call that arrived meanwhile gets its turn. The system's own
// scheduler is quicker to give way, so that there it is given more threads to
// choose from than there are processors. Those of long work come behind the
// others there: see giveway.Aside.
const fewCPUs = 4

// tuneRuntime sets how Go's runtime uses memory and processors for a server,
// where the environment does not say so itself.
func tuneRuntime(environ func(string) (string, bool)) {
	if _, given := environ("GOGC"); !given { // GOMEMLIMIT holds either way
		collections(memory())
	}
	if _, given := environ("GOMAXPROCS"); !given {
		if n := processors(runtime.NumCPU(), runtime.GOMAXPROCS(0)); n > 0 {
			runtime.GOMAXPROCS(n)
		}
	}
}

// processors is how many of Go's processors a machine gets whose CPUs Go would
// use so many of; 0 leaves it at that. Go uses fewer than there are where a
// container's quota says so: more threads would only use that up sooner and
// stand still for the rest of each period.
func processors(cpus, used int) int {
	if cpus > fewCPUs || used != cpus {
		return 0
	}
	return 2 * cpus
}
