package history_test

import (
	"sync/atomic"
	"testing"
	"time"

	"switchboard/engine"
	"switchboard/engine/history"
)

// An erasure that waits for a slow disk keeps nobody from the archive.
func TestForgetOnASlowDisk(t *testing.T) {
	var slow atomic.Bool
	entered, free := make(chan struct{}), make(chan struct{})
	s := open(t, options(t, newPath(t)), func(u *history.Tuning) {
		u.Commit = func(next func() error) error {
			if slow.CompareAndSwap(true, false) {
				close(entered)
				<-free
			}
			return next()
		}
	})
	if _, err := s.Quarantine(t.Context(), engine.QuarantineItem{Kind: "completion", Raw: engine.Payload{Body: []byte("of 9123450001")}}); err != nil {
		t.Fatal(err)
	}
	slow.Store(true)
	erased := make(chan error)
	go func() {
		_, err := s.Forget(t.Context(), person("9123450001"), "test")
		erased <- err
	}()
	<-entered
	told := make(chan int)
	go func() { told <- s.Status().Quarantined }()
	select {
	case n := <-told:
		equal(t, "in quarantine", n, 0)
		close(free)
	case <-time.After(10 * time.Second):
		t.Error("status waits for the disk")
		close(free)
		<-told
	}
	if err := <-erased; err != nil {
		t.Fatal(err)
	}
}
