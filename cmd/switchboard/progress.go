package main

import (
	"fmt"
	"io"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// progressEvery is how often a progress line is redrawn.
const progressEvery = 200 * time.Millisecond

// progress is a line on a terminal that tells how far long work is. Elsewhere it
// says nothing: a script's output stays as it is.
type progress struct {
	what        string
	unit        string
	done, total atomic.Int64 // total 0: nobody knows
	stop        func()
}

// showProgress begins a line on the standard error. End it with stop.
func showProgress(std stdio, what, unit string) *progress {
	p := &progress{what: what, unit: unit, stop: func() {}}
	file, ok := std.err.(*os.File)
	if !ok || !isTerminal(file) {
		return p
	}
	done, gone := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(gone)
		p.draw(file, done)
	}()
	p.stop = sync.OnceFunc(func() { close(done); <-gone })
	return p
}

// isTerminal: a character device is near enough, /dev/null draws nothing.
func isTerminal(file *os.File) bool {
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// at notes how far the work is.
func (p *progress) at(done, total int64) {
	p.done.Store(done)
	p.total.Store(total)
}

func (p *progress) draw(w io.Writer, done <-chan struct{}) {
	began, tick := time.Now(), time.NewTicker(progressEvery)
	defer tick.Stop()
	for {
		select {
		case <-done:
			fmt.Fprint(w, "\r\x1b[K")
			return
		case <-tick.C:
			fmt.Fprint(w, "\r\x1b[K"+p.line(time.Since(began)))
		}
	}
}

const barWidth = 30

// line is the progress after a while: a bar where the whole is known.
func (p *progress) line(took time.Duration) string {
	done, total := p.done.Load(), p.total.Load()
	if total <= 0 {
		return fmt.Sprintf("%s: %d %s, %.0f/s", p.what, done, p.unit, float64(done)/took.Seconds())
	}
	full := int(min(done, total) * barWidth / total)
	bar := make([]byte, barWidth)
	for i := range bar {
		if bar[i] = ' '; i < full {
			bar[i] = '='
		}
	}
	return fmt.Sprintf("%s [%s] %d%% of %d %s, %.0f/s", p.what, bar, min(done, total)*100/total, total, p.unit, float64(done)/took.Seconds())
}

// counting counts what goes through to a writer.
type counting struct {
	w io.Writer
	p *progress
}

// Write writes and counts.
func (c counting) Write(b []byte) (int, error) {
	n, err := c.w.Write(b)
	c.p.done.Add(int64(n))
	return n, err
}
