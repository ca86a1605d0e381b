package server_test

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"switchboard/engine"
	"switchboard/server"
)

// watcher reads a stream of events as a browser does.
type watcher struct {
	t      *testing.T
	body   io.ReadCloser
	lines  *bufio.Reader
	lastID string
}

// event is a message of the stream.
type event struct {
	id, kind, data string
}

func (w *world) watch(query string, headers ...string) *watcher {
	w.t.Helper()
	req, err := http.NewRequestWithContext(w.t.Context(), "GET", w.private+"/api/v1/events"+query, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		req.Header.Set(name, value)
	}
	res, err := w.client.Do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	if res.StatusCode != 200 || !strings.HasPrefix(res.Header.Get("Content-Type"), "text/event-stream") {
		w.t.Fatalf("answered %d %s", res.StatusCode, res.Header.Get("Content-Type"))
	}
	watching := &watcher{t: w.t, body: res.Body, lines: bufio.NewReader(res.Body)}
	w.t.Cleanup(watching.close)
	return watching
}

func (w *watcher) close() { _ = w.body.Close() }

// next returns the next message, comments left out; io.EOF at the end.
func (w *watcher) next() (e event, err error) {
	for {
		line, err := w.lines.ReadString('\n')
		if err != nil {
			return e, err
		}
		field, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ":")
		switch field {
		case "id":
			e.id, w.lastID = value, value
		case "event":
			e.kind = value
		case "data":
			e.data += value
		case "":
			if value == "" && e.data != "" {
				return e, nil
			}
		}
	}
}

// want returns the next message, which must be of this kind, decoded into v.
func (w *watcher) want(kind string, v any) event {
	w.t.Helper()
	e, err := w.next()
	if err != nil || e.kind != kind {
		w.t.Fatalf("the stream said %q %s, %v; want %q", e.kind, e.data, err, kind)
	}
	if err := json.Unmarshal([]byte(e.data), v); err != nil {
		w.t.Fatalf("%v in %s", err, e.data)
	}
	return e
}

type hello struct {
	Time    time.Time
	Resumed bool
}

func TestEventsTellWhatHappens(t *testing.T) {
	w, o := prepare(t)
	o.Feed = server.NewFeed(0, 0)
	startAs(t, w, o)
	stream := w.watch("")
	var h hello
	stream.want("hello", &h)
	if h.Resumed || h.Time.IsZero() {
		t.Errorf("hello %+v", h)
	}

	rec := record(engine.SourceFallback, engine.CauseTimeout, "")
	rec.Decision.Detail, rec.Evaluation.Revision, rec.EvalTime = "the policy took too long", "r1", 250*time.Millisecond
	rec.Raw = engine.Payload{Body: []byte("raw payload")}
	o.Feed.Decided(rec)
	var decision struct {
		Time     time.Time
		Call     map[string]any
		Cause    string
		Detail   string
		Revision string
		EvalMS   float64 `json:"eval_ms"`
	}
	e := stream.want("decision", &decision)
	if decision.Call["call_id"] != "c1" || decision.Call["caller_number"] != "9988912345" || decision.Call["status"] != "in_flight" ||
		decision.Call["receiver_number"] != "9876543210" || decision.Call["source"] != "fallback" || len(decision.Call) != 12 {
		t.Errorf("call %v", decision.Call)
	}
	if decision.Cause != "timeout" || decision.Detail == "" || decision.Revision != "r1" || decision.EvalMS != 250 || decision.Time.IsZero() {
		t.Errorf("decision %+v", decision)
	}
	if strings.Contains(e.data, "raw payload") || e.id == "" {
		t.Errorf("event %+v", e)
	}

	w.send("POST", w.public+completion, `{"call_id": "c1", "did": "918645658689", "caller_number": "99889xxxxx", "call_status": "answered",
		"call_duration": "00:01:09", "call_recording_url": "https://x/09876543210.mp3", "dtmfcode": "1"}`).is200()
	var done struct {
		Result     string
		Completion map[string]any
	}
	e = stream.want("completion", &done)
	if done.Result != "stored" || done.Completion["status"] != "answered" || done.Completion["duration_seconds"] != 69.0 {
		t.Errorf("completion %+v", done)
	}
	if strings.Contains(e.data, "mp3") || strings.Contains(e.data, "dtmf") {
		t.Errorf("the event carries more than a list shows: %s", e.data)
	}

	w.send("POST", w.public+completion, "garbage").isProblem(400, "")
	var kept struct{ ID, Kind, Cause string }
	if stream.want("quarantine", &kept); kept.ID != "q1" || kept.Kind != "completion" || kept.Cause == "" {
		t.Errorf("quarantine %+v", kept)
	}

	o.Feed.Reloaded(engine.Report{Origin: "SIGHUP", Errors: []engine.Problem{{File: "x.rego", Line: 3, Message: "unsafe"}}})
	var report struct {
		OK       bool
		Errors   []engine.Problem
		Warnings []engine.Problem
	}
	if stream.want("reload", &report); report.OK || len(report.Errors) != 1 || report.Warnings == nil {
		t.Errorf("reload %+v", report)
	}
	w.wantMetric("switchboard_event_streams", "1")
	w.wantMetric("switchboard_events_total", "4")
}

