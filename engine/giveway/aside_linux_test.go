package giveway_test

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"switchboard/engine/giveway"
)

// niceOf is a thread's nice value.
func niceOf(t *testing.T, thread int) int {
	t.Helper()
	level, err := unix.Getpriority(unix.PRIO_PROCESS, thread)
	if err != nil {
		t.Fatal(err)
	}
	return 20 - level
}

// here is the nice value of the thread that runs the caller.
func here(t *testing.T) int { return niceOf(t, 0) }

// nicer is what a thread aside has.
func nicer(t *testing.T) int { return min(niceOf(t, unix.Getpid())+10, 19) }

// othersAreAsBefore fails where a thread of the process, its first one included,
// keeps another nice value than want. Threads aside end when their function has
// returned, not before.
func othersAreAsBefore(t *testing.T, want int) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); ; runtime.Gosched() {
		wrong := ""
		for id, nice := range threads(t) {
			if nice != want {
				wrong = fmt.Sprintf("thread %d (the first is %d) has nice %d, want %d", id, unix.Getpid(), nice, want)
			}
		}
		if wrong == "" {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal(wrong)
		}
	}
}

// threads are the process's threads with their nice values, as /proc tells them.
func threads(t *testing.T) map[int]int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/task")
	if err != nil {
		t.Fatal(err)
	}
	out := make(map[int]int)
	for _, e := range entries {
		text, err := os.ReadFile("/proc/self/task/" + e.Name() + "/stat")
		if err != nil {
			continue // it has ended
		}
		id, _ := strconv.Atoi(e.Name())
		_, rest, _ := strings.Cut(string(text), ") ") // the name may hold blanks
		const state, nice = 3, 19                     // the fields' numbers in proc(5)
		if out[id], err = strconv.Atoi(strings.Fields(rest)[nice-state]); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

func TestAsideRunsOnAThreadBehindOthers(t *testing.T) {
	before, want := here(t), nicer(t)
	outer, inner, shown := 0, 0, 0
	giveway.Aside(func() {
		outer = here(t)
		runtime.Gosched()
		time.Sleep(time.Millisecond) // comes back on its thread
		shown = threads(t)[unix.Gettid()]
		giveway.Aside(func() { inner = here(t) })
	})
	if outer != want || inner != want || shown != want {
		t.Errorf("the thread's nice value is %d, %d after rests, %d nested; want %d", outer, shown, inner, want)
	}
	if after := here(t); after != before {
		t.Errorf("the caller's thread has nice %d, had %d", after, before)
	}
	othersAreAsBefore(t, before)
}

func TestAsideNestedIsOnTheSameThread(t *testing.T) {
	outer, inner := 0, 0
	giveway.Aside(func() {
		outer = unix.Gettid()
		giveway.Aside(func() { inner = unix.Gettid() })
	})
	if outer != inner || outer == unix.Getpid() {
		t.Errorf("threads %d and %d of process %d", outer, inner, unix.Getpid())
	}
}

// However a function ends, and whatever it started, no other thread is left with
// its priority: the runtime makes new ones of those it has.
func TestAsideLeavesOtherThreadsAlone(t *testing.T) {
	before := here(t)
	started := make(chan int, 1000)
	var wg sync.WaitGroup
	for i := range 100 {
		wg.Go(func() {
			_ = panicOf(func() {
				giveway.Aside(func() {
					// Goroutines that keep a thread each: the runtime has to start some.
					wg.Go(func() {
						runtime.LockOSThread()
						defer runtime.UnlockOSThread()
						time.Sleep(time.Millisecond)
						started <- here(t)
					})
					switch i % 3 {
					case 1:
						panic("on the way")
					case 2:
						runtime.Goexit()
					}
				})
			})
		})
	}
	wg.Wait()
	close(started)
	for nice := range started {
		if nice != before {
			t.Fatalf("a goroutine that was started aside runs on a thread with nice %d, want %d", nice, before)
		}
	}
	othersAreAsBefore(t, before)
}

// The process's first thread can't end: it would keep the priority for good.
func TestAsideSparesTheFirstThread(t *testing.T) {
	before, want := here(t), nicer(t)
	release, found := make(chan struct{}), make(chan [2]int, 1)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer close(release)
	for range 1000 {
		looked := make(chan bool, 1)
		wg.Go(func() {
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			if unix.Gettid() != unix.Getpid() {
				looked <- false
				<-release // the next one gets another thread
				return
			}
			giveway.OnThread(func() { found <- [2]int{unix.Gettid(), here(t)} })
			looked <- true
		})
		if <-looked {
			got := <-found
			if first := niceOf(t, unix.Getpid()); got[0] == unix.Getpid() || got[1] != want || first != before {
				t.Errorf("on thread %d of process %d it ran with nice %d, want %d; the first thread has %d", got[0], unix.Getpid(), got[1], want, first)
			}
			return
		}
	}
	t.Skip("the first thread is kept by somebody else")
}
