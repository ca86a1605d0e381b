package giveway

import "sync"

// work counts what goes on aside.
var work struct {
	sync.Mutex
	running int
	began   func()
}

// OnWork has f called whenever work begins in [Aside] while there was none; nil
// calls nothing. It is for the whole process: f takes the place of the one before.
func OnWork(f func()) {
	work.Lock()
	defer work.Unlock()
	work.began = f
}

// Working reports whether something goes on in [Aside].
func Working() bool {
	work.Lock()
	defer work.Unlock()
	return work.running > 0
}

func begin() {
	work.Lock()
	work.running++
	first, began := work.running == 1, work.began
	work.Unlock()
	if first && began != nil {
		began()
	}
}

func end() {
	work.Lock()
	defer work.Unlock()
	work.running--
}