func TestEventOfACallWithoutAnswer(t *testing.T) {
	w, o := prepare(t)
	o.Feed = server.NewFeed(0, 0)
	startAs(t, w, o)
	stream := w.watch("?types=decision")
	stream.want("hello", &hello{})
	for status, d := range map[string]engine.Decision{
		"rejected": {Reject: true, Source: engine.SourceRejected},
		"other":    {Source: engine.SourceNone, Cause: engine.CauseNoPolicy},
	} {
		rec := record(d.Source, d.Cause, "")
		rec.Decision = d
		o.Feed.Replayed(rec, true)
		o.Feed.Late(rec)
		o.Feed.Decided(rec)
		var got struct{ Call struct{ Status string } }
		if stream.want("decision", &got); got.Call.Status != status {
			t.Errorf("status %q, want %q", got.Call.Status, status)
		}
	}
}

func TestEventsAreSelected(t *testing.T) {
	w, o := prepare(t)
	o.Feed = server.NewFeed(0, 0)
	startAs(t, w, o)
	stream := w.watch("?types=reload,quarantine")
	stream.want("hello", &hello{})
	o.Feed.Decided(record(engine.SourcePolicy, "", "sticky"))
	o.Feed.Reloaded(engine.Report{})
	stream.want("reload", &struct{}{})
	w.send("GET", w.private+"/api/v1/events?types=reloads", "").isProblem(400, "Did you mean")
	w.send("GET", w.private+"/api/v1/events?type=reload", "").isProblem(400, "types")
}

func TestStreamGoesOnWhereItBrokeOff(t *testing.T) {
	w, o := prepare(t)
	o.Feed = server.NewFeed(2, 0)
	startAs(t, w, o)
	first := w.watch("")
	first.want("hello", &hello{})
	start := first.lastID
	o.Feed.Reloaded(engine.Report{Origin: "1"})
	first.want("reload", &struct{}{})
	first.close()
	o.Feed.Reloaded(engine.Report{Origin: "2"})
	var h hello
	var r engine.Report
	for _, s := range []*watcher{w.watch("", "Last-Event-ID: "+first.lastID), w.watch("?last_event_id=" + first.lastID)} {
		s.want("hello", &h)
		if s.want("reload", &r); !h.Resumed || r.Origin != "2" {
			t.Errorf("resumed %v, reload %q", h.Resumed, r.Origin)
		}
	}
	// What the ring no longer has is counted.
	o.Feed.Reloaded(engine.Report{Origin: "3"})
	var lost struct {
		Events *int
		Why    string
	}
	behind := w.watch("", "Last-Event-ID: "+start)
	behind.want("hello", &h)
	if e := behind.want("lost", &lost); lost.Events == nil || *lost.Events != 1 || lost.Why == "" || e.id != "" {
		t.Errorf("lost %+v, %+v", lost, e)
	}
	if behind.want("reload", &r); r.Origin != "2" {
		t.Errorf("reload %q", r.Origin)
	}
	w.wantMetric("switchboard_events_lost_total", "1")
	// After a restart nobody knows how many.
	other := w.watch("", "Last-Event-ID: qqqqqqqq-17")
	if other.want("lost", &lost); lost.Events != nil || lost.Why == "" {
		t.Errorf("lost %+v", lost)
	}
	if other.want("hello", &h); h.Resumed {
		t.Error("resumed what is none of this server's")
	}
	if other.want("reload", &r); r.Origin != "2" {
		t.Errorf("reload %q", r.Origin)
	}
}

