package server

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/gin-contrib/sse"
	"github.com/gin-gonic/gin"

	"switchboard/server/events"
)

// streamRetry is how long a browser waits before it comes back.
const streamRetry = time.Second

// stream is one reader of GET /events. What it says is collected and sent as a
// whole, so that no write fails unseen.
type stream struct {
	out  bytes.Buffer
	w    io.Writer // gives each write its time
	rc   *http.ResponseController
	from *events.Reader
	now  func() time.Time
}

// events streams what happens as server-sent events, until the client hangs up,
// reads too slowly for a write to end, or the server stops.
func (s *Server) events(c *gin.Context) error {
	last, kinds, err := streamRequest(c)
	if err != nil {
		return err
	}
	reader, how, err := s.o.Feed.hub.Follow(last, kinds...)
	switch {
	case errors.Is(err, events.ErrTooMany):
		return &failure{status: http.StatusServiceUnavailable, cause: err,
			detail: "As many streams of events are open as there may be. Close one, or ask GET /api/v1/calls now and then."}
	case err != nil:
		return fail(http.StatusServiceUnavailable, "The server is stopping. Come back when it runs again.")
	}
	defer reader.Close()
	rc := http.NewResponseController(c.Writer)
	// The listener's timeout is for answers that come to an end.
	if err := rc.SetWriteDeadline(time.Time{}); err != nil {
		return err
	}
	c.Header("Content-Type", sse.ContentType)
	c.Header("X-Accel-Buffering", "no") // proxies that collect answers would hold events back
	c.Status(http.StatusOK)
	st := &stream{w: &patient{c.Writer, rc, s.o.PrivateTimeout}, rc: rc, from: reader, now: s.o.Now}
	// How it ended is nobody's error: the client went, or the server goes.
	_ = st.run(c.Request.Context(), how, s.o.Heartbeat)
	return nil
}

// streamRequest reads where to begin and what to send. Readers that can set no
// header say it in the query.
func streamRequest(c *gin.Context) (last string, kinds []string, err error) {
	if err := onlyParameters(c, "types", "last_event_id"); err != nil {
		return "", nil, err
	}
	if last = c.GetHeader("Last-Event-ID"); last == "" {
		last = c.Query("last_event_id")
	}
	types, given := c.GetQuery("types")
	if !given {
		return last, nil, nil
	}
	for kind := range strings.SplitSeq(types, ",") {
		if !slices.Contains(eventKinds, kind) {
			return "", nil, fail(http.StatusBadRequest, "types: %s", unknownName("event", kind, eventKinds))
		}
		kinds = append(kinds, kind)
	}
	return last, kinds, nil
}

// run sends events until it can't.
func (st *stream) run(ctx context.Context, how events.Resumption, heartbeat time.Duration) error {
	st.greet(how)
	for {
		if err := st.flush(); err != nil {
			return err
		}
		batch, lost, err := st.next(ctx, heartbeat)
		switch {
		case errors.Is(err, io.EOF):
			st.say("end", st.from.Position(), map[string]any{"why": "The server is stopping, or its tokens were changed. Come back."})
			return st.flush()
		case errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil:
			st.out.WriteString(": still here\n\n")
		case err != nil:
			return err
		default:
			st.tell(batch, lost)
		}
	}
}

func (st *stream) next(ctx context.Context, patience time.Duration) ([]events.Event, uint64, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return st.from.Next(ctx)
}

// greet tells where the stream begins: a reader that loses the connection before
// the first event can go on from there. One that comes from another process's
// stream has lost nobody knows how many.
func (st *stream) greet(how events.Resumption) {
	if how == events.Foreign {
		st.lost(nil, "The server was started anew since. Read again what you show.")
	}
	st.say("hello", st.from.Position(), map[string]any{"resumed": how == events.Resumed})
}

func (st *stream) tell(batch []events.Event, lost uint64) {
	if lost > 0 {
		st.lost(&lost, "Events came faster than they were read. Read again what you show.")
	}
	for _, e := range batch {
		st.encode(sse.Event{Id: e.ID, Event: e.Kind, Data: string(e.Data)})
	}
}

// lost has no id: what comes behind it has not been read yet.
func (st *stream) lost(n *uint64, why string) {
	st.say("lost", "", map[string]any{"events": n, "why": why})
}

// say adds a message of the stream's own.
func (st *stream) say(kind, id string, data map[string]any) {
	data["time"] = st.now().UTC().Format(time.RFC3339Nano)
	text, _ := json.Marshal(data) // texts and numbers encode
	st.encode(sse.Event{Id: id, Event: kind, Retry: uint(streamRetry.Milliseconds()), Data: string(text)})
}

// encode writes into memory, which does not fail.
func (st *stream) encode(e sse.Event) { _ = sse.Encode(&st.out, e) }

func (st *stream) flush() error {
	_, err := st.out.WriteTo(st.w)
	if err != nil {
		return err
	}
	return st.rc.Flush()
}
