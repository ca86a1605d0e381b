package server_test

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"switchboard/server"
)

// wire is a bare connection to the public listener.
type wire struct {
	t    *testing.T
	conn net.Conn
	read *bufio.Reader
}

func (w *world) dial() *wire { return w.dialTo(w.public) }

func (w *world) dialTo(base string) *wire {
	w.t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(base, "http://"))
	if err != nil {
		w.t.Fatal(err)
	}
	// A server that never answers fails the test instead of hanging it.
	if err := conn.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { conn.Close() })
	return &wire{w.t, conn, bufio.NewReader(conn)}
}

func (c *wire) write(text string) {
	c.t.Helper()
	if _, err := c.conn.Write([]byte(text)); err != nil {
		c.t.Fatal(err)
	}
}

func (c *wire) answer(method string) answer {
	c.t.Helper()
	res, err := http.ReadResponse(c.read, &http.Request{Method: method})
	if err != nil {
		c.t.Fatal(err)
	}
	return readAnswer(c.t, res)
}

func TestBodyThatNeverComes(t *testing.T) {
	w := begin(t, func(o *server.Options) { o.ReadTimeout = 100 * time.Millisecond })
	for _, path := range []string{initiation, completion} {
		conn := w.dial()
		conn.write("POST " + path + " HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{\"did\": ")
		conn.answer("POST").isProblem(408, "100ms")
	}
	if len(w.store.quarantined()) != 0 || len(w.router.initiations()) != 0 {
		t.Error("half a body was taken for a whole one")
	}
}

func TestBodyThatBreaksOff(t *testing.T) {
	w := begin(t, nil)
	conn := w.dial()
	conn.write("POST " + completion + " HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{\"call_id\": \"c1\"}")
	if err := conn.conn.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	conn.answer("POST").isProblem(400, "broke off")
	conn = w.dial()
	conn.write("POST " + completion + " HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nnonsense\r\n")
	conn.answer("POST").isProblem(400, "broke off")
	if len(w.store.completions) != 0 {
		t.Error("half a body was taken for a whole one")
	}
}

func TestHeaderThatNeverEnds(t *testing.T) {
	w := begin(t, func(o *server.Options) { o.HeaderTimeout = 50 * time.Millisecond })
	conn := w.dial()
	conn.write("POST " + completion + " HTTP/1.1\r\nHost: x\r\nX-Slow: ")
	if rest, err := io.ReadAll(conn.read); err != nil || len(rest) > 0 {
		t.Errorf("read %q, %v; want the connection closed", rest, err)
	}
}

func TestHeaderThatIsTooLarge(t *testing.T) {
	w := begin(t, nil)
	conn := w.dial()
	conn.write("GET /healthz HTTP/1.1\r\nHost: x\r\nX-Large: " + strings.Repeat("x", 64<<10) + "\r\n\r\n")
	if a := conn.answer("GET"); a.status != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("answered %d, want 431", a.status)
	}
}

// A provider that hangs up too early still told us how the call went.
func TestCompletionOutlivesItsSender(t *testing.T) {
	w := begin(t, nil)
	hungUp, took := make(chan struct{}), make(chan error, 1)
	w.store.completing = func(ctx context.Context) {
		<-hungUp
		// The server notices at once that the connection is gone; what it passed
		// on must not.
		select {
		case <-ctx.Done():
			took <- ctx.Err()
		case <-time.After(200 * time.Millisecond):
			took <- nil
		}
	}
	conn := w.dial()
	conn.write("POST " + completion + " HTTP/1.1\r\nHost: x\r\nContent-Length: 17\r\n\r\n{\"call_id\": \"c1\"}")
	conn.conn.Close()
	close(hungUp)
	select {
	case err := <-took:
		if err != nil {
			t.Errorf("the store was told to stop: %v", err)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("the completion never reached the store")
	}
}
