package policy

import (
	"context"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"switchboard/engine"
)

// niceNow is the nice value of the thread that runs the caller.
func niceNow(t *testing.T) int {
	level, err := unix.Getpriority(unix.PRIO_PROCESS, 0)
	if err != nil {
		t.Error(err)
	}
	return 20 - level
}

// However a reload began, it steps back for calls, from the trial of the new set
// to the announcement.
func TestReloadsRunBehindCalls(t *testing.T) {
	usual := niceNow(t)
	if usual >= 19 {
		t.Skip("there is nothing nicer")
	}
	tried, announced := make(chan int, 100), make(chan int, 100)
	aside := func(t *testing.T, r *rig, number string) {
		t.Helper()
		for r.answers(t) != number {
			r.report(t)
		}
		for what, nice := range map[string]chan int{"tried": tried, "announced": announced} {
			if n := <-nice; n <= usual {
				t.Errorf("%s is %s on a thread with nice %d, calls have %d", number, what, n, usual)
			}
		}
	}
	r := newRig(t, func(o *ManagerOptions) {
		o.Folder, o.Poll = folder(t, good("9876543210")), byLook
		announce := o.OnReload
		o.OnReload = func(report engine.Report, active *Set) {
			announced <- niceNow(t)
			announce(report, active)
		}
	})
	if err := r.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	first := r.report(t).Revision
	<-announced
	r.o.View = func(context.Context) (engine.View, error) {
		select {
		case tried <- niceNow(t):
		default:
		}
		return sampleView(1), nil
	}
	file := filepath.Join(r.dir, "routing/routing.rego")

	put(t, file, regoFor("9876543211"))
	r.Reload(t.Context(), "signal")
	aside(t, r, "9876543211")

	for len(tried) > 0 {
		<-tried
	}
	if report, err := r.Rollback(t.Context(), first, "somebody"); err != nil || !report.OK {
		t.Fatalf("%+v, %v", report, err)
	}
	aside(t, r, "9876543210")

	for len(tried) > 0 {
		<-tried
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	put(t, file, regoFor("9876543212"))
	aside(t, r, "9876543212")
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if n := niceNow(t); n != usual {
		t.Errorf("the caller's thread has nice %d, had %d", n, usual)
	}
}
