package giveway_test

import (
	"runtime"
	"testing"

	"switchboard/engine/giveway"
)

// With one processor a loop that gives way lets another goroutine run, long
// before it would have been made to.
func TestEveryLetsOthersRun(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	ran := make(chan struct{})
	go close(ran)
	for i := range 1000 {
		giveway.Every(10, i)
		select {
		case <-ran:
			return
		default:
		}
	}
	t.Error("a thousand counts did not let the other one run")
}
