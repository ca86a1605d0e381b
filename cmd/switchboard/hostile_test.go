package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// countOf reads how much of a test is wanted from an environment variable: a
// little beside the other tests, much at night.
func countOf(t *testing.T, variable string, standard int) int {
	t.Helper()
	s := parameter(variable)
	if s == "" {
		return standard
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 {
		t.Fatalf("%s=%q is no count", variable, s)
	}
	return n
}

const hostileKey = "a secret of the provider"

// called asks for a call and returns what was wrong with the answer, if it was
// not a number.
func (p *process) called(client *http.Client, id string) error {
	resp, err := client.Post(p.public+"/alohaa/get-receiver-details?key="+url.QueryEscape(hostileKey), "application/json",
		strings.NewReader(fmt.Sprintf(`{"caller_number": "9988912345", "did": "918645658689", "call_id": %q}`, id)))
	if err != nil {
		return fmt.Errorf("call %s: %w", id, err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK || !bytes.Contains(body, []byte(`"call_forwarding_number": "9`)) {
		return fmt.Errorf("call %s: %d %s %v", id, resp.StatusCode, body, err)
	}
	return nil
}

// mustBeCalled fails the test unless a call is answered with a number.
func (p *process) mustBeCalled(t *testing.T, client *http.Client, id string) {
	t.Helper()
	if err := p.called(client, id); err != nil {
		t.Fatal(err)
	}
}

// rubbish is a request as nobody should send it, by one of many recipes.
func rubbish(random *rand.Rand, p *process) *http.Request {
	noise := func(most int) []byte {
		b := make([]byte, random.IntN(most))
		for i := range b {
			b[i] = byte(random.Uint32())
		}
		return b
	}
	pick := func(list ...string) string { return list[random.IntN(len(list))] }
	base, path, method, body := p.public, pick("/alohaa/get-receiver-details", "/alohaa/send-call-details"), "POST", noise(512)
	key := pick("", "wrong", hostileKey, hostileKey)
	switch random.IntN(8) {
	case 0: // over the limit
		body = bytes.Repeat(noise(64), 64<<10/32)
	case 1: // broken JSON
		body = append([]byte(`{"did": "918645658689", "call_id": `), noise(128)...)
	case 2: // deep
		body = bytes.Repeat([]byte(pick("[", `{"a":`, "[{")), 1+random.IntN(20_000))
	case 3: // a form
		body = []byte("did=" + url.QueryEscape(string(noise(64))) + "&call_id=%zz&" + string(noise(64)))
	case 4: // wrong types and sizes
		body = []byte(fmt.Sprintf(`{"did": {"a": [%d]}, "caller_number": %q, "call_id": %q}`, random.Int(), noise(200), bytes.Repeat([]byte("i"), random.IntN(600))))
	case 5: // elsewhere
		path, method = "/"+url.PathEscape(string(noise(40))), pick("GET", "POST", "PUT", "DELETE", "BREW")
	case 6: // the other listener
		base, method = p.private, pick("GET", "POST", "PUT", "DELETE", "PATCH")
		path = pick("/api/v1/route", "/api/v1/calls", "/api/v1/facts/a/b", "/api/v1/sessions/x", "/api/v1/sessions", "/api/v1/quarantine/x",
			"/api/v1/profiles/callers/x", "/api/v1/calls/%00", "/api/v1/calls?cursor=x", "/api/v1/policies/x")
	}
	r, err := http.NewRequest(method, base+path, bytes.NewReader(body))
	if err != nil {
		panic(err)
	}
	if base == p.public && key != "" {
		r.Header.Set("X-Switchboard-Key", key)
	}
	r.Header.Set("Content-Type", pick("application/json", "text/plain", "multipart/form-data; boundary=x", "application/x-www-form-urlencoded", "a/b; =", ""))
	return r
}

// TestRubbishHurtsNobody floods both listeners with what no parser should like.
// No answer may be a failure of ours, calls must be answered all along, and
// memory stays within a bound. SWITCHBOARD_RUBBISH sets the number of requests.
func TestRubbishHurtsNobody(t *testing.T) {
	total := countOf(t, "SWITCHBOARD_RUBBISH", 3000)
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	p := startProcess(t, t.TempDir(), "--key", hostileKey, "--log-level", "error")
	var wg sync.WaitGroup
	const senders = 8
	for sender := range uint64(senders) {
		wg.Go(func() {
			random := rand.New(rand.NewPCG(seed, sender))
			client := &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{}}
			defer client.CloseIdleConnections()
			for i := range total / senders {
				r := rubbish(random, p)
				resp, err := client.Do(r)
				if err != nil {
					// A body over the limit is answered before it is read; then the
					// connection goes, sometimes before the client has seen the answer.
					if !regexp.MustCompile(`reset|broken pipe|EOF`).MatchString(err.Error()) || r.ContentLength <= 64<<10 {
						t.Errorf("%s %s: %v", r.Method, r.URL.Path, err)
					}
					continue
				}
				answer, _ := io.ReadAll(resp.Body)
				resp.Body.Close()
				if resp.StatusCode >= 500 {
					t.Errorf("%s %s: %s %s", r.Method, r.URL.Path, resp.Status, answer)
				}
				if i%100 == 0 {
					if err := p.called(client, fmt.Sprintf("among-rubbish-%d-%d", sender, i)); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	done := make(chan struct{})
	go func() { wg.Wait(); close(done) }()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	most := p.ownMemory(t)
	for open := true; open; most = max(most, p.ownMemory(t)) {
		select {
		case <-done:
			open = false
		case <-tick.C:
		}
	}
	if most > 1<<30 {
		t.Errorf("the server needed %d MiB", most>>20)
	}
	t.Logf("the server needed up to %d MiB", most>>20)
	p.terminate(t)
}

// ownMemory is how many bytes the process holds now of its own, without the pages of its files,
// which the system takes back when it needs room: a flood makes the log long.
func (p *process) ownMemory(t *testing.T) int {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		t.Skipf("without /proc nobody tells how much memory a process held: %v", err)
	}
	m := regexp.MustCompile(`RssAnon:\s+(\d+) kB`).FindSubmatch(text)
	if m == nil {
		t.Fatal("/proc tells no RssAnon")
	}
	kib, err := strconv.Atoi(string(m[1]))
	if err != nil {
		t.Fatal(err)
	}
	return kib << 10
}

// dial opens a connection to the public listener.
func (p *process) dial(t *testing.T) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(p.public, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

// TestSlowSendersAreCutOff holds many requests open that arrive byte by byte.
func TestSlowSendersAreCutOff(t *testing.T) {
	p := startProcess(t, t.TempDir(), "--key", hostileKey)
	const slow = 200
	const request = "POST /alohaa/get-receiver-details HTTP/1.1\r\nHost: x\r\nX-Switchboard-Key: " + hostileKey + "\r\nContent-Length: 60000\r\n\r\n"
	var cut sync.WaitGroup
	for i := range slow {
		conn := p.dial(t)
		first := request
		if i%2 == 0 { // not even the header is whole
			first = request[:len(request)-2]
		}
		if _, err := io.WriteString(conn, first); err != nil {
			t.Fatal(err)
		}
		cut.Go(func() {
			// Whatever is answered, the connection has to end.
			_ = conn.SetReadDeadline(time.Now().Add(time.Minute))
			if _, err := io.Copy(io.Discard, bufio.NewReader(conn)); os.IsTimeout(err) {
				t.Error("a slow sender was never cut off")
			}
		})
		go func() {
			tick := time.NewTicker(100 * time.Millisecond)
			defer tick.Stop()
			for range tick.C {
				if _, err := conn.Write([]byte("X")); err != nil {
					return
				}
			}
		}()
	}
	for i := range 20 {
		p.mustBeCalled(t, http.DefaultClient, fmt.Sprint("beside-the-slow-", i))
	}
	cut.Wait()
	p.mustBeCalled(t, http.DefaultClient, "after-the-slow")
	p.terminate(t)
}

// TestIdleConnectionsCostNobodyACall holds connections open on which nothing
// is sent.
func TestIdleConnectionsCostNobodyACall(t *testing.T) {
	p := startProcess(t, t.TempDir(), "--key", hostileKey)
	for range countOf(t, "SWITCHBOARD_IDLE_CONNECTIONS", 500) {
		p.dial(t)
	}
	for i := range 20 {
		p.mustBeCalled(t, http.DefaultClient, fmt.Sprint("beside-the-idle-", i))
	}
	p.terminate(t)
}

// TestHardlyAnyDescriptors holds more connections open than the server may have
// files, which are few for all that it does. Whoever is connected goes on being
// served, and afterwards everybody is.
func TestHardlyAnyDescriptors(t *testing.T) {
	if _, err := exec.LookPath("sh"); err != nil {
		t.Skip("without a shell the limit cannot be set")
	}
	p := startLimited(t, t.TempDir(), 64, "--key", hostileKey)
	connected := &http.Client{Transport: &http.Transport{MaxConnsPerHost: 1}}
	defer connected.CloseIdleConnections()
	p.mustBeCalled(t, connected, "before")
	var idle []net.Conn
	for range 200 {
		idle = append(idle, p.dial(t)) // the kernel takes those that the server cannot
	}
	for i := range 20 {
		p.mustBeCalled(t, connected, fmt.Sprint("meanwhile-", i))
	}
	for _, conn := range idle {
		conn.Close()
	}
	poll(t, "new connections to be served", func() bool {
		resp, err := (&http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}).Get(p.public + "/healthz")
		if err != nil {
			return false
		}
		resp.Body.Close()
		return resp.StatusCode == http.StatusOK
	})
	p.terminate(t)
}

// TestOutOfDescriptors has more connections come than the server may have files
// open. Whoever is connected goes on being served, whoever is new is let in, and
// what else needs a file has one.
func TestOutOfDescriptors(t *testing.T) {
	if _, err := exec.LookPath("sh"); err != nil {
		t.Skip("without a shell the limit cannot be set")
	}
	dir := t.TempDir()
	p := startLimited(t, dir, 128, "--key", hostileKey)
	connected := &http.Client{Transport: &http.Transport{MaxConnsPerHost: 1}}
	defer connected.CloseIdleConnections()
	p.mustBeCalled(t, connected, "before")
	// A silent connection is closed after five seconds anyway.
	soon := &http.Client{Timeout: 3 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	for i := range 20 {
		for range 20 {
			p.dial(t)
		}
		p.mustBeCalled(t, connected, fmt.Sprint("meanwhile-", i))
		p.mustBeCalled(t, soon, fmt.Sprint("new-", i))
	}
	if warnings := strings.Join(p.status(t).Warnings, "\n"); !strings.Contains(warnings, "have 128 files open") {
		t.Errorf("status does not tell: %s", warnings)
	}
	p.terminate(t)
	if out, err := exec.Command(switchboardBinary(t), "db", "verify", filepath.Join(dir, "switchboard.db")).CombinedOutput(); err != nil {
		t.Fatalf("db verify: %v\n%s", err, out)
	}
}

// TestMemoryIsFlat plays calls of the same people for a while: what is live in
// memory afterwards must come down to what was live early on.
// SWITCHBOARD_SOAK sets the number of calls.
func TestMemoryIsFlat(t *testing.T) {
	calls := countOf(t, "SWITCHBOARD_SOAK", 6000)
	sim, dir := buildEmulator(t), t.TempDir()
	t.Setenv("GOGC", "20") // so that the heap is little more than what is live
	p := startProcess(t, dir)
	play := func(part string, n int) {
		out, err := exec.Command(sim, "--target", p.public, "--calls", strconv.Itoa(n), "--concurrency", "16", "--callers", "200",
			"--retries", "0.02", "--duplicates", "0.05", "--masked", "0.2", "--prefix", part+"-").CombinedOutput()
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	}
	play("early", calls/3)
	early := p.heap(t)
	play("late", calls-calls/3)
	peak, bound := p.heap(t), early+early/4+4<<20
	poll(t, fmt.Sprintf("the heap, %d KiB early on and %d KiB now, to come down to %d KiB", early>>10, peak>>10, bound>>10), func() bool {
		return p.heap(t) <= bound
	})
	t.Logf("heap %d KiB after %d calls, %d KiB right after %d", early>>10, calls/3, peak>>10, calls)
	p.terminate(t)
}

// heap is what the server's heap holds, garbage included, in bytes.
func (p *process) heap(t *testing.T) int {
	t.Helper()
	resp, err := http.Get(p.private + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(resp.Body)
	resp.Body.Close()
	m := regexp.MustCompile(`(?m)^go_memstats_heap_alloc_bytes (\S+)$`).FindSubmatch(text)
	if err != nil || m == nil {
		t.Fatalf("/metrics tells no heap: %v", err)
	}
	n, err := strconv.ParseFloat(string(m[1]), 64)
	if err != nil {
		t.Fatal(err)
	}
	return int(n)
}
