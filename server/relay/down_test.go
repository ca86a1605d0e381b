package relay_test

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"switchboard/engine"
	"switchboard/server/relay"
)

func TestADeadTargetCostsLittleAndComesBackSoon(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		w := newWorld(t, func(o *relay.Options) { o.Window = 50 })
		w.to.script(down)
		w.start()
		defer w.stop()
		const n = 500
		for i := range n {
			w.store.complete(label(i % 200))
		}
		time.Sleep(6 * time.Hour)
		s := w.status()
		if s.State != engine.RelayPaused || s.Waiting != 50 || s.Unread != n-50 || s.Dead != 0 || s.NextAttempt == 0 {
			t.Errorf("status %+v", s)
		}
		if posts := len(w.to.got()); posts > 6*60*2+20 {
			t.Errorf("%d attempts in six hours", posts)
		}
		warned := strings.Join(engine.WarningTexts(w.relay.Warnings()), "\n")
		if !strings.Contains(warned, "crm fails since 2000-01-01T00:00:00Z") || !strings.Contains(warned, "50 messages wait, the oldest for 6h0m0s, and 450 records") {
			t.Errorf("warnings: %s", warned)
		}
		for _, hidden := range []string{"pa55", "t0ken", "user"} {
			if strings.Contains(w.log.String()+warned+s.URL, hidden) {
				t.Errorf("%q shows:\n%s\n%s\n%s", hidden, w.log, warned, s.URL)
			}
		}
		if c := strings.Count(w.log.String(), "fails altogether"); c != 1 {
			t.Errorf("said %d times that the target fails:\n%s", c, w.log)
		}
		w.to.script(always(200))
		time.Sleep(90 * time.Second)
		if s := w.status(); s.State != engine.RelayIdle || s.Delivered != n || len(w.relay.Warnings()) != 0 {
			t.Errorf("90 s after it came back: %+v", s)
		}
		inOrder(t, w.to.got())
	})
}

// inOrder checks that of each call later messages were taken after earlier ones.
func inOrder(t *testing.T, posts []post) {
	t.Helper()
	if err := overtaken(posts); err != nil {
		t.Error(err)
	}
}

func TestOneTargetNeverWaitsForAnother(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		w := newWorld(t, func(o *relay.Options) {
			o.Targets = append(o.Targets, target(t, "slow=https://slow.example.com/"))
			o.Parallel = 3
		})
		release := make(chan struct{})
		var mu sync.Mutex
		most, now := 0, 0
		w.to.script(func(_ int, p post) (int, http.Header, string, error) {
			if p.host != "slow.example.com" {
				return 200, nil, "", nil
			}
			mu.Lock()
			now++
			most = max(most, now)
			mu.Unlock()
			<-release
			mu.Lock()
			now--
			mu.Unlock()
			return 200, nil, "", nil
		})
		w.start()
		for i := range 100 {
			w.store.complete(label(i))
		}
		synctest.Wait()
		if s := w.status(); s.Delivered != 100 || s.State != engine.RelayIdle {
			t.Errorf("the quick target: %+v", s)
		}
		if s := w.relay.Targets()[1]; s.Delivered != 0 || s.State != engine.RelayDelivering || most != 3 {
			t.Errorf("the slow target: %+v, %d at once", s, most)
		}
		close(release)
		synctest.Wait()
		w.stop()
		if s := w.relay.Targets()[1]; s.Delivered != 100 {
			t.Errorf("the slow target: %+v", s)
		}
	})
}

// hang answers never: the request's own time ends it.
type hang struct{}

func (hang) RoundTrip(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}

func TestAnAttemptIsBoundedInTime(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		w := newWorld(t, func(o *relay.Options) { o.HTTP, o.Timeout = hang{}, 3*time.Second })
		w.start()
		w.store.complete("c1")
		time.Sleep(3*time.Second + time.Millisecond)
		synctest.Wait()
		if s := w.status(); s.LastError != "no answer within 3s" || s.Failed != 1 {
			t.Errorf("status %+v", s)
		}
		time.Sleep(time.Second) // the next attempt hangs
		began := time.Now()
		w.stop()
		if took := time.Since(began); took > 5*time.Second {
			t.Errorf("stopping took %v", took)
		}
		l := w.store.onDisk().waiting[1]
		if w.store.onDisk().cursor != 1 || l.Attempts > 2 || l.First == 0 {
			t.Errorf("what is left on disk: %+v", l)
		}
	})
}

