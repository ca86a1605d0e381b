package console

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"
)

const (
	// refreshEvery is how often the live page is drawn anew though nothing
	// happened: calls grow old.
	refreshEvery = 5 * time.Second
	// writePatience ends a stream whose browser takes nothing.
	writePatience = 10 * time.Second
)

// events streams the live page's parts as they change: the board, the strip, the
// warnings and the banner, each as HTML.
func (c *Console) events(a *asked) error {
	stream := &stream{asked: a, rc: http.NewResponseController(a.w), last: map[string]string{}}
	woken, end := c.pulse.watch()
	defer end()
	h := a.w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("X-Accel-Buffering", "no")
	refresh := time.NewTicker(refreshEvery)
	defer refresh.Stop()
	for {
		if err := stream.send(); err != nil {
			return nil //nolint:nilerr // the browser has gone, or comes again by itself
		}
		select {
		case <-woken:
		case <-refresh.C:
		case <-a.Context().Done():
			return nil
		case <-c.closing.Done():
			return nil
		}
	}
}

// stream is one browser's live page.
type stream struct {
	*asked
	rc   *http.ResponseController
	last map[string]string // what was sent, by event
}

// send sends the parts that have changed. Who asks is looked up again: masks
// come back and tokens are taken back while a stream lasts.
func (s *stream) send() error {
	again, ok := s.c.look(s.Request)
	if !ok {
		return fmt.Errorf("no longer let in")
	}
	s.eyes, s.visitor = again.eyes, again.visitor
	ctx, cancel := context.WithTimeout(s.Context(), patience)
	defer cancel()
	board, err := s.boardNow(ctx)
	if err != nil {
		return err
	}
	if err := s.rc.SetWriteDeadline(time.Now().Add(writePatience)); err != nil {
		return err
	}
	for _, part := range []struct {
		event, template string
		data            any
	}{
		{"banner", "banner", s.bannerNow()},
		{"strip", "strip", s.c.stripNow()},
		{"warnings", "warnings", s.liveWarnings()},
		{"board", "board", board},
	} {
		if err := s.event(part.event, part.template, part.data); err != nil {
			return err
		}
	}
	// An empty comment, so that a browser that has gone is noticed.
	if _, err := s.w.Write([]byte(":\n\n")); err != nil {
		return err
	}
	return s.rc.Flush()
}

func (s *stream) event(name, template string, data any) error {
	var html bytes.Buffer
	if err := s.c.parts().ExecuteTemplate(&html, template, data); err != nil {
		return err
	}
	text := html.String()
	if was, sent := s.last[name]; sent && was == text {
		return nil
	}
	s.last[name] = text
	var out strings.Builder
	fmt.Fprintf(&out, "event: %s\n", name)
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" {
			fmt.Fprintf(&out, "data: %s\n", line)
		}
	}
	if strings.TrimSpace(text) == "" {
		out.WriteString("data:\n")
	}
	out.WriteByte('\n')
	_, err := s.w.Write([]byte(out.String()))
	return err
}
