package giveway_test

import (
	"sync"
	"testing"

	"switchboard/engine/giveway"
)

func TestHeavyWorkIsToldOfWhenItBegins(t *testing.T) {
	told := 0
	giveway.OnHeavy(func() { told++ })
	defer giveway.OnHeavy(nil)
	see := func(what string, heavy bool, times int) {
		t.Helper()
		if giveway.IsHeavy() != heavy || told != times {
			t.Errorf("%s: heavy %v, told %d times; want %v and %d", what, giveway.IsHeavy(), told, heavy, times)
		}
	}
	see("before", false, 0)
	giveway.Heavy(func() {
		see("within", true, 1)
		giveway.Heavy(func() { see("nested", true, 1) })
		see("after the nested one", true, 1)
		var wg sync.WaitGroup
		wg.Go(func() { giveway.Heavy(func() { see("beside", true, 1) }) })
		wg.Wait()
	})
	see("after", false, 1)
	giveway.Aside(func() {
		see("other work", false, 1)
		giveway.Heavy(func() { see("called from there", true, 2) })
	})
	func() {
		defer func() { _ = recover() }()
		giveway.Heavy(func() { panic("it broke") })
	}()
	see("after a panic", false, 3)
}