func TestAStopThatCutsAnAttemptOffDoesNotCountIt(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		w := newWorld(t, func(o *relay.Options) { o.HTTP, o.Timeout = hang{}, time.Hour })
		w.start()
		w.store.complete("c1")
		synctest.Wait()
		w.stop()
		if l := w.store.onDisk().waiting[1]; l.CallID != "c1" || l.Attempts != 0 || l.First != 0 {
			t.Errorf("on disk: %+v", l)
		}
	})
}

func TestAFailingDiskLosesNothing(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		w := newWorld(t)
		w.to.script(func(_ int, p post) (int, http.Header, string, error) {
			if sequence(p) == "2" {
				return 400, nil, "", nil
			}
			return 200, nil, "", nil
		})
		w.start()
		w.store.mu.Lock()
		w.store.fail = errors.New("no space left on device")
		w.store.mu.Unlock()
		for i := range 3 {
			w.store.complete(label(i))
		}
		time.Sleep(time.Minute)
		if s := w.status(); s.Delivered != 2 || s.Dead != 1 {
			t.Errorf("deliveries stop while the disk fails: %+v", s)
		}
		if got := w.dead(); len(got) != 0 {
			t.Errorf("dead on disk: %v", got)
		}
		w.store.mu.Lock()
		w.store.fail = nil
		w.store.mu.Unlock()
		time.Sleep(10 * time.Second)
		if got := w.dead(); !slices.Equal(got, []uint64{2}) || w.store.onDisk().cursor != 3 || len(w.store.onDisk().waiting) != 0 {
			t.Errorf("dead on disk: %v, cursor %d", got, w.store.onDisk().cursor)
		}
		w.stop()
	})
}

func TestOurOwnTroubleIsNobodysFault(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		w := newWorld(t)
		w.store.unread = engine.ErrUnavailable
		w.start()
		defer w.stop()
		w.store.complete("c1")
		time.Sleep(25 * time.Hour)
		if s := w.status(); s.Failed != 0 || s.Dead != 0 || len(w.to.got()) != 0 {
			t.Errorf("status %+v", s)
		}
		w.store.mu.Lock()
		w.store.unread = nil
		w.store.mu.Unlock()
		time.Sleep(2 * time.Second)
		if s := w.status(); s.Delivered != 1 {
			t.Errorf("status %+v", s)
		}
	})
}

func TestDeadLettersAreBounded(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		w := newWorld(t, func(o *relay.Options) { o.Window = 100 })
		w.to.script(always(400))
		w.start()
		defer w.stop()
		for i := range engine.MaxDeadLetters + 500 {
			w.store.complete(label(i))
		}
		time.Sleep(time.Hour)
		s := w.status()
		if s.Dead != engine.MaxDeadLetters || s.State != engine.RelayFull || s.Waiting != 100 || s.Unread != 400 {
			t.Fatalf("status %+v", s)
		}
		if warned := strings.Join(engine.WarningTexts(w.relay.Warnings()), "\n"); !strings.Contains(warned, "has 10000 dead letters") {
			t.Errorf("warnings: %s", warned)
		}
		for seq := range uint64(500) {
			if _, err := w.relay.Delete("crm", seq+1); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(3 * time.Hour)
		if s := w.status(); s.Dead != engine.MaxDeadLetters || s.Waiting != 0 || s.Unread != 0 {
			t.Errorf("after room was made: %+v", s)
		}
	})
}

// TestAnIdleRelayLeavesTheDiskAlone: a place is written down where it saves
// something.
func TestAnIdleRelayLeavesTheDiskAlone(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		w := newWorld(t)
		w.start()
		w.store.complete("c1")
		time.Sleep(24 * time.Hour)
		if w.store.saved() != 1 {
			t.Errorf("%d saves for one message", w.store.saved())
		}
		w.stop()
		if w.store.saved() != 1 {
			t.Errorf("%d saves after a stop with nothing new", w.store.saved())
		}
	})
}
