package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// armedBinary builds the program with its failpoints, once.
var armedBinary = sync.OnceValues(func() (string, error) {
	path := filepath.Join(buildDir, "switchboard-failpoints")
	if out, err := exec.Command("go", "build", "-tags", "failpoints", "-o", path, "switchboard/cmd/switchboard").CombinedOutput(); err != nil {
		return "", fmt.Errorf("building switchboard: %w\n%s", err, out)
	}
	return path, nil
})

// failing is a database and policies that servers are started on, one after the
// other, with the failpoint that is armed, and what the servers acknowledged.
type failing struct {
	*testing.T
	binary    string
	dir       string
	arms      string // the file that arms a failpoint
	folder    string // the policies; empty for the built-in ones
	retention string // empty for the usual one
	process   *process
	ended     chan struct{} // closed: the process is gone
	how       error         // how it ended
	log       *bytes.Buffer
	client    *http.Client

	mu       sync.Mutex
	calls    int
	answered map[string]string // call_id -> the initiation's answer
	reported map[string]bool   // call_id -> its completion was acknowledged
	garbage  map[string]bool   // what was acknowledged as not understood
	care     func(*failing)    // what else must be so on a server that was started anew; nil for nothing
	sending  sync.WaitGroup
}

func newFailing(t *testing.T, binary string) *failing {
	dir := t.TempDir()
	return &failing{
		T: t, binary: binary, dir: dir, arms: filepath.Join(dir, "arms"), client: &http.Client{Timeout: 20 * time.Second},
		answered: map[string]string{}, reported: map[string]bool{}, garbage: map[string]bool{},
	}
}

func (f *failing) db() string { return filepath.Join(f.dir, "switchboard.db") }

func (f *failing) arm(point, action string, skip int) {
	f.Helper()
	// In one step: the program must not read half of it.
	tmp := f.arms + ".tmp"
	if err := errors.Join(os.WriteFile(tmp, fmt.Appendln(nil, point, action, skip), 0o600), os.Rename(tmp, f.arms)); err != nil {
		f.Fatal(err)
	}
}

func (f *failing) disarm() {
	f.Helper()
	if err := errors.Join(os.Remove(f.arms), os.Remove(f.arms+".hit")); err != nil {
		f.Fatal(err)
	}
}

// hit reports whether the armed point was visited and not let by.
func (f *failing) hit() bool {
	_, err := os.Stat(f.arms + ".hit")
	return err == nil
}

// launch starts a server and does not wait for it.
func (f *failing) launch() {
	f.Helper()
	_ = os.Remove(f.ready())
	args := []string{"serve", "--listen", "127.0.0.1:0", "--private-listen", "127.0.0.1:0", "--ready-file", f.ready(),
		"--db", f.db(), "--fallback", "9000000009", "--log-level", "warn", "--test-timeout", "3m"}
	if f.folder != "" {
		args = append(args, "--policies", f.folder)
	}
	if f.retention != "" {
		args = append(args, "--retention", f.retention)
	}
	cmd := exec.Command(f.binary, args...)
	f.log = new(bytes.Buffer)
	cmd.Dir, cmd.Stderr, cmd.Env = f.dir, f.log, append(os.Environ(), "FAILPOINTS="+f.arms)
	if err := cmd.Start(); err != nil {
		f.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { f.how = cmd.Wait(); close(ended) }()
	f.process, f.ended = &process{cmd: cmd}, ended
	f.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-ended
		if f.Failed() && cmd == f.process.cmd {
			f.Logf("the last server's log:\n%s", f.said())
		}
	})
}

// said is the log of the server, which has ended.
func (f *failing) said() string {
	var out strings.Builder
	for line := range strings.Lines(f.log.String()) {
		if !strings.Contains(line, "msg=quarantined") {
			out.WriteString(line)
		}
	}
	return out.String()
}

func (f *failing) ready() string { return filepath.Join(f.dir, "ready.json") }

