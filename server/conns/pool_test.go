package conns_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"switchboard/server/conns"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// house is a server with few places.
type house struct {
	t       *testing.T
	pool    *conns.Pool
	addr    string
	entered chan struct{} // a request at /wait has begun
	leave   chan struct{} // lets those at /wait go
}

func open(t *testing.T, most int) *house {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	h := &house{t: t, pool: conns.NewPool(most), addr: ln.Addr().String(), entered: make(chan struct{}, 100), leave: make(chan struct{})}
	mux := http.NewServeMux()
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "hello") })
	mux.HandleFunc("/wait", func(w http.ResponseWriter, _ *http.Request) { h.entered <- struct{}{}; <-h.leave })
	srv := &http.Server{Handler: mux, ConnState: h.pool.Track}
	done := make(chan error, 1)
	go func() { done <- srv.Serve(h.pool.Listener(ln)) }()
	t.Cleanup(func() {
		if err := srv.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
		if err := <-done; !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
		h.until("every place is free", func(s conns.Stats) bool { return s.Open == 0 })
	})
	return h
}

// until waits for the pool to stand so.
func (h *house) until(what string, is func(conns.Stats) bool) {
	h.t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !is(h.pool.Stats()); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			h.t.Fatalf("waited in vain until %s: %+v", what, h.pool.Stats())
		}
	}
}

// visitor is a connection.
type visitor struct {
	t    *testing.T
	conn net.Conn
	read *bufio.Reader
}

func (h *house) dial() *visitor {
	h.t.Helper()
	conn, err := net.Dial("tcp", h.addr)
	if err != nil {
		h.t.Fatal(err)
	}
	_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
	h.t.Cleanup(func() { conn.Close() })
	return &visitor{h.t, conn, bufio.NewReader(conn)}
}

func (v *visitor) ask(path string) { fmt.Fprintf(v.conn, "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", path) }

func (v *visitor) answered() error {
	resp, err := http.ReadResponse(v.read, nil)
	if err != nil {
		return err
	}
	return resp.Body.Close()
}

func (v *visitor) isIn(path string) *visitor {
	v.t.Helper()
	v.ask(path)
	if err := v.answered(); err != nil {
		v.t.Fatalf("%s: %v", path, err)
	}
	// The rest of the answer; the connection is at rest behind it.
	if _, err := v.read.Discard(v.read.Buffered()); err != nil {
		v.t.Fatal(err)
	}
	return v
}

func (v *visitor) isOut() {
	v.t.Helper()
	if _, err := v.read.ReadByte(); err == nil {
		v.t.Error("the connection still stands")
	}
}

func TestSilentConnectionsGoFirst(t *testing.T) {
	h := open(t, 3)
	resting := h.dial().isIn("/")
	first, second := h.dial(), h.dial()
	h.until("all places are taken", func(s conns.Stats) bool { return s.Open == 3 })
	third := h.dial().isIn("/")
	first.isOut()
	fourth := h.dial().isIn("/")
	second.isOut()
	// Then the one that has rested for longest.
	third.isIn("/")
	resting.isIn("/")
	h.dial().isIn("/")
	fourth.isOut()
	if s := h.pool.Stats(); s.Evicted != 3 || s.Open != 3 {
		t.Errorf("%+v", s)
	}
}

func TestRequestsAtWorkAreLeftAlone(t *testing.T) {
	h := open(t, 2)
	a, b := h.dial(), h.dial()
	for _, v := range []*visitor{a, b} {
		v.ask("/wait")
		<-h.entered
	}
	waiting := h.dial()
	waiting.ask("/")
	// The one that waits comes in as soon as a place is free.
	close(h.leave)
	for _, v := range []*visitor{a, b, waiting} {
		if err := v.answered(); err != nil {
			t.Error(err)
		}
	}
}

func TestThousandsOfSilentConnectionsKeepNobodyOut(t *testing.T) {
	h := open(t, 50)
	for range 1000 {
		h.dial()
	}
	for range 20 {
		h.dial().isIn("/")
	}
	if s := h.pool.Stats(); s.Open > 50 || s.Evicted < 950 {
		t.Errorf("%+v", s)
	}
}

func TestClosingEndsTheWaitForAPlace(t *testing.T) {
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	pool := conns.NewPool(0) // one place
	ln := pool.Listener(inner)
	dial := func() {
		conn, err := net.Dial("tcp", inner.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
	}
	dial()
	first, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer first.Close()
	pool.Track(first, http.StateActive)
	dial()
	done := make(chan error, 1)
	go func() { _, err := ln.Accept(); done <- err }()
	if err := ln.Close(); err != nil {
		t.Fatal(err)
	}
	_ = ln.Close() // twice is no panic
	if err := <-done; !errors.Is(err, net.ErrClosed) {
		t.Errorf("Accept: %v", err)
	}
	pool.Track(inner2{}, http.StateIdle) // not one of ours
	if s := pool.Stats(); s.Open != 1 || s.Evicted != 0 {
		t.Errorf("%+v", s)
	}
}

type inner2 struct{ net.Conn }

// net/http ends an answer to a request that it did not read by closing its half;
// the answer may be lost where it can't.
func TestHalfOfAConnectionCloses(t *testing.T) {
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ln := conns.NewPool(1).Listener(inner)
	defer ln.Close()
	client, err := net.Dial("tcp", inner.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	served, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer served.Close()
	if _, err := served.(io.ReaderFrom).ReadFrom(strings.NewReader("answer")); err != nil {
		t.Fatal(err)
	}
	if err := served.(interface{ CloseWrite() error }).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(client); err != nil || string(got) != "answer" {
		t.Errorf("read %q, %v", got, err)
	}
	if _, err := client.Write([]byte("more")); err != nil {
		t.Errorf("the other half is closed too: %v", err)
	}
}
