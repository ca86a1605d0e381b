// Package giveway has the long computations of a reload step back for calls.
//
// A goroutine that computes keeps its processor for up to ten milliseconds after
// another one became ready to run, which is what the slowest calls beside a reload
// wait for. One that gives way at every small step makes them wait for that step.
package giveway

import "runtime"

// Now lets whoever waits have the processor first.
func Now() { runtime.Gosched() }

// Every does so at each n-th count, for loops whose steps are shorter than to give
// way takes.
func Every(n, count int) {
	if count%n == 0 {
		runtime.Gosched()
	}
}
