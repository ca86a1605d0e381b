package giveway

import "sync"

// heavy counts the heavy work that goes on.
var heavy struct {
	sync.Mutex
	running int
	began   func()
}

// Heavy is [Aside] for work that leaves much garbage behind, by the hundred
// megabytes: whoever cares for the heap is told ([OnHeavy]). What is asked for
// every other second, or only waits for the disk, is none.
func Heavy(f func()) {
	heavy.Lock()
	heavy.running++
	first, began := heavy.running == 1, heavy.began
	heavy.Unlock()
	defer func() {
		heavy.Lock()
		defer heavy.Unlock()
		heavy.running--
	}()
	if first && began != nil {
		began()
	}
	Aside(f)
}

// OnHeavy has f called whenever heavy work begins while there was none; nil calls
// nothing. It is for the whole process: f takes the place of the one before.
func OnHeavy(f func()) {
	heavy.Lock()
	defer heavy.Unlock()
	heavy.began = f
}

// IsHeavy reports whether heavy work goes on.
func IsHeavy() bool {
	heavy.Lock()
	defer heavy.Unlock()
	return heavy.running > 0
}
