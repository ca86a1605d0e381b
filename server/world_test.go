package server_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"

	"switchboard/engine"
	"switchboard/server"
	"switchboard/server/access"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// world is a server on ports of its own, and the doubles behind it.
type world struct {
	t       *testing.T
	server  *server.Server
	metrics *server.Metrics
	router  *fakeRouter
	store   *fakeStore
	sets    *fakePolicies
	log     *logBuffer
	public  string // base URLs
	private string
	client  *http.Client
}

// begin starts a server; change adjusts its options before.
func begin(t *testing.T, change func(*server.Options)) *world {
	t.Helper()
	w, o := prepare(t)
	if change != nil {
		change(&o)
	}
	return startAs(t, w, o)
}

// prepare makes options that are complete.
func prepare(t *testing.T) (*world, server.Options) {
	t.Helper()
	numbers, err := engine.NewNumbers("IN")
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, router: newFakeRouter(), store: &fakeStore{}, sets: &fakePolicies{}, log: &logBuffer{}}
	w.store.status.Path = filepath.Join(t.TempDir(), "switchboard.db")
	logger := slog.New(slog.NewTextHandler(w.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	if w.metrics, err = server.NewMetrics(prometheus.NewRegistry(), logger); err != nil {
		t.Fatal(err)
	}
	zone := time.FixedZone("IST", 5*3600+1800)
	w.client = &http.Client{
		Transport:     &http.Transport{DisableCompression: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return w, server.Options{
		Listen: "127.0.0.1:0", PrivateListen: "127.0.0.1:0", Numbers: numbers, Zone: zone, Version: "v1.2.3",
		Log: logger, Metrics: w.metrics, Router: w.router, Completer: w.store, History: w.store, Quarantine: w.store, Eraser: w.store, Clock: w.store,
		Policies: w.sets, Live: newFakeLive(), Fallback: "9876500000", FallbackDIDs: 2,
		WarningsEvery: time.Hour, // the doubles are changed without a lock, and tests count events
	}
}

// answer is a response, read whole.
type answer struct {
	t      *testing.T
	status int
	header http.Header
	body   string
}

// send makes a request; headers are "Name: value".
func (w *world) send(method, url, body string, headers ...string) answer {
	w.t.Helper()
	req, err := http.NewRequestWithContext(w.t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	if body == "" {
		req.Body = http.NoBody
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		if name == "Host" {
			req.Host = value
		}
		req.Header.Add(name, value)
	}
	res, err := w.client.Do(req)
	if err != nil {
		w.t.Fatalf("%s %s: %v", method, url, err)
	}
	a := readAnswer(w.t, res)
	if strings.HasPrefix(url, w.private+"/") {
		asDescribed(w.t, method, strings.TrimPrefix(url, w.private), body, a)
	}
	return a
}

func readAnswer(t *testing.T, res *http.Response) answer {
	t.Helper()
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatalf("reading the answer: %v", err)
	}
	return answer{t, res.StatusCode, res.Header, string(body)}
}

// is checks status and body.
func (a answer) is(status int, body string) answer {
	a.t.Helper()
	if a.status != status || strings.TrimSpace(a.body) != body {
		a.t.Errorf("answered %d %s\n  want %d %s", a.status, a.body, status, body)
	}
	return a
}

// isProblem checks an RFC 9457 problem whose detail contains what is said.
func (a answer) isProblem(status int, says string) answer {
	a.t.Helper()
	var p struct {
		Type, Title, Detail string
		Status              int
	}
	if err := json.Unmarshal([]byte(a.body), &p); err != nil {
		a.t.Fatalf("answered %d %q, which is no problem: %v", a.status, a.body, err)
	}
	if a.status != status || p.Status != status {
		a.t.Errorf("status %d, in the body %d, want %d: %s", a.status, p.Status, status, a.body)
	}
	if got := a.header.Get("Content-Type"); got != "application/problem+json" {
		a.t.Errorf("Content-Type %q", got)
	}
	if p.Type == "" || p.Title != http.StatusText(status) || !strings.Contains(p.Detail, says) {
		a.t.Errorf("problem %s\n  want the detail to say %q", a.body, says)
	}
	return a
}

// decode reads the answer, which must have the status, into v.
func (a answer) decode(status int, v any) {
	a.t.Helper()
	if a.status != status {
		a.t.Fatalf("answered %d %s, want %d", a.status, a.body, status)
	}
	if err := json.Unmarshal([]byte(a.body), v); err != nil {
		a.t.Fatalf("%v in %s", err, a.body)
	}
}

// metric returns a sample line of /metrics, "" where there is none.
func (w *world) metric(name string, headers ...string) string {
	w.t.Helper()
	for line := range strings.Lines(w.send("GET", w.private+"/metrics", "", headers...).body) {
		if value, ok := strings.CutPrefix(line, name+" "); ok {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

func (w *world) wantMetric(name, value string) {
	w.t.Helper()
	if got := w.metric(name); got != value {
		w.t.Errorf("%s is %q, want %q", name, got, value)
	}
}

// logBuffer collects the log.
type logBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *logBuffer) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(b)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// startAs starts a prepared world; stop ends it, at the latest with the test.
func startAs(t *testing.T, w *world, o server.Options) *world {
	t.Helper()
	s, err := server.New(o)
	if err != nil {
		t.Fatalf("New: %v", err)
	}
	if err := s.Start(t.Context()); err != nil {
		t.Fatalf("Start: %v", err)
	}
	w.server = s
	public, private := s.Addrs()
	w.public, w.private = "http://"+public, "http://"+private
	t.Cleanup(w.stop)
	return w
}

// stop shuts the server down; again is no harm.
func (w *world) stop() {
	w.t.Helper()
	w.client.CloseIdleConnections()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := w.server.Shutdown(ctx); err != nil {
		w.t.Errorf("Shutdown: %v", err)
	}
}

func (a answer) is200() answer {
	a.t.Helper()
	if a.status != 200 {
		a.t.Errorf("answered %d %s, want 200", a.status, a.body)
	}
	return a
}

// tokens are the secrets of admins and of readers.
func tokens(admin, read string) (out []access.Token) {
	for _, s := range strings.Fields(admin) {
		out = append(out, access.Token{Name: "admin", Secret: s})
	}
	for _, s := range strings.Fields(read) {
		out = append(out, access.Token{Name: "reader", Secret: s, ReadOnly: true})
	}
	return out
}