// served waits until the launched server answers calls; false where it ended.
func (f *failing) served() bool {
	f.Helper()
	var addresses struct{ Public, Private string }
	ended := false
	poll(f, "the server to be ready, or to end", func() bool {
		text, err := os.ReadFile(f.ready())
		if err == nil && json.Unmarshal(text, &addresses) == nil {
			return true
		}
		select {
		case <-f.ended:
			ended = true
		default:
		}
		return ended
	})
	f.process.public, f.process.private = "http://"+addresses.Public, "http://"+addresses.Private
	return !ended
}

// start launches a server that must come to answer calls.
func (f *failing) start() {
	f.Helper()
	f.launch()
	if !f.served() {
		f.Fatal("the server does not start")
	}
}

// died waits for the process to end by the kill of its failpoint.
func (f *failing) died() {
	f.Helper()
	var ended *exec.ExitError
	select {
	case <-f.ended:
		if !errors.As(f.how, &ended) || ended.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
			f.Fatalf("it ended by itself: %v", f.how)
		}
	case <-time.After(patience):
		f.Fatal("the failpoint does not kill it")
	}
	f.sending.Wait()
	if !f.hit() {
		f.Fatal("it died, but not at the failpoint")
	}
}

func (f *failing) kill() {
	f.Helper()
	if err := f.process.cmd.Process.Kill(); err != nil {
		f.Fatal(err)
	}
	<-f.ended
	f.sending.Wait()
}

func (f *failing) post(path, body string) (int, string) {
	resp, err := f.client.Post(f.process.public+path, "application/json", strings.NewReader(body))
	if err != nil {
		return 0, err.Error()
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return 0, err.Error()
	}
	return resp.StatusCode, string(text)
}

