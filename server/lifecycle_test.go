package server_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"switchboard/engine"
	"switchboard/server"
)

func TestReadyFile(t *testing.T) {
	w, o := prepare(t)
	o.ReadyFile = filepath.Join(t.TempDir(), "ready.json")
	startAs(t, w, o)
	text, err := os.ReadFile(o.ReadyFile)
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]string
	if err := json.Unmarshal(text, &got); err != nil || len(got) != 2 || "http://"+got["public"] != w.public || "http://"+got["private"] != w.private {
		t.Errorf("the ready file says %s", text)
	}
	info, err := os.ReadDir(filepath.Dir(o.ReadyFile))
	if err != nil || len(info) != 1 {
		t.Errorf("beside the ready file lie %v, %v", info, err)
	}
}

func TestStartThatFailsLeavesNothing(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	dir := t.TempDir()
	for name, c := range map[string]struct {
		change func(*server.Options)
		says   string
	}{
		"public port taken":  {func(o *server.Options) { o.Listen = taken.Addr().String() }, "public listener"},
		"private port taken": {func(o *server.Options) { o.PrivateListen = taken.Addr().String() }, "private listener"},
		"no place for ready": {func(o *server.Options) { o.ReadyFile = filepath.Join(dir, "missing", "ready.json") }, "--ready-file"},
		"ready is a folder":  {func(o *server.Options) { o.ReadyFile = full(t) }, "--ready-file"},
		"no address of ours": {func(o *server.Options) { o.Listen, o.Insecure = "192.0.2.1:0", true }, "192.0.2.1"},
		"context is over":    {nil, "canceled"},
	} {
		t.Run(name, func(t *testing.T) {
			_, o := prepare(t)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			if c.change == nil {
				cancel()
			} else {
				c.change(&o)
			}
			ready := filepath.Join(dir, "ready.json")
			if o.ReadyFile == "" {
				o.ReadyFile = ready
				// What an earlier run left must not be taken for this one's.
				if err := os.WriteFile(ready, []byte("{}"), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			s, err := server.New(o)
			if err != nil {
				t.Fatal(err)
			}
			if err := s.Start(ctx); err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("Start: %v, want it to say %q", err, c.says)
			}
			if c.change != nil && exists(ready) {
				t.Error("there is a ready file")
			}
			if conn, err := net.Dial("tcp", public(s)); err == nil {
				conn.Close()
				t.Errorf("%s still listens", public(s))
			}
		})
	}
}

func public(s *server.Server) string { a, _ := s.Addrs(); return a }

// full is a folder with something in it, which no rename replaces.
func full(t *testing.T) string {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "x"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestShutdownLetsRequestsFinish(t *testing.T) {
	w, o := prepare(t)
	routing, release := make(chan struct{}), make(chan struct{})
	w.router.route = func(*engine.Initiation) engine.Reply {
		close(routing)
		<-release
		return reply(forwarded)
	}
	ctx, signal := context.WithCancel(t.Context())
	s, err := server.New(o)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Start(ctx); err != nil {
		t.Fatal(err)
	}
	w.server, w.public = s, "http://"+public(s)
	t.Cleanup(w.stop)
	conn := w.dial()
	conn.write("POST " + initiation + " HTTP/1.1\r\nHost: x\r\nContent-Length: 23\r\n\r\n{\"did\": \"918645658689\"}")
	<-routing
	signal()
	done := make(chan error, 1)
	go func() { done <- s.Shutdown(context.Background()) }()
	// Nobody new comes in while the one goes on.
	for refused := false; !refused; {
		c, err := net.Dial("tcp", public(s))
		if refused = err != nil; !refused {
			c.Close()
		}
	}
	select {
	case err := <-done:
		t.Fatalf("shut down under a request: %v", err)
	default:
	}
	close(release)
	conn.answer("POST").is(200, forwarded)
	if err := <-done; err != nil {
		t.Errorf("Shutdown: %v", err)
	}
	select {
	case err := <-s.Failed():
		t.Errorf("Failed: %v after a shutdown", err)
	default:
	}
}

func TestShutdownCutsOffWhatDoesNotEnd(t *testing.T) {
	w, o := prepare(t)
	routing, release := make(chan struct{}), make(chan struct{})
	w.router.route = func(*engine.Initiation) engine.Reply { close(routing); <-release; return reply(forwarded) }
	startAs(t, w, o)
	conn := w.dial()
	conn.write("POST " + initiation + " HTTP/1.1\r\nHost: x\r\nContent-Length: 23\r\n\r\n{\"did\": \"918645658689\"}")
	<-routing
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	err := w.server.Shutdown(ctx)
	close(release)
	if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "public") {
		t.Errorf("Shutdown: %v", err)
	}
}

func TestBackup(t *testing.T) {
	w := begin(t, nil)
	w.store.backup = strings.Repeat("page ", 1<<20)
	a := w.send("GET", w.private+"/api/v1/backup", "").is200()
	if a.body != w.store.backup || a.header.Get("Content-Length") != "5242880" || a.header.Get("Content-Type") != "application/octet-stream" ||
		!strings.HasPrefix(a.header.Get("Content-Disposition"), `attachment; filename="switchboard-2`) {
		t.Errorf("%d bytes, header %v", len(a.body), a.header)
	}
	w.store.fail = errors.New("disk full")
	w.send("GET", w.private+"/api/v1/backup", "").isProblem(500, "log")
	w.store.fail = fmt.Errorf("copying: %w", &fs.PathError{Op: "write", Path: "copy", Err: syscall.ENOSPC})
	w.send("GET", w.private+"/api/v1/backup", "").isProblem(507, "room")
	left, err := os.ReadDir(filepath.Dir(w.store.status.Path))
	if err != nil || len(left) != 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// A copy leaves the disk a little at a time, and before the next one is made.
func TestBackupGivesItsCopyBack(t *testing.T) {
	w := begin(t, nil)
	w.store.backup = strings.Repeat("page ", 1<<20)
	for range 3 {
		if a := w.send("GET", w.private+"/api/v1/backup", "").is200(); a.body != w.store.backup {
			t.Fatalf("%d bytes", len(a.body))
		}
	}
	if w.store.leftover != 0 {
		t.Errorf("%d bytes of copies were on the disk when the next ones were made", w.store.leftover)
	}
}

func TestOneBackupAtATime(t *testing.T) {
	w, o := prepare(t)
	w.store.backingUp = make(chan chan struct{})
	startAs(t, w, o)
	first := make(chan int, 1)
	go func() {
		res, err := http.Get(w.private + "/api/v1/backup")
		if err != nil {
			first <- 0
			return
		}
		res.Body.Close()
		first <- res.StatusCode
	}()
	gate := <-w.store.backingUp
	w.send("GET", w.private+"/api/v1/backup", "").isProblem(409, "already")
	close(gate)
	if status := <-first; status != 200 {
		t.Errorf("the first backup answered %d", status)
	}
	http.DefaultClient.CloseIdleConnections()
}

func TestPrivatePanicIsAProblem(t *testing.T) {
	w := begin(t, nil)
	w.router.whatIf = func(engine.WhatIf) (*engine.WhatIfResult, error) { panic("no luck") }
	w.send("POST", w.private+"/api/v1/route", `{"did": "918645658689"}`).isProblem(500, "log")
	w.wantMetric("switchboard_panics_total", "1")
	// Where it happened is told, though it is another goroutine that answers.
	if log := w.log.String(); !strings.Contains(log, `panic="no luck" stack=`) || !strings.Contains(log, "(*fakeRouter).WhatIf") {
		t.Errorf("the log does not tell of the panic:\n%s", log)
	}
}
