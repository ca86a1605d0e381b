package relay_test

import (
	"fmt"
	"net/http"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"switchboard/server/relay"
)

// overtaken says which message was taken for the first time before an earlier
// one of its call was, if any.
func overtaken(posts []post) error {
	highest := make(map[string]int)
	seen := make(map[string]bool)
	for _, p := range posts {
		if !p.took || seen[p.id] {
			continue
		}
		seen[p.id] = true
		seq, err := strconv.Atoi(sequence(p))
		if err != nil {
			return err
		}
		call := callOf(p)
		if seq < highest[call] {
			return fmt.Errorf("message %d of %s was taken after %d", seq, call, highest[call])
		}
		highest[call] = seq
	}
	return nil
}

func callOf(p post) string {
	var call string
	_, _ = fmt.Sscanf(after(p.body, `"call_id":"`), "%s", &call)
	return call
}

func after(text, mark string) string {
	for i := range text {
		if len(text)-i >= len(mark) && text[i:i+len(mark)] == mark {
			rest := text[i+len(mark):]
			for j := range rest {
				if rest[j] == '"' {
					return rest[:j]
				}
			}
		}
	}
	return ""
}

// plan is what happens to a relay in one trial.
type plan struct {
	calls    []int  // the call of each completion
	pauses   []int  // milliseconds before each
	statuses []int  // what the target answers, over and over; zero for no answer
	ends     []bool // after each completion: does the relay end?
	crash    []bool // and if so, does it forget what it had not written down?
	window   int
	parallel int
}

func drawPlan(t *rapid.T) plan {
	n := rapid.IntRange(1, 60).Draw(t, "completions")
	status := rapid.SampledFrom([]int{200, 200, 200, 204, 500, 503, 429, 409, 0})
	return plan{
		calls:    rapid.SliceOfN(rapid.IntRange(0, 8), n, n).Draw(t, "calls"),
		pauses:   rapid.SliceOfN(rapid.IntRange(0, 3000), n, n).Draw(t, "pauses"),
		statuses: rapid.SliceOfN(status, 1, 40).Draw(t, "statuses"),
		ends:     rapid.SliceOfN(rapid.Bool(), n, n).Draw(t, "ends"),
		crash:    rapid.SliceOfN(rapid.Bool(), n, n).Draw(t, "crash"),
		window:   rapid.IntRange(1, 20).Draw(t, "window"),
		parallel: rapid.IntRange(1, 4).Draw(t, "parallel"),
	}
}

// TestAtLeastOnceAndInOrder: whatever the target answers and whenever the relay
// ends or crashes, every completion gets there, and none overtakes an earlier
// one of its call.
func TestAtLeastOnceAndInOrder(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		p := drawPlan(rt)
		var failure error
		synctest.Test(t, func(t *testing.T) { failure = p.run(t) })
		if failure != nil {
			rt.Fatal(failure)
		}
	})
}

func (p plan) run(t *testing.T) error {
	w := newWorld(t, func(o *relay.Options) { o.Window, o.Parallel = p.window, p.parallel })
	script := func(n int, _ post) (int, http.Header, string, error) {
		time.Sleep(time.Duration(n%7) * 20 * time.Millisecond)
		if s := p.statuses[n%len(p.statuses)]; s != 0 {
			return s, nil, "", nil
		}
		return 0, nil, "", errDown
	}
	w.to.script(script)
	w.start()
	for i, call := range p.calls {
		time.Sleep(time.Duration(p.pauses[i]) * time.Millisecond)
		w.store.complete(label(call))
		switch {
		case !p.ends[i]:
		case p.crash[i]:
			// What was on disk at this moment is all that the next one knows.
			disk := w.store.snapshot()
			w.to.script(down)
			w.stop()
			w.store.restore(disk)
			w.to.script(script)
			w.start()
		default:
			w.stop()
			w.start()
		}
	}
	w.to.script(always(200))
	time.Sleep(3 * time.Hour)
	w.stop()
	seen := make(map[string]bool)
	for _, post := range w.to.got() {
		if post.took {
			seen[sequence(post)] = true
		}
	}
	for i := range p.calls {
		if !seen[strconv.Itoa(i+1)] {
			return fmt.Errorf("completion %d never got there; status %+v", i+1, w.status())
		}
	}
	if place := w.store.onDisk(); len(place.waiting)+len(place.dead) != 0 || place.cursor != uint64(len(p.calls)) {
		return fmt.Errorf("left on disk: cursor %d, %v, %v", place.cursor, place.waiting, place.dead)
	}
	return overtaken(w.to.got())
}