// ask asks for a call and reports whether there was an answer at all; one that is
// no number, or comes late, fails the test.
func (f *failing) ask(id string) bool {
	f.Helper()
	began := time.Now()
	status, body := f.post("/alohaa/get-receiver-details", fmt.Sprintf(`{"caller_number": "9988912345", "did": "918645658689", "call_id": %q}`, id))
	if status == 0 {
		return false
	}
	if status != http.StatusOK || !strings.Contains(body, `"call_forwarding_number": "9`) {
		f.Errorf("call %s: %d %s", id, status, body)
	}
	if took := time.Since(began); took > 10*time.Second { // the deadline, on a machine that does much else
		f.Errorf("call %s was answered after %v", id, took)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if before, again := f.answered[id]; again && before != body {
		f.Errorf("call %s was answered %s, and now %s", id, before, body)
	}
	f.answered[id] = body
	return true
}

// call plays a call, and sends something that can't be understood. What need not
// be answered while the disk fails is sent beside.
func (f *failing) call() (answered bool) {
	f.Helper()
	f.calls++
	id := fmt.Sprint("call-", f.calls)
	f.sending.Go(func() {
		body := fmt.Sprintf(`{"no call": %q}`, id)
		if status, _ := f.post("/alohaa/send-call-details", body); status == http.StatusBadRequest {
			f.mu.Lock()
			f.garbage[body] = true
			f.mu.Unlock()
		}
	})
	if !f.ask(id) {
		return false
	}
	f.sending.Go(func() {
		status, body := f.post("/alohaa/send-call-details", fmt.Sprintf(
			`{"caller_number": "9988912345", "receiver_number": "9876543210", "did_number": "918645658689", "call_id": %q, "call_status": "answered", "call_duration": 5}`, id))
		if status == http.StatusOK {
			f.mu.Lock()
			f.reported[id] = true
			f.mu.Unlock()
		} else if status != 0 && status != http.StatusServiceUnavailable {
			f.Errorf("the report on %s: %d %s", id, status, body)
		}
	})
	return true
}

// callsUntil plays calls until something is so; each is answered as long as the
// server lives.
func (f *failing) callsUntil(what string, done func() bool) {
	f.Helper()
	poll(f, what, func() bool { f.call(); return done() })
}

// get reads what the private API says.
func (f *failing) get(path string, into any) {
	f.Helper()
	resp, err := f.client.Get(f.process.private + path)
	if err != nil {
		f.Fatal(err)
	}
	defer resp.Body.Close()
	if text, err := io.ReadAll(resp.Body); err != nil || resp.StatusCode != http.StatusOK || json.Unmarshal(text, into) != nil {
		f.Fatalf("%s: %d %s %v", path, resp.StatusCode, text, err)
	}
}

// trouble is what status says is wrong with store or policies, beside what is as
// usual in these tests.
func (f *failing) trouble() string {
	f.Helper()
	var st struct {
		Store struct {
			Error   string
			Unsaved int
			Queue   int
		}
		Warnings []string
		Reload   struct {
			Errors, Warnings []struct{ Code, Message string }
		}
	}
	f.get("/api/v1/status", &st)
	usual := []string{"The public listener has no secret", "The built-in starter set serves", "In quarantine: "}
	said := slices.DeleteFunc(st.Warnings, func(w string) bool {
		return slices.ContainsFunc(usual, func(u string) bool { return strings.Contains(w, u) })
	})
	for _, p := range append(st.Reload.Errors, st.Reload.Warnings...) {
		if p.Code == "archive" {
			said = append(said, p.Message)
		}
	}
	if st.Store.Error != "" {
		said = append(said, st.Store.Error)
	}
	if st.Store.Unsaved > 0 || st.Store.Queue > 0 {
		said = append(said, fmt.Sprintf("%d unsaved, %d queued", st.Store.Unsaved, st.Store.Queue))
	}
	return strings.Join(said, "\n")
}

// recovers waits until status has no trouble to tell.
func (f *failing) recovers() {
	f.Helper()
	last := ""
	defer func() {
		if f.Failed() {
			f.Log("status says:", last)
		}
	}()
	poll(f, "the recovery", func() bool {
		last = f.trouble()
		return last == ""
	})
}

// listed are all calls and what they count as.
func (f *failing) listed() map[string]string {
	f.Helper()
	var list struct {
		Calls []struct {
			ID     string `json:"call_id"`
			Status string
		}
		Next string
	}
	seen := map[string]string{}
	for cursor := ""; ; cursor = list.Next {
		f.get("/api/v1/calls?limit=100&cursor="+url.QueryEscape(cursor), &list)
		for _, c := range list.Calls {
			if seen[c.ID] != "" {
				f.Errorf("%s is there twice", c.ID)
			}
			seen[c.ID] = c.Status
		}
		if list.Next == "" {
			return seen
		}
	}
}

// settled checks, on a server that was started anew, that everything that was
// acknowledged is there once, and that what is derived from it agrees with it.
func (f *failing) settled() {
	f.Helper()
	f.sending.Wait()
	f.recovers()
	for range 2 {
		if !f.call() {
			f.Fatal("the server does not answer")
		}
	}
	f.sending.Wait()
	if f.care != nil {
		f.care(f)
	}
	for id := range f.answered { // a retry gets the same bytes, and no record
		f.ask(id)
	}
	seen := f.listed()
	for id, status := range seen {
		if f.reported[id] && status != "answered" {
			f.Errorf("the report on %s was acknowledged, but it counts as %s", id, status)
		}
	}
	for id := range f.answered {
		if seen[id] == "" {
			f.Errorf("%s was answered and is not there", id)
		}
	}
	var did struct{ Totals struct{ Offered int } }
	f.get("/api/v1/profiles/dids/918645658689", &did)
	if did.Totals.Offered != len(seen) {
		f.Errorf("the DID's profile counts %d calls of %d", did.Totals.Offered, len(seen))
	}
	var quarantine struct{ Items []struct{ Body string } }
	f.get("/api/v1/quarantine", &quarantine)
	for body := range f.garbage {
		n := 0
		for _, i := range quarantine.Items {
			if i.Body == body {
				n++
			}
		}
		if n != 1 {
			f.Errorf("%s is in quarantine %d times", body, n)
		}
	}
	if err := f.process.cmd.Process.Signal(os.Interrupt); err != nil {
		f.Fatal(err)
	}
	if <-f.ended; f.how != nil {
		f.Errorf("the server did not stop cleanly: %v", f.how)
	}
	f.verified()
}

// verified has the database verified as it lies there.
func (f *failing) verified() {
	f.Helper()
	cmd := exec.Command(f.binary, "db", "verify", f.db())
	cmd.Env = append(os.Environ(), "TMPDIR="+f.dir)
	if out, err := cmd.CombinedOutput(); err != nil {
		f.Errorf("db verify: %v\n%s", err, out)
	}
}
