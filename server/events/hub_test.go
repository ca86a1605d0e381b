package events_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"switchboard/server/events"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// follow begins to read and gives the place back with the test.
func follow(t *testing.T, h *events.Hub, last string, kinds ...string) (*events.Reader, events.Resumption) {
	t.Helper()
	r, how, err := h.Follow(last, kinds...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	return r, how
}

// read returns what there is, as "kind data" in a line each.
func read(t *testing.T, r *events.Reader) (lines []string, lost uint64, last string) {
	t.Helper()
	batch, lost, err := r.Next(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range batch {
		lines, last = append(lines, e.Kind+" "+string(e.Data)), e.ID
	}
	return lines, lost, last
}

func wantLines(t *testing.T, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("read %q, want %q", got, want)
	}
}

func TestReadersFollowFromNow(t *testing.T) {
	h := events.NewHub(4, 0)
	h.Publish("call", 1)
	all, how := follow(t, h, "")
	if how != events.Fresh {
		t.Errorf("resumption %v", how)
	}
	some, _ := follow(t, h, "", "reload")
	h.Publish("call", map[string]any{"n": 2, "text": "a\nb"})
	h.Publish("reload", "x")
	lines, lost, _ := read(t, all)
	wantLines(t, lines, `call {"n":2,"text":"a\nb"}`, `reload "x"`)
	if lost != 0 {
		t.Errorf("lost %d", lost)
	}
	lines, _, _ = read(t, some)
	wantLines(t, lines, `reload "x"`)
}

func TestNextWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := events.NewHub(0, 0)
		r, _ := follow(t, h, "", "call")
		time.AfterFunc(time.Second, func() { h.Publish("other", 0) })
		time.AfterFunc(2*time.Second, func() { h.Publish("call", 1) })
		start := time.Now()
		lines, _, _ := read(t, r)
		wantLines(t, lines, "call 1")
		if waited := time.Since(start); waited != 2*time.Second {
			t.Errorf("waited %v", waited)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if _, _, err := r.Next(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Next without events: %v", err)
		}
	})
}

func TestSlowReaderIsToldWhatItLost(t *testing.T) {
	h := events.NewHub(3, 0)
	r, _ := follow(t, h, "")
	for i := range 5 {
		h.Publish("call", i)
	}
	lines, lost, _ := read(t, r)
	wantLines(t, lines, "call 2", "call 3", "call 4")
	if lost != 2 || h.Stats().Lost != 2 {
		t.Errorf("lost %d, counted %d", lost, h.Stats().Lost)
	}
	// One that wants nothing of what there is hears of the loss as well: what it
	// lost may have been for it.
	picky, _ := follow(t, h, "", "reload")
	for i := range 4 {
		h.Publish("call", i)
	}
	if lines, lost, _ = read(t, picky); len(lines) != 0 || lost != 1 {
		t.Errorf("read %q, lost %d", lines, lost)
	}
}

func TestResumption(t *testing.T) {
	h := events.NewHub(3, 0)
	first, _ := follow(t, h, "")
	start := first.Position()
	h.Publish("call", 1)
	h.Publish("call", 2)
	_, _, second := read(t, first)
	h.Publish("call", 3)

	r, how := follow(t, h, second)
	lines, _, third := read(t, r)
	wantLines(t, lines, "call 3")
	if how != events.Resumed || r.Position() != third {
		t.Errorf("resumption %v, at %s", how, r.Position())
	}
	if r, how = follow(t, h, start); how != events.Resumed {
		t.Errorf("resumption %v before the first event", how)
	}
	if lines, _, _ = read(t, r); len(lines) != 3 {
		t.Errorf("read %q", lines)
	}
	// The ring has gone round since.
	h.Publish("call", 4)
	h.Publish("call", 5)
	r, _ = follow(t, h, start)
	lines, lost, _ := read(t, r)
	wantLines(t, lines, "call 3", "call 4", "call 5")
	if lost != 2 {
		t.Errorf("lost %d", lost)
	}
	// Another process's id, one that was made up, one from the future.
	epoch, _, _ := strings.Cut(start, "-")
	elsewhere, _ := follow(t, events.NewHub(0, 0), "")
	for _, id := range []string{elsewhere.Position(), "x", epoch, epoch + "-", epoch + "--1", epoch + "-6", "-1"} {
		r, how := follow(t, h, id)
		if lines, _, _ = read(t, r); how != events.Foreign || len(lines) != 3 {
			t.Errorf("%q: resumption %v, read %q", id, how, lines)
		}
	}
}

