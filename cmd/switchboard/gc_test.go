package main

import (
	"runtime/debug"
	"testing"
)

func TestRelaxGC(t *testing.T) {
	const other = 123
	before := debug.SetGCPercent(other)
	t.Cleanup(func() { debug.SetGCPercent(before) })

	relaxGC(func(string) (string, bool) { return "100", true })
	if got := debug.SetGCPercent(other); got != other {
		t.Errorf("GOGC of the environment was overruled with %d", got)
	}
	relaxGC(func(name string) (string, bool) { return "", false })
	if got := debug.SetGCPercent(other); got != gcPercent {
		t.Errorf("without GOGC it is %d, want %d", got, gcPercent)
	}
}
