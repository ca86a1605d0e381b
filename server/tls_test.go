package server_test

import (
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"switchboard/server"
	"switchboard/server/certs"
	"switchboard/server/certs/certstest"
)

// encrypted starts a server whose listeners both speak TLS, and gives the client
// that trusts it.
func encrypted(t *testing.T, until time.Time, change func(*server.Options)) (w *world, cert, key string) {
	t.Helper()
	dir := t.TempDir()
	cert, key = filepath.Join(dir, "tls.crt"), filepath.Join(dir, "tls.key")
	pool := x509.NewCertPool()
	renew(t, cert, key, pool, until)
	w, o := prepare(t)
	files, err := certs.Open(cert, key, time.Now, nil)
	if err != nil {
		t.Fatal(err)
	}
	o.TLS, o.PrivateTLS = files, files
	if change != nil {
		change(&o)
	}
	startAs(t, w, o)
	w.public, w.private = strings.Replace(w.public, "http:", "https:", 1), strings.Replace(w.private, "http:", "https:", 1)
	w.client.Transport = &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}, ForceAttemptHTTP2: true, DisableCompression: true}
	return w, cert, key
}

func renew(t *testing.T, cert, key string, pool *x509.CertPool, until time.Time) {
	t.Helper()
	certPEM, keyPEM := certstest.Issue(t, "127.0.0.1", until)
	for path, text := range map[string][]byte{cert: certPEM, key: keyPEM} {
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	pool.AppendCertsFromPEM(certPEM)
}

func TestBothListenersSpeakTLS(t *testing.T) {
	w, _, _ := encrypted(t, time.Now().AddDate(1, 0, 0), func(o *server.Options) { o.Heartbeat, o.PrivateTimeout = 10*time.Millisecond, 200*time.Millisecond })
	w.send("POST", w.public+initiation, `{"did": "918645658689"}`).is(200, forwarded)
	w.send("POST", w.public+completion, `{"call_id": "c1", "did": "918645658689"}`).is(200, `{"status":"stored"}`)
	a := w.send("GET", w.private+"/api/v1/status", "").is200()
	if !strings.Contains(a.body, `"public_tls":{"name":"127.0.0.1","expires":"`) || strings.Contains(a.body, "certificate expires on") {
		t.Errorf("status %s", a.body)
	}
	if got := w.metric(`switchboard_tls_certificate_expiry_timestamp_seconds{listener="public"}`); got == "" {
		t.Error("no metric tells when the certificate expires")
	}
	// A stream outlives the timeouts under HTTP/2 as well.
	stream := w.watch("")
	stream.want("hello", &hello{})
	for began := time.Now(); time.Since(began) < 600*time.Millisecond; {
		if _, err := stream.lines.ReadString('\n'); err != nil {
			t.Fatalf("after %v: %v", time.Since(began), err)
		}
	}
	// Who speaks no TLS gets no answer, and no number.
	plain, err := http.Post(strings.Replace(w.public, "https:", "http:", 1)+initiation, "application/json", strings.NewReader(`{"did": "918645658689"}`))
	if err == nil {
		plain.Body.Close()
		if plain.StatusCode != http.StatusBadRequest {
			t.Errorf("plain HTTP is answered %d", plain.StatusCode)
		}
	}
}

func TestCertificatesThatNeedSomebodyAreWarnedOf(t *testing.T) {
	for says, until := range map[string]time.Time{
		"certificate expires on": time.Now().AddDate(0, 0, 13),
		"certificate expired on": time.Now().Add(-time.Hour),
	} {
		w, cert, _ := encrypted(t, until, nil)
		w.client.Transport.(*http.Transport).TLSClientConfig.InsecureSkipVerify = true
		a := w.send("GET", w.private+"/api/v1/status", "").is200()
		if !strings.Contains(a.body, says) {
			t.Errorf("status lacks %q: %s", says, a.body)
		}
		if err := os.WriteFile(cert, []byte("torn"), 0o600); err != nil {
			t.Fatal(err)
		}
		for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(20 * time.Millisecond) {
			w.client.CloseIdleConnections() // it is a handshake that looks
			if strings.Contains(w.send("GET", w.private+"/api/v1/status", "").body, "goes on with its old certificate") {
				break
			}
			if time.Now().After(deadline) {
				t.Fatal("status says nothing of a certificate that cannot be read")
			}
		}
	}
}

func TestIdleConnectionsKeepNobodyOut(t *testing.T) {
	w := begin(t, func(o *server.Options) { o.MaxConnections = 20 })
	for range 200 {
		w.dial()
	}
	for range 5 {
		w.client.CloseIdleConnections()
		w.send("POST", w.public+initiation, `{"did": "918645658689"}`).is(200, forwarded)
	}
	if got := w.metric(`switchboard_connections_evicted_total{listener="public"}`); got == "" || got == "0" {
		t.Errorf("%s connections evicted", got)
	}
}
