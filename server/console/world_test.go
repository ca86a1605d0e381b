package console_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"switchboard/engine"
	"switchboard/engine/history"
	"switchboard/engine/policy"
	"switchboard/engine/replay"
	"switchboard/server"
	"switchboard/server/alohaa"
)

// The people and the line of the tests.
const (
	did   = "918645658689"
	anna  = "9876543210"
	bela  = "9876543211"
	chand = "9876543212"
	ravi  = "9988912345" // a caller
)

// set is a policy set small enough to load at once: the first of the team who is
// not paused, or whom the caller talked to last.
var set = map[string]string{
	"routing/routing.rego": `# METADATA
# description: The tests' policies.
package routing

# METADATA
# title: Whom they know
# labels:
#   rule: sticky
decision := {"call_forwarding_number": number, "reason": "sticky"} if {
	number := data.history.callers[input.caller_number].last_answered.receiver_number
	number in team
	not data.facts.paused[number]
} else := {"call_forwarding_number": free[0], "reason": "first_free", "skipped": skipped} if {
	count(free) > 0
}

team := data.directory.dids[input.did].team

free := [number | some number in team; not data.facts.paused[number]]

skipped := [{"number": number, "why": sprintf("paused: %s", [data.facts.paused[number].why])} |
	some number in team
	data.facts.paused[number]
]
`,
	"routing/routing_test.rego": `package routing_test

import data.routing

test_first if {
	routing.decision.reason == "first_free" with input as {"caller_number": "9000000000", "did": "918645658689"}
		with data.history as {"callers": {}}
		with data.facts as {"paused": {}}
}
`,
	"directory/data.yaml": `dids:
  "918645658689":
    name: Sample line
    team: ["9876543210", "9876543211", "9876543212"]
`,
}

// world is a whole server with a policies folder of its own.
type world struct {
	t               testing.TB
	dir             string
	public, private string
	store           *history.Store
	manager         *policy.Manager
	client          *http.Client
}

// begin starts a server; change adjusts its options before.
func begin(t testing.TB, change func(*server.Options)) *world {
	t.Helper()
	return beginWith(t, change, new(*server.Server))
}

// beginWith hands the server out as well.
func beginWith(t testing.TB, change func(*server.Options), started **server.Server) *world {
	t.Helper()
	w := &world{t: t, dir: filepath.Join(t.TempDir(), "policies"), client: &http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
	for path, text := range set {
		w.save(path, text)
	}
	numbers, err := engine.NewNumbers("IN")
	w.must(err)
	zone, err := time.LoadLocation("Asia/Kolkata")
	w.must(err)
	log := slog.New(slog.NewTextHandler(&lines{t: t}, nil))
	metrics, err := server.NewMetrics(prometheus.NewRegistry(), log)
	w.must(err)
	w.store, err = history.Open(history.Options{Path: filepath.Join(t.TempDir(), "switchboard.db"), CallTTL: 30 * time.Minute, Zone: zone, Log: log})
	w.must(err)
	w.manager, err = policy.NewManager(policy.ManagerOptions{
		Options: policy.Options{Numbers: numbers, Zone: zone, PolicyDeadline: 20 * time.Second, TestTimeout: 10 * time.Minute, Log: log},
		Folder:  w.dir, Archive: w.store, View: func(ctx context.Context) (engine.View, error) { return w.store.View(ctx, nil) },
	})
	w.must(err)
	w.must(w.manager.Start(context.Background()))
	mode, err := alohaa.ParseRejectMode("403", numbers)
	w.must(err)
	router, err := engine.NewRouter(engine.RouterOptions{
		Judge: engine.Judge{Numbers: numbers, Fallback: "9876543219"}, Policies: w.manager, Preview: w.manager, Ledger: w.store,
		Observer: metrics, Render: alohaa.Render(mode), Deadline: 30 * time.Second, PolicyDeadline: 20 * time.Second,
	})
	w.must(err)
	judge := engine.Judge{Numbers: numbers, Fallback: "9876543219"}
	library := sets{policy.NewLibrary(policy.LibraryOptions{
		Options: policy.Options{Numbers: numbers, Zone: zone, PolicyDeadline: 20 * time.Second, TestTimeout: 10 * time.Minute}, Active: w.manager.Active, Archive: w.store})}
	replayer, err := replay.New(replay.Options{Sets: library, Judge: judge, PolicyDeadline: 20 * time.Second,
		Open: func(ctx context.Context) (replay.Timeline, error) { return w.store.Timeline(ctx) }})
	w.must(err)
	o := server.Options{
		Listen: "127.0.0.1:0", PrivateListen: "127.0.0.1:0", Numbers: numbers, Zone: zone, Version: "v1.2.3", Log: log, Metrics: metrics,
		Router: router, Completer: w.store, History: w.store, Quarantine: w.store, Policies: w.manager, Live: w.store, Eraser: w.store, Clock: w.store, Fallback: "9876543219",
		Explainer: &replay.Explainer{Sets: library, Past: w.store, Judge: judge, PolicyDeadline: 20 * time.Second}, Replayer: replayer, Past: w.store,
	}
	if change != nil {
		change(&o)
	}
	s, err := server.New(o)
	w.must(err)
	w.must(s.Start(context.Background()))
	*started = s
	watching, stop := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); _ = w.manager.Run(watching) }()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := s.Shutdown(ctx); err != nil {
			t.Error(err)
		}
		stop()
		<-done
		w.client.CloseIdleConnections()
		w.must(w.store.Close())
	})
	public, private := s.Addrs()
	w.public, w.private = "http://"+public, "http://"+private
	return w
}

