package history_test

import (
	"context"
	"log/slog"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"switchboard/engine/history"
)

// niceNow is the nice value of the thread that runs the caller.
func niceNow(t testing.TB) int {
	level, err := unix.Getpriority(unix.PRIO_PROCESS, 0)
	if err != nil {
		t.Error(err)
	}
	return 20 - level
}

// listener is a log that keeps on which thread a message was told of.
type listener struct {
	slog.Handler
	t       testing.TB
	message string
	nice    chan int
}

func (l *listener) Enabled(context.Context, slog.Level) bool { return true }

func (l *listener) Handle(_ context.Context, r slog.Record) error {
	if r.Message == l.message {
		l.nice <- niceNow(l.t)
	}
	return nil
}

func TestRebuildsRunBehindCalls(t *testing.T) {
	usual := niceNow(t)
	if usual >= 19 {
		t.Skip("there is nothing nicer")
	}
	o := options(t, newPath(t))
	s, err := history.OpenTuned(o, small)
	if err != nil {
		t.Fatal(err)
	}
	play(t, s, 0, 50)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(history.IndexPath(o.Path)); err != nil {
		t.Fatal(err)
	}
	log := &listener{slog.DiscardHandler, t, "the history's index is complete", make(chan int, 1)}
	o.Log = slog.New(log)
	open(t, o, small)
	select {
	case nice := <-log.nice:
		if nice <= usual {
			t.Errorf("the rebuild ended on a thread with nice %d, calls have %d", nice, usual)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("there was no rebuild")
	}
}

func TestRetentionRunsBehindCalls(t *testing.T) {
	usual := niceNow(t)
	if usual >= 19 {
		t.Skip("there is nothing nicer")
	}
	o, c := options(t, newPath(t)), newClock()
	var behind atomic.Bool
	o.Retention = 24 * time.Hour
	o.Now = func() time.Time {
		if niceNow(t) > usual {
			behind.Store(true)
		}
		return c.now()
	}
	s := open(t, o, func(u *history.Tuning) { u.TrimEvery = time.Hour })
	play(t, s, 0, 50)
	c.advance(25 * time.Hour)
	if behind.Load() {
		t.Fatal("calls were stored on such a thread")
	}
	if err := s.Trim(t.Context()); err != nil {
		t.Fatal(err)
	}
	if !behind.Load() || s.Status().Records > 20 {
		t.Errorf("of %d records the old ones were deleted; on a thread behind the others: %v", s.Status().Records, behind.Load())
	}
}
