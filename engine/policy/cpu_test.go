//go:build unix

package policy_test

import (
	"syscall"
	"testing"
	"time"
)

// cpu reports the processor's time of an operation: on a machine that others
// use, the clock's tells more of them.
func cpu(b *testing.B) (report func()) {
	began := spent(b)
	return func() { b.ReportMetric(float64(spent(b)-began)/float64(b.N), "cpu-ns/op") }
}

func spent(b *testing.B) time.Duration {
	b.Helper()
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		b.Fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}
