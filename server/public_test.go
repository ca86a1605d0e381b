package server_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"switchboard/engine"
	"switchboard/server"
)

const (
	initiation = "/alohaa/get-receiver-details"
	completion = "/alohaa/send-call-details"
)

func TestInitiationIsRoutedHoweverItIsSent(t *testing.T) {
	w := begin(t, nil)
	const asJSON = `{"caller_number": "+91 99889 12345", "did": "918645658689", "call_id": "c1"}`
	for name, send := range map[string]func() answer{
		"JSON":          func() answer { return w.send("POST", w.public+initiation, asJSON, "Content-Type: application/json") },
		"JSON as text":  func() answer { return w.send("POST", w.public+initiation, asJSON, "Content-Type: text/plain") },
		"JSON, no type": func() answer { return w.send("POST", w.public+initiation, asJSON) },
		"form": func() answer {
			return w.send("POST", w.public+initiation, "caller_number=9988912345&did_number=918645658689&call_id=c1", "Content-Type: application/x-www-form-urlencoded")
		},
		"query": func() answer {
			return w.send("GET", w.public+initiation+"?caller_number=9988912345&did=918645658689&call_id=c1", "")
		},
		"comments, commas": func() answer {
			return w.send("POST", w.public+initiation, "{\"caller_number\": 9988912345, // who\n \"did\": \"918645658689\", \"call_id\": \"c1\",}")
		},
	} {
		t.Run(name, func(t *testing.T) {
			before := len(w.router.initiations())
			a := send().is(200, forwarded)
			if got := a.header.Get("Cache-Control"); got != "no-store" {
				t.Errorf("Cache-Control is %q: an answer must not be reused for another call", got)
			}
			got := w.router.initiations()
			if len(got) != before+1 {
				t.Fatalf("routed %d times", len(got)-before)
			}
			in := got[before]
			if in.CallID != "c1" || in.Caller.Canonical != "9988912345" || in.DID.Canonical != "918645658689" || in.Arrived == 0 {
				t.Errorf("routed %+v", in)
			}
		})
	}
}

func TestInitiationThatCannotBeRead(t *testing.T) {
	for name, body := range map[string]string{
		"no JSON": "what?", "empty": "", "an array": "[1]", "no DID": `{"caller_number": "9988912345", "dialled": "918645658689"}`,
		"long call_id": `{"did": "918645658689", "call_id": "` + strings.Repeat("x", engine.MaxCallID+1) + `"}`,
	} {
		t.Run(name, func(t *testing.T) {
			w := begin(t, nil)
			w.send("POST", w.public+initiation, body, "Content-Type: application/json").is(200, fellBack)
			items := w.store.quarantined()
			if len(items) != 1 || items[0].Kind != "initiation" || string(items[0].Raw.Body) != body || items[0].Cause == "" || items[0].At == 0 {
				t.Errorf("quarantined %+v", items)
			}
			if len(w.router.initiations()) != 0 {
				t.Error("it was routed")
			}
			w.wantMetric(`switchboard_quarantined_total{kind="initiation"}`, "1")

			w.router.lost = func() (engine.Reply, bool) { return engine.Reply{}, false }
			w.send("POST", w.public+initiation, body).isProblem(400, "send")
			w.wantMetric(`switchboard_decisions_total{cause="unreadable",source="none"}`, "1")
		})
	}
}

