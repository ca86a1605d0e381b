package main

import (
	"bytes"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
)

func TestLoopbackHosts(t *testing.T) {
	for host, want := range map[string]bool{
		"127.0.0.1": true, "127.8.9.1": true, "::1": true, "::ffff:127.0.0.1": true, "localhost": true, "LOCALHOST.": true, "app.localhost": true,
		"0.0.0.0": false, "192.168.1.2": false, "localhost.example": false, "notlocalhost": false, "": false, "127.0.0.1.example": false,
	} {
		if got := mayBeLoopback(host); got != want {
			t.Errorf("%q: %t", host, got)
		}
	}
}

// A name that passes as local may still resolve to another machine: the dialer
// looks at the address.
func TestDialerRefusesOtherAddresses(t *testing.T) {
	transport := newTransport(flags(t))
	defer transport.CloseIdleConnections()
	_, err := transport.DialContext(t.Context(), "tcp", "192.0.2.1:80")
	if err == nil || !strings.Contains(err.Error(), errRemote.Error()) {
		t.Fatalf("got %v", err)
	}
	if !isUnreachable(err) || !strings.Contains(unreachableHint("http://x", err), "name a loopback address") {
		t.Errorf("hint is %q", unreachableHint("http://x", err))
	}
}

// The environment may name a proxy; calls must not leave the machine by it.
func TestNoProxyIsUsed(t *testing.T) {
	t.Setenv("HTTP_PROXY", "http://192.0.2.1:3128")
	if transport := newTransport(flags(t)); transport.Proxy != nil {
		t.Error("the transport would use a proxy")
	}
}

// Connections are kept and reused: a run makes no more than can be busy at once.
func TestConnectionsAreReused(t *testing.T) {
	var opened atomic.Int64
	web := httptest.NewUnstartedServer(newGoodServer())
	web.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			opened.Add(1)
		}
	}
	web.Start()
	defer web.Close()
	var stdout, stderr bytes.Buffer
	code := run(t.Context(), append(patient, "--target", web.URL, "--calls", "500", "--concurrency", "4", "--simultaneous", "0.5"), &stdout, &stderr)
	// A connection opened for a request may lose it to one that became free, so
	// the pool can hold a few more than are busy.
	if n := opened.Load(); code != exitGood || n > 12 {
		t.Errorf("exit %d, %d connections for 4 workers\n%s", code, n, &stdout)
	}
}

func TestPathPrefixAndIPv6Targets(t *testing.T) {
	for target, want := range map[string]string{
		"http://127.0.0.1:8080":        "http://127.0.0.1:8080/alohaa/get-receiver-details",
		"http://127.0.0.1:8080/":       "http://127.0.0.1:8080/alohaa/get-receiver-details",
		"https://[::1]:9/behind/proxy": "https://[::1]:9/behind/proxy/alohaa/get-receiver-details",
	} {
		s, err := newSender(flags(t, "--target", target), nil)
		if err != nil {
			t.Fatal(err)
		}
		req, err := s.request(t.Context(), initiationPath, message{method: "POST"})
		if err != nil || req.URL.String() != want {
			t.Errorf("%s: %v, %v", target, req.URL, err)
		}
	}
}