// sets gives a library's sets as replays ask for them.
type sets struct{ *policy.Library }

func (s sets) Set(ctx context.Context, revision string, over map[string]string) (replay.Set, error) {
	set, err := s.Library.Set(ctx, revision, over)
	if err != nil {
		return nil, err
	}
	return set, nil
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// save writes a file of the policies folder.
func (w *world) save(path, text string) {
	w.t.Helper()
	full := filepath.Join(w.dir, filepath.FromSlash(path))
	w.must(os.MkdirAll(filepath.Dir(full), 0o700))
	w.must(os.WriteFile(full, []byte(text), 0o600))
}

// ring plays an initiation and returns who is rung.
func (w *world) ring(id, caller string) string {
	w.t.Helper()
	body := fmt.Sprintf(`{"caller_number": %q, "did": %q, "call_id": %q}`, caller, did, id)
	status, text := w.post(w.public+"/alohaa/get-receiver-details", "application/json", body)
	if status != http.StatusOK {
		w.t.Fatalf("initiation: %d %s", status, text)
	}
	var answer struct {
		Response struct {
			Number string `json:"call_forwarding_number"`
		} `json:"response"`
	}
	w.must(json.Unmarshal([]byte(text), &answer))
	return answer.Response.Number
}

// hangUp plays the completion of a call that was answered.
func (w *world) hangUp(id, caller, receiver string) {
	w.t.Helper()
	now := time.Now()
	body := fmt.Sprintf(`{"call_id": %q, "caller_number": %q, "did_number": %q, "receiver_number": %q, "call_status": "answered",
		"call_duration": 83, "call_received_at": %d, "call_ended_at": %d, "call_recording_url": "https://records.example/%s-%s.mp3"}`,
		id, caller, did, receiver, now.Add(-90*time.Second).Unix(), now.Unix(), id, caller)
	status, text := w.post(w.public+"/alohaa/send-call-details", "application/json", body)
	if status != http.StatusOK {
		w.t.Fatalf("completion: %d %s", status, text)
	}
}

func (w *world) post(url, kind, body string) (status int, text string) {
	w.t.Helper()
	r, err := http.NewRequest(http.MethodPost, url, strings.NewReader(body))
	w.must(err)
	r.Header.Set("Content-Type", kind)
	return w.do(r)
}

func (w *world) get(path string, header ...string) (status int, text string) {
	w.t.Helper()
	r, err := http.NewRequest(http.MethodGet, w.private+path, nil)
	w.must(err)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	return w.do(r)
}

func (w *world) do(r *http.Request) (status int, text string) {
	w.t.Helper()
	resp, err := w.client.Do(r)
	w.must(err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	w.must(err)
	return resp.StatusCode, string(body)
}

// lines puts the server's log into the test's.
type lines struct{ t testing.TB }

func (l *lines) Write(b []byte) (int, error) {
	l.t.Logf("%s", bytes.TrimSpace(b))
	return len(b), nil
}
