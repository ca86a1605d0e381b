package main

import (
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"sync"

	"github.com/KimMachineGun/automemlimit/memlimit"

	"switchboard/engine/giveway"
)

// gcPercent is how far the heap may grow between two collections, in percent of
// what is live.
//
// A decision leaves some 20 to 40 KB of garbage behind, nearly all of it the
// evaluator's, over a live heap that is small. At Go's own 100 the collector
// takes a quarter of a decision's time, and more of its tail; 400 costs some
// tens of megabytes.
const gcPercent = 400

// While heavy work goes on beside calls the heap may grow by workRoom bytes at
// least, or by this share of the memory where there is less: a reload, an export
// or statistics leave garbage by the hundred megabytes, and with few processors
// each collection takes one from the calls. The room is given back by the next
// collection after the work, which Go makes within two minutes at the latest.
const (
	workRoom      = 1 << 30
	workRoomShare = 8
)

// memory is what the container or the machine has, in bytes; 0 where that can't be
// told.
func memory() uint64 {
	n, err := memlimit.ApplyFallback(memlimit.FromCgroup, memlimit.FromSystem)()
	if err != nil {
		return 0
	}
	return n
}

// collector sets how far the heap may grow until the next collection: after each,
// and when heavy work begins.
type collector struct {
	room uint64 // bytes, while heavy work goes on

	mu      sync.Mutex
	stopped bool
}

// collections begins to set it, on a machine with so much memory.
func collections(memory uint64) *collector {
	c := &collector{room: min(workRoom, memory/workRoomShare)}
	debug.SetGCPercent(gcPercent)
	giveway.OnHeavy(c.set)
	c.watch()
	return c
}

// stop leaves it as it is from now on.
func (c *collector) stop() {
	giveway.OnHeavy(nil)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stopped = true
}

// percent is how far the heap may grow with so many live bytes.
func (c *collector) percent(live uint64, heavy bool) int {
	if !heavy || live == 0 {
		return gcPercent
	}
	return max(gcPercent, int(min(100*c.room/live, 1<<20)))
}

// mark is what a collection finds unreachable. It holds a pointer, or it could lie
// together with something that lives.
type mark struct{ _ *mark }

// watch has the next collection tell that it took place.
func (c *collector) watch() {
	runtime.AddCleanup(new(mark), func(c *collector) {
		if c.set(); !c.ended() {
			c.watch()
		}
	}, c)
}

func (c *collector) ended() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.stopped
}

// set sets it for now. To do so stops the world for a moment, so that small
// differences are left.
func (c *collector) set() {
	now := []metrics.Sample{{Name: "/gc/heap/live:bytes"}, {Name: "/gc/gogc:percent"}}
	c.mu.Lock()
	defer c.mu.Unlock()
	metrics.Read(now)
	want, is := c.percent(now[0].Value.Uint64(), giveway.IsHeavy()), int(now[1].Value.Uint64())
	if !c.stopped && (want > is+is/4 || want < is-is/4) {
		debug.SetGCPercent(want)
	}
}
