package main

import (
	"bytes"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestProgressIsDrawnAndWiped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tally, done := newTally(), make(chan struct{})
		tally.played = 10
		tally.breakPromise("p", fault{noAnswer, "silence"}, fault{answerSlow, "late"})
		time.AfterFunc(1100*time.Millisecond, func() { close(done) })
		var screen bytes.Buffer
		drawProgress(tally, 40, &screen, done)
		text := screen.String()
		if !strings.Contains(text, "10/40 calls, 10/s, 2 broken promises") || strings.Count(text, "calls") != 2 || !strings.HasSuffix(text, "\r\x1b[K") {
			t.Errorf("screen: %q", text)
		}
	})
}

func TestProgressStaysOutOfFiles(t *testing.T) {
	var log bytes.Buffer
	showProgress(newTally(), 1, &log)()
	if log.Len() > 0 {
		t.Errorf("log: %q", &log)
	}
}