// The caller is on the line: neither a failing nor a stuck disk may hold up the
// fallback.
func TestQuarantineNeverHoldsUpAnInitiation(t *testing.T) {
	t.Run("failing", func(t *testing.T) {
		w := begin(t, nil)
		w.store.fail = errors.New("disk full")
		w.send("POST", w.public+initiation, "garbage").is(200, fellBack)
		w.store.mu.Lock()
		w.store.fail = nil
		w.store.mu.Unlock()
		w.wantMetric(`switchboard_quarantine_failures_total{kind="initiation"}`, "1")
	})
	// It is stored on a goroutine of its own, where a panic ends the process.
	t.Run("panicking", func(t *testing.T) {
		w := begin(t, nil)
		w.store.panics = true
		w.send("POST", w.public+initiation, "garbage").is(200, fellBack)
		w.send("POST", w.public+completion, "garbage").isProblem(503, "again")
		w.wantMetric("switchboard_panics_total", "2")
	})
	// A disk that stands still must not pile up waiting payloads without end.
	t.Run("stuck for many", func(t *testing.T) {
		w, o := prepare(t)
		hold := make(chan struct{})
		w.store.hold, o.QuarantineGrace = hold, time.Nanosecond
		startAs(t, w, o)
		for range 260 {
			w.send("POST", w.public+initiation, "garbage").is(200, fellBack)
		}
		if got := w.metric(`switchboard_quarantine_failures_total{kind="initiation"}`); got != "4" {
			t.Errorf("%s were given up, want 4 of 260", got)
		}
		if s := w.status(); !strings.Contains(strings.Join(s.Warnings, "\n"), "4 payloads") {
			t.Errorf("warnings %q", s.Warnings)
		}
		close(hold)
	})
	t.Run("stuck", func(t *testing.T) {
		w, o := prepare(t)
		hold := make(chan struct{})
		w.store.hold = hold
		w = startAs(t, w, o)
		w.send("POST", w.public+initiation, "garbage").is(200, fellBack)
		if n := len(w.store.quarantined()); n != 0 {
			t.Fatalf("%d items before the disk moved", n)
		}
		close(hold)
		// Shutdown waits for what is still to be stored.
		w.stop()
		if n := len(w.store.quarantined()); n != 1 {
			t.Errorf("%d items after shutdown, want 1", n)
		}
	})
}

func TestCompletionIsAcknowledgedByWhatItChanged(t *testing.T) {
	w := begin(t, nil)
	body := `{"call_id": "c1", "call_status": "answered", "call_duration": "00:01:09", "did_number": "918645658689"}`
	for _, result := range []engine.CompletionResult{engine.Stored, engine.Duplicate, engine.Updated} {
		w.store.result = result
		w.send("POST", w.public+completion, body).is(200, `{"status":"`+string(result)+`"}`)
		w.wantMetric(`switchboard_completions_total{result="`+string(result)+`",status="answered"}`, "1")
	}
	got := w.store.completions[0]
	if got.CallID != "c1" || got.Status != engine.StatusAnswered || got.Duration != 69 || string(got.Raw.Body) != body {
		t.Errorf("completed %+v", got)
	}
}

func TestCompletionThatIsNotOnDiskIsNotAcknowledged(t *testing.T) {
	w := begin(t, nil)
	for _, err := range []error{engine.ErrUnavailable, errors.New("something else for 9988912345")} {
		w.store.fail = err
		a := w.send("POST", w.public+completion, `{"call_id": "c1"}`).isProblem(503, "again")
		if a.header.Get("Retry-After") == "" {
			t.Error("Retry-After is missing")
		}
		// What cannot be read may not be dropped either.
		w.send("POST", w.public+completion, `no call`).isProblem(503, "again")
	}
	if strings.Contains(w.log.String(), "9988912345") {
		t.Errorf("the log tells a number:\n%s", w.log)
	}
}

func TestCompletionThatCannotBeReadIsQuarantined(t *testing.T) {
	w := begin(t, nil)
	w.send("POST", w.public+completion, `{"call_status": "answered"}`, "Content-Type: application/json").isProblem(400, "call_id")
	w.send("POST", w.public+completion, "\xff\xfe").isProblem(400, "")
	items := w.store.quarantined()
	if len(items) != 2 || items[0].Kind != "completion" || items[0].Raw.Type != "application/json" || string(items[1].Raw.Body) != "\xff\xfe" {
		t.Errorf("quarantined %+v", items)
	}
	if len(w.store.completions) != 0 {
		t.Error("it was stored as a completion")
	}
}

func TestBodiesOver64KiB(t *testing.T) {
	w := begin(t, nil)
	padded := func(n int) string {
		head := `{"did": "918645658689", "call_id": "c1", "x": "`
		return head + strings.Repeat("x", n-len(head)-2) + `"}`
	}
	w.send("POST", w.public+initiation, padded(engine.MaxBody)).is(200, forwarded)
	w.send("POST", w.public+completion, padded(engine.MaxBody)).is(200, `{"status":"stored"}`)
	w.send("POST", w.public+initiation, padded(engine.MaxBody+1)).isProblem(413, "65536")
	if n := len(w.store.quarantined()); n != 0 {
		t.Fatalf("%d items in quarantine, want none of an initiation", n)
	}
	w.send("POST", w.public+completion, padded(engine.MaxBody+1)).isProblem(413, "65536")
	items := w.store.quarantined()
	if len(items) != 1 || string(items[0].Raw.Body) != padded(engine.MaxBody + 1)[:engine.MaxBody] {
		t.Errorf("quarantined %d items, want the first 64 KiB", len(items))
	}
}