func TestReadersAreLimited(t *testing.T) {
	h := events.NewHub(0, 2)
	a, _ := follow(t, h, "")
	follow(t, h, "")
	if _, _, err := h.Follow(""); !errors.Is(err, events.ErrTooMany) {
		t.Errorf("a third reader: %v", err)
	}
	a.Close()
	a.Close() // gives no second place
	follow(t, h, "")
	if _, _, err := h.Follow(""); !errors.Is(err, events.ErrTooMany) {
		t.Errorf("a third reader: %v", err)
	}
	if got := h.Stats().Readers; got != 2 {
		t.Errorf("%d readers", got)
	}
}

func TestCloseEndsReadersBehindTheLastEvent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := events.NewHub(0, 0)
		waiting, _ := follow(t, h, "", "reload")
		behind, _ := follow(t, h, "")
		ended := make(chan error, 1)
		go func() { _, _, err := waiting.Next(t.Context()); ended <- err }()
		synctest.Wait()
		h.Publish("call", 1)
		h.Close()
		h.Close()
		h.Publish("call", 2)
		if err := <-ended; err != io.EOF {
			t.Errorf("the waiting reader: %v", err)
		}
		lines, _, _ := read(t, behind)
		wantLines(t, lines, "call 1")
		if _, _, err := behind.Next(t.Context()); err != io.EOF {
			t.Errorf("after the last: %v", err)
		}
		if _, _, err := h.Follow(""); err != io.EOF {
			t.Errorf("Follow: %v", err)
		}
	})
}

func TestWhatDoesNotEncodeIsAnError(t *testing.T) {
	h := events.NewHub(0, 0)
	r, _ := follow(t, h, "")
	h.Publish("call", func() {})
	if _, _, err := r.Next(t.Context()); err == nil || !strings.Contains(err.Error(), r.Position()) {
		t.Errorf("Next: %v", err)
	}
}

// Whatever the order of publishing, reading and coming back: a reader gets every
// event once and in order, except for the number it is told that it lost.
func TestNothingIsLostUntold(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := events.NewHub(rapid.IntRange(1, 100).Draw(t, "kept"), 0)
		r, _, err := h.Follow("")
		if err != nil {
			t.Fatal(err)
		}
		published, expect := 0, 0
		t.Repeat(map[string]func(*rapid.T){
			"publish": func(t *rapid.T) {
				for range rapid.IntRange(1, 150).Draw(t, "n") {
					h.Publish("call", published)
					published++
				}
			},
			"read": func(t *rapid.T) {
				if expect == published {
					t.Skip("nothing to read")
				}
				batch, lost, err := r.Next(context.Background())
				if err != nil {
					t.Fatal(err)
				}
				expect += int(lost)
				for _, e := range batch {
					if string(e.Data) != strconv.Itoa(expect) {
						t.Fatalf("read %s, want %d", e.Data, expect)
					}
					expect++
				}
			},
			"come back": func(t *rapid.T) {
				at := r.Position()
				r.Close()
				var how events.Resumption
				if r, how, err = h.Follow(at); err != nil || how != events.Resumed {
					t.Fatalf("%v, %v", how, err)
				}
			},
		})
	})
}

func TestPublishingNeverWaits(t *testing.T) {
	h := events.NewHub(8, 0)
	follow(t, h, "") // never reads
	var writers, readers sync.WaitGroup
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	for range 4 {
		r, _ := follow(t, h, "")
		readers.Go(func() {
			for {
				if _, _, err := r.Next(ctx); err != nil {
					return
				}
			}
		})
	}
	for w := range 4 {
		writers.Go(func() {
			for i := range 2000 {
				h.Publish("call", fmt.Sprint(w, i))
			}
		})
	}
	writers.Wait()
	h.Close()
	readers.Wait()
	if got := h.Stats().Published; got != 8000 {
		t.Errorf("%d published", got)
	}
}

// What an event costs the call that it is about, with nobody watching and with
// one who reads.
func BenchmarkPublish(b *testing.B) {
	for _, watched := range []bool{false, true} {
		b.Run(fmt.Sprintf("watched=%v", watched), func(b *testing.B) {
			h := events.NewHub(0, 0)
			var g sync.WaitGroup
			if watched {
				r, _, err := h.Follow("")
				if err != nil {
					b.Fatal(err)
				}
				g.Go(func() {
					for {
						if _, _, err := r.Next(context.Background()); err != nil {
							return
						}
					}
				})
			}
			b.ReportAllocs()
			for b.Loop() {
				h.Publish("call", 1)
			}
			h.Close()
			g.Wait()
		})
	}
}
