package relay_test

import (
	"context"
	"crypto/x509"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"switchboard/engine"
	"switchboard/server/relay"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// deliver runs a relay over the network against one target until its first
// attempt is over, and tells how it went.
func deliver(t *testing.T, to relay.Target, change func(*relay.Options)) engine.RelayTarget {
	t.Helper()
	store := newFakeStore()
	to.Secrets = []string{secretA}
	o := relay.Options{Targets: []relay.Target{to}, Log: store, Outbox: store, Logger: slog.New(slog.DiscardHandler), Timeout: 5 * time.Second}
	if change != nil {
		change(&o)
	}
	r, err := relay.New(o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); _ = r.Run(ctx) }()
	defer func() { cancel(); <-done }()
	store.complete("c1")
	for deadline := time.Now().Add(20 * time.Second); ; {
		if s := r.Targets()[0]; s.Delivered+s.Failed > 0 {
			return s
		}
		if time.Now().After(deadline) {
			t.Fatal("no attempt was made")
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// at is a target at an address, whatever ParseTarget says to it: a name may
// resolve to anything.
func at(t *testing.T, address string) relay.Target {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	return relay.Target{ID: "crm", URL: u}
}

func TestTheAddressIsCheckedWhenItIsDialled(t *testing.T) {
	var hits atomic.Int64
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { hits.Add(1) }))
	defer s.Close()
	_, port, _ := net.SplitHostPort(s.Listener.Addr().String())
	for _, address := range []string{"http://127.0.0.1:", "https://127.0.0.1:", "http://localhost:", "http://[::ffff:127.0.0.1]:", "http://0.0.0.0:"} {
		got := deliver(t, at(t, address+port), nil)
		if got.Delivered != 0 || !strings.Contains(got.LastError, "--relay-allow-private") {
			t.Errorf("%s: %+v", address, got)
		}
	}
	// What is not encrypted stays inside, even where inside is allowed.
	got := deliver(t, at(t, "http://203.0.114.7:9/"), func(o *relay.Options) { o.AllowPrivate = true })
	if !strings.Contains(got.LastError, "use https") {
		t.Errorf("a public address without encryption: %+v", got)
	}
	if n := hits.Load(); n != 0 {
		t.Fatalf("%d requests reached a loopback address", n)
	}
	if got := deliver(t, at(t, "http://localhost:"+port), func(o *relay.Options) { o.AllowPrivate = true }); got.Delivered != 1 {
		t.Errorf("allowed: %+v", got)
	}
}

func TestAProxyOfTheEnvironmentIsNotUsed(t *testing.T) {
	proxy := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("the proxy was asked") }))
	defer proxy.Close()
	t.Setenv("HTTP_PROXY", proxy.URL)
	t.Setenv("HTTPS_PROXY", proxy.URL)
	if got := deliver(t, at(t, "http://203.0.114.7:9/"), func(o *relay.Options) { o.AllowPrivate = true }); got.Delivered != 0 {
		t.Errorf("%+v", got)
	}
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("it was followed") }))
	defer elsewhere.Close()
	for _, status := range []int{301, 302, 303, 307, 308} {
		s := httptest.NewServer(http.RedirectHandler(elsewhere.URL, status))
		got := deliver(t, at(t, s.URL), func(o *relay.Options) { o.AllowPrivate = true })
		if got.Failed != 1 || !strings.Contains(got.LastError, "redirects are not followed") {
			t.Errorf("%d: %+v", status, got)
		}
		s.Close()
	}
}

func TestCertificatesAreVerified(t *testing.T) {
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	s.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	s.StartTLS()
	defer s.Close()
	allow := func(o *relay.Options) { o.AllowPrivate = true }
	if got := deliver(t, at(t, s.URL), allow); got.Failed != 1 || !strings.Contains(got.LastError, "certificate") {
		t.Errorf("a certificate of nobody known: %+v", got)
	}
	pool := x509.NewCertPool()
	pool.AddCert(s.Certificate())
	known := &http.Transport{TLSClientConfig: s.Client().Transport.(*http.Transport).TLSClientConfig.Clone()}
	known.TLSClientConfig.RootCAs = pool
	if got := deliver(t, at(t, s.URL), func(o *relay.Options) { o.HTTP = known }); got.Delivered != 1 {
		t.Errorf("a certificate that is known: %+v", got)
	}
}

func TestAnAnswerIsBounded(t *testing.T) {
	allow := func(o *relay.Options) { o.AllowPrivate, o.Timeout = true, 2*time.Second }
	for name, c := range map[string]struct {
		handler http.HandlerFunc
		taken   bool
	}{
		"an endless body of a 200": {func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(200)
			_, _ = io.Copy(w, endless{})
		}, true},
		"an endless body of a 500": {func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(500)
			_, _ = io.Copy(w, endless{})
		}, false},
		"an endless header": {func(w http.ResponseWriter, r *http.Request) {
			for i := range 3000 {
				w.Header().Set(fmt.Sprintf("X-%d", i), strings.Repeat("x", 100))
			}
		}, false},
		"a body cut short": {func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", "100")
			_, _ = w.Write([]byte("short"))
		}, true},
		"no answer at all": {func(w http.ResponseWriter, r *http.Request) { panic(http.ErrAbortHandler) }, false},
		"a body that never ends and never comes": {func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(204)
			w.(http.Flusher).Flush()
			<-r.Context().Done()
		}, true},
	} {
		t.Run(name, func(t *testing.T) {
			s := httptest.NewServer(c.handler)
			defer s.Close()
			got := deliver(t, at(t, s.URL), allow)
			if (got.Delivered == 1) != c.taken || len(got.LastError) > 400 {
				t.Errorf("%+v", got)
			}
		})
	}
}

// endless is a body without end.
type endless struct{}

func (endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'x'
	}
	return len(p), nil
}
