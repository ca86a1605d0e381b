package giveway_test

import (
	"sync"
	"testing"

	"switchboard/engine/giveway"
)

func TestWorkIsToldOfWhenItBegins(t *testing.T) {
	told := 0
	giveway.OnWork(func() { told++ })
	defer giveway.OnWork(nil)
	see := func(what string, working bool, times int) {
		t.Helper()
		if giveway.Working() != working || told != times {
			t.Errorf("%s: working %v, told %d times; want %v and %d", what, giveway.Working(), told, working, times)
		}
	}
	see("before", false, 0)
	giveway.Aside(func() {
		see("within", true, 1)
		giveway.Aside(func() { see("nested", true, 1) })
		see("after the nested one", true, 1)
		var wg sync.WaitGroup
		wg.Go(func() { giveway.Aside(func() { see("beside", true, 1) }) })
		wg.Wait()
	})
	see("after", false, 1)
	giveway.Standby(func() {
		see("standing by", false, 1)
		giveway.Aside(func() { see("called from there", true, 2) })
	})
	func() {
		defer func() { _ = recover() }()
		giveway.Aside(func() { panic("it broke") })
	}()
	see("after a panic", false, 3)
}
