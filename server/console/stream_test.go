package console_test

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"switchboard/server"
	"switchboard/server/access"
)

// event is what a stream sent.
type event struct{ name, data string }

// follow reads the live page's stream until the test ends.
func (w *world) follow() <-chan event {
	w.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, w.private+"/events", nil)
	w.must(err)
	resp, err := w.client.Do(r)
	w.must(err)
	if resp.StatusCode != http.StatusOK || resp.Header.Get("Content-Type") != "text/event-stream" {
		w.t.Fatalf("%d %v", resp.StatusCode, resp.Header)
	}
	out := make(chan event, 10_000)
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer close(out)
		var e event
		lines := bufio.NewScanner(resp.Body)
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			switch line := lines.Text(); {
			case strings.HasPrefix(line, "event: "):
				e.name = line[len("event: "):]
			case strings.HasPrefix(line, "data:"):
				e.data += strings.TrimPrefix(line, "data:") + "\n"
			case line == "" && e.name != "":
				out <- e
				e = event{}
			}
		}
	}()
	w.t.Cleanup(func() { cancel(); resp.Body.Close(); <-done })
	return out
}

// until takes events until one says what is wanted, and returns all of them.
func (w *world) until(events <-chan event, name, text string) (all []event) {
	w.t.Helper()
	late := time.After(time.Minute)
	for {
		select {
		case e, ok := <-events:
			if !ok {
				w.t.Fatalf("the stream ended before %q came", text)
			}
			all = append(all, e)
			if e.name == name && strings.Contains(e.data, text) {
				return all
			}
		case <-late:
			w.t.Fatalf("%q does not come", text)
		}
	}
}

// However many calls come, a live page is sent its few boards a second: work and
// traffic do not grow with the calls.
func TestLiveHoldsManyCalls(t *testing.T) {
	w := begin(t, nil)
	events := w.follow()
	w.until(events, "board", "No calls yet")
	const calls = 600
	var next atomic.Int64
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for i := next.Add(1); i <= calls; i = next.Add(1) {
				w.ring(fmt.Sprintf("call-%d", i), fmt.Sprintf("98%08d", i))
			}
		})
	}
	wg.Wait()
	began := time.Now()
	all := w.until(events, "board", `<p class="big">600</p>`)
	boards, size := 0, 0
	for _, e := range all {
		if e.name == "board" {
			boards++
			size = max(size, len(e.data))
		}
	}
	if boards > calls/10 {
		t.Errorf("%d boards were sent for %d calls", boards, calls)
	}
	if size > 64<<10 {
		t.Errorf("a board has %d bytes", size)
	}
	t.Logf("%d boards of at most %d bytes, the last %v after the last call", boards, size, time.Since(began))
}

func TestStreamTellsOfReloads(t *testing.T) {
	w := begin(t, nil)
	events := w.follow()
	w.until(events, "strip", "Reload ok")
	w.save("routing/more.rego", "package routing\n\nbroken := {\n")
	w.until(events, "banner", "routing/more.rego:")
	w.save("routing/more.rego", "package routing\n\nbroken := 1\n")
	w.until(events, "strip", "Reload ok")
}

// A server that stops ends its streams: it would wait for them otherwise.
func TestStreamEndsWithTheServer(t *testing.T) {
	var events <-chan event
	t.Run("a server", func(t *testing.T) {
		w := begin(t, nil)
		events = w.follow()
		w.until(events, "board", "Newest calls")
	}) // whose shutdown fails where a stream holds it up
	for range events {
		continue
	}
}

// A token that is taken back ends the visits and the streams that it opened.
func TestTokenTakenBack(t *testing.T) {
	var s *server.Server
	w := beginWith(t, func(o *server.Options) { o.Tokens = []access.Token{{Name: "boss", Secret: "admin-token"}} }, &s)
	w.client.Jar, _ = cookiejar.New(nil)
	w.form("/login", "token", "admin-token")
	events := w.follow()
	w.until(events, "board", "Newest calls")
	w.must(s.SetSecrets(server.Secrets{Tokens: []access.Token{{Name: "other", Secret: "another-token"}}}))
	if status, _ := w.get("/calls"); status != http.StatusSeeOther {
		t.Errorf("with the old token's visit: %d", status)
	}
	late := time.After(time.Minute)
	for {
		select {
		case _, open := <-events:
			if !open {
				return
			}
		case <-late:
			t.Fatal("the stream goes on")
		}
	}
}

func TestRevealEndsByItself(t *testing.T) {
	var now atomic.Int64
	now.Store(time.Now().UnixNano())
	w := begin(t, func(o *server.Options) { o.Now = func() time.Time { return time.Unix(0, now.Load()) } })
	w.ring("call-1", ravi)
	w.client.Jar, _ = cookiejar.New(nil)
	w.form("/reveal", "numbers", "show", "back", "/")
	if _, text := w.get("/calls"); !strings.Contains(text, ravi) {
		t.Fatal("nothing is revealed")
	}
	now.Add(int64(16 * time.Minute))
	if _, text := w.get("/calls"); strings.Contains(text, ravi) {
		t.Error("still revealed after 16 minutes")
	}
	w.form("/reveal", "numbers", "show", "back", "/")
	now.Add(int64(13 * time.Hour))
	if _, text := w.get("/calls"); strings.Contains(text, ravi) {
		t.Error("the visit goes on after 13 idle hours")
	}
	home, _ := url.Parse(w.private)
	if cookies := w.client.Jar.Cookies(home); len(cookies) != 1 {
		t.Errorf("the cookies are %v", cookies)
	}
}
