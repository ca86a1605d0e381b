package giveway

import "runtime"

// Now lets whoever waits have the processor first. It takes a fraction of a
// microsecond, and within [Aside] ten: the processor of Go's goes to another
// thread there, and comes back.
func Now() { runtime.Gosched() }

// Every does so at each n-th count, for loops whose steps are shorter than to give
// way takes.
func Every(n, count int) {
	if count%n == 0 {
		runtime.Gosched()
	}
}
