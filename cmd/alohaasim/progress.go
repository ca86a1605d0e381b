package main

import (
	"fmt"
	"io"
	"os"
	"time"
)

// progressEvery is how often the progress line is redrawn.
const progressEvery = 500 * time.Millisecond

// showProgress draws a line on a terminal while calls are played; calls is how
// many there will be, 0 where nobody knows. The returned
// function wipes it and returns once nothing more will be drawn.
func showProgress(t *tally, calls int, w io.Writer) (stop func()) {
	if file, ok := w.(*os.File); !ok || !isTerminal(file) {
		return func() {}
	}
	done, gone := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(gone)
		drawProgress(t, calls, w, done)
	}()
	return func() { close(done); <-gone }
}

// isTerminal: a character device is near enough, /dev/null draws nothing.
func isTerminal(file *os.File) bool {
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

func drawProgress(t *tally, calls int, w io.Writer, done <-chan struct{}) {
	start := time.Now()
	tick := time.NewTicker(progressEvery)
	defer tick.Stop()
	for {
		select {
		case <-done:
			fmt.Fprint(w, "\r\x1b[K")
			return
		case <-tick.C:
			var played, broken int
			t.change(func(t *tally) { played = t.played })
			for _, n := range t.breakages() {
				broken += n
			}
			of := ""
			if calls > 0 {
				of = fmt.Sprintf("/%d", calls)
			}
			fmt.Fprintf(w, "\r\x1b[K%d%s calls, %.0f/s, %d broken promises", played, of,
				float64(played)/time.Since(start).Seconds(), broken)
		}
	}
}