// A stream outlives the listener's timeouts, and shows that it lives.
func TestStreamOutlivesTheTimeouts(t *testing.T) {
	w, o := prepare(t)
	o.Feed, o.PrivateTimeout, o.Heartbeat = server.NewFeed(0, 0), 100*time.Millisecond, 10*time.Millisecond
	startAs(t, w, o)
	stream := w.watch("")
	stream.want("hello", &hello{})
	for began := time.Now(); time.Since(began) < 3*o.PrivateTimeout; {
		line, err := stream.lines.ReadString('\n')
		if err != nil {
			t.Fatalf("after %v: %v", time.Since(began), err)
		}
		if !strings.HasPrefix(line, ":") && line != "\n" {
			t.Fatalf("read %q", line)
		}
	}
	o.Feed.Reloaded(engine.Report{})
	stream.want("reload", &struct{}{})
}

// Who reads nothing is cut off and holds nobody up.
func TestStreamThatNobodyReadsEnds(t *testing.T) {
	w, o := prepare(t)
	o.Feed, o.PrivateTimeout = server.NewFeed(0, 0), 3*time.Second // the answers that it asks for meanwhile have that long, too
	startAs(t, w, o)
	conn := w.dialTo(w.private)
	conn.write("GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n")
	w.until("switchboard_event_streams", "1")
	// More than the buffers of two sockets hold.
	big := engine.Report{Origin: strings.Repeat("x", 1<<20)}
	for range 32 {
		o.Feed.Reloaded(big)
	}
	w.until("switchboard_event_streams", "0")
}

func TestStreamsAreLimited(t *testing.T) {
	w, o := prepare(t)
	o.Feed = server.NewFeed(0, 1)
	startAs(t, w, o)
	stream := w.watch("")
	stream.want("hello", &hello{})
	a := w.send("GET", w.private+"/api/v1/events", "").isProblem(503, "Close one")
	if a.header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	stream.close()
	w.until("switchboard_event_streams", "0")
	w.watch("").want("hello", &hello{})
}

func TestShutdownEndsStreams(t *testing.T) {
	w := begin(t, nil)
	stream := w.watch("")
	stream.want("hello", &hello{})
	began := time.Now()
	w.stop()
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("the shutdown took %v", took)
	}
	var end struct{ Why string }
	if stream.want("end", &end); !strings.Contains(end.Why, "stopping") {
		t.Errorf("end %+v", end)
	}
	if _, err := stream.next(); !errors.Is(err, io.EOF) {
		t.Errorf("behind the end: %v", err)
	}
}

func TestEventsNeedATokenAndOurHost(t *testing.T) {
	w := begin(t, func(o *server.Options) { o.Tokens = tokens("", "reader") })
	w.send("GET", w.private+"/api/v1/events", "").isProblem(401, "")
	w.watch("", "Authorization: Bearer reader").want("hello", &hello{})
	open := begin(t, nil)
	open.send("GET", open.private+"/api/v1/events", "", "Host: evil.example").isProblem(403, "Host")
}

// until polls a metric until it has the value.
func (w *world) until(metric, value string) {
	w.t.Helper()
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		got := w.metric(metric)
		if got == value {
			return
		}
		if time.Now().After(deadline) {
			w.t.Fatalf("%s stays %q, want %q", metric, got, value)
		}
	}
}
