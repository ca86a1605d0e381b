package main

import (
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"testing"
	"time"

	"switchboard/engine/giveway"
)

func TestHowFarTheHeapMayGrow(t *testing.T) {
	const mb = 1 << 20
	for _, c := range []struct {
		memory, live uint64
		heavy        bool
		want         int
	}{
		{16384 * mb, 50 * mb, false, gcPercent},
		{16384 * mb, 50 * mb, true, 2048}, // a gigabyte
		{1024 * mb, 8 * mb, true, 1600},   // an eighth of what there is
		{1024 * mb, 128 * mb, true, gcPercent},
		{0, 50 * mb, true, gcPercent}, // not known
		{16384 * mb, 0, true, gcPercent},
	} {
		c1 := collector{room: min(workRoom, c.memory/workRoomShare)}
		if got := c1.percent(c.live, c.heavy); got != c.want {
			t.Errorf("%d MB live of %d, heavy %v: %d %%, want %d", c.live/mb, c.memory/mb, c.heavy, got, c.want)
		}
	}
}

// The heap has room while heavy work goes on, and no longer.
func TestTheHeapHasRoomDuringHeavyWork(t *testing.T) {
	percent := debug.SetGCPercent(gcPercent)
	t.Cleanup(func() { debug.SetGCPercent(percent) })
	is := func() int {
		now := []metrics.Sample{{Name: "/gc/gogc:percent"}}
		metrics.Read(now)
		return int(now[0].Value.Uint64())
	}
	c := collections(1 << 40)
	defer c.stop()
	runtime.GC() // so that it is known what is live
	if got := is(); got != gcPercent {
		t.Errorf("before: %d %%", got)
	}
	giveway.Heavy(func() {
		if got := is(); got <= gcPercent {
			t.Errorf("during work: %d %%", got)
		}
	})
	deadline := time.Now().Add(20 * time.Second)
	for is() != gcPercent {
		if runtime.GC(); time.Now().After(deadline) {
			t.Fatalf("after it: %d %%", is())
		}
	}
}