func TestNothingElseIsPublic(t *testing.T) {
	w := begin(t, nil)
	for _, c := range []struct{ method, path, allow string }{
		{"PUT", initiation, "GET,POST"}, {"DELETE", initiation, "GET,POST"}, {"HEAD", initiation, "GET,POST"},
		{"OPTIONS", initiation, "GET,POST"}, {"PATCH", initiation, "GET,POST"},
		{"GET", completion, "POST"}, {"HEAD", completion, "POST"}, {"PUT", completion, "POST"},
	} {
		a := w.send(c.method, w.public+c.path, "")
		if c.method != "HEAD" {
			a.isProblem(405, c.method)
		}
		allow := strings.Split(strings.ReplaceAll(a.header.Get("Allow"), " ", ""), ",")
		if a.status != http.StatusMethodNotAllowed || len(allow) != len(strings.Split(c.allow, ",")) || !strings.Contains(c.allow, allow[0]) {
			t.Errorf("%s %s: %d, Allow %v; want 405, %s", c.method, c.path, a.status, allow, c.allow)
		}
	}
	for _, path := range []string{"/", initiation + "/", "/alohaa", "/ALOHAA/get-receiver-details", "//alohaa/get-receiver-details",
		"/alohaa/../alohaa/get-receiver-details", "/alohaa%2Fget-receiver-details", "/metrics", "/api/v1/status", "/api/v1/calls", "/healthz/", "/debug/pprof/"} {
		for _, method := range []string{"GET", "POST"} {
			w.send(method, w.public+path, "").isProblem(404, "nothing")
		}
	}
	if len(w.router.initiations()) != 0 {
		t.Error("something was routed")
	}
}

func TestHealth(t *testing.T) {
	w := begin(t, func(o *server.Options) { o.Keys = []string{"secret"} })
	w.send("GET", w.public+"/healthz", "").is(200, "alive")
	w.send("GET", w.public+"/readyz", "").is(200, "ready")
	w.send("HEAD", w.public+"/readyz", "").is(200, "")
	// Degraded is still ready.
	w.store.status.Error = "disk full"
	w.send("GET", w.public+"/readyz", "").is(200, "ready")
	w.router.unready = true
	w.send("GET", w.public+"/readyz", "").isProblem(503, "--fallback")
	w.send("GET", w.public+"/healthz", "").is(200, "alive")
}

func TestReplyIsPassedOnAsTheRouterMadeIt(t *testing.T) {
	w := begin(t, nil)
	for _, want := range []engine.Reply{
		{Status: 403, Type: "application/problem+json", Body: []byte(`{"status": 403}`)},
		{Status: 503, Type: "application/problem+json", Body: []byte(`{"status": 503}`)},
	} {
		w.router.route = func(*engine.Initiation) engine.Reply { return want }
		a := w.send("POST", w.public+initiation, `{"did": "918645658689"}`).is(want.Status, string(want.Body))
		if a.header.Get("Content-Type") != want.Type || (a.header.Get("Retry-After") != "") != (want.Status == 503) {
			t.Errorf("header %v", a.header)
		}
	}
}

func TestPanicStillAnswersTheCall(t *testing.T) {
	w := begin(t, func(o *server.Options) { o.Keys = []string{"s3cret-key"} })
	w.router.route = func(*engine.Initiation) engine.Reply { panic("no luck with 9988912345 and s3cret-key") }
	key := "X-Switchboard-Key: s3cret-key"
	ask := func() answer { return w.send("POST", w.public+initiation, `{"did": "918645658689"}`, key) }
	ask().is(200, fellBack)
	if did := w.router.unread; len(did) != 1 || did[0] != "918645658689" {
		t.Errorf("the fallback of %q answered, want that of the DID that was called", did)
	}
	w.wantMetric("switchboard_panics_total", "1")
	w.router.lost = func() (engine.Reply, bool) { return engine.Reply{}, false }
	ask().isProblem(500, "log")
	w.router.lost = func() (engine.Reply, bool) { panic("nor here") }
	ask().isProblem(500, "log")
	w.wantMetric("switchboard_panics_total", "4")
	log := w.log.String()
	if !strings.Contains(log, "no luck with") || !strings.Contains(log, "stack=") {
		t.Errorf("the log does not tell of the panic:\n%s", log)
	}
	if strings.Contains(log, "9988912345") || strings.Contains(log, "s3cret-key") {
		t.Errorf("the log tells a number or the secret:\n%s", log)
	}
}
