package main

import (
	"runtime"
	"runtime/debug"
	"testing"
)

func TestTuneRuntime(t *testing.T) {
	const other = 123
	percent, procs := debug.SetGCPercent(other), runtime.GOMAXPROCS(0)
	t.Cleanup(func() { debug.SetGCPercent(percent); runtime.GOMAXPROCS(procs) })

	tuneRuntime(func(string) (string, bool) { return "100", true })
	if got := debug.SetGCPercent(other); got != other {
		t.Errorf("GOGC of the environment was overruled with %d", got)
	}
	if got := runtime.GOMAXPROCS(0); got != procs {
		t.Errorf("GOMAXPROCS of the environment was overruled: %d, was %d", got, procs)
	}
	tuneRuntime(func(name string) (string, bool) { return "", false })
	if got := debug.SetGCPercent(other); got != gcPercent {
		t.Errorf("without GOGC it is %d, want %d", got, gcPercent)
	}
}

func TestProcessors(t *testing.T) {
	for _, c := range []struct{ cpus, used, want int }{
		{1, 1, 2}, {2, 2, 4}, {4, 4, 8},
		{8, 8, 0}, // enough of them
		{4, 2, 0}, // a container's quota
	} {
		if got := processors(c.cpus, c.used); got != c.want {
			t.Errorf("%d of %d CPUs used: %d, want %d", c.used, c.cpus, got, c.want)
		}
	}
}
