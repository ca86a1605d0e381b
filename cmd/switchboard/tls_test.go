package main

import (
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"switchboard/server/certs/certstest"
)

var certificateEnd = time.Now().AddDate(1, 0, 0)

// trusting is a client that trusts a certificate.
func trusting(t *testing.T, certPEM []byte) *http.Client {
	t.Helper()
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(certPEM)
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}, ForceAttemptHTTP2: true}, Timeout: time.Minute}
	t.Cleanup(client.CloseIdleConnections)
	return client
}

// TestBothListenersWithCertificates serves with TLS and renews the files; the
// command line talks to it by the system's own way of trusting somebody.
func TestBothListenersWithCertificates(t *testing.T) {
	dir := t.TempDir()
	renew := func() []byte {
		certPEM, keyPEM := certstest.Issue(t, "127.0.0.1", certificateEnd)
		for name, text := range map[string][]byte{"tls.crt": certPEM, "tls.key": keyPEM} {
			if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		return certPEM
	}
	old := renew()
	p := startProcess(t, dir, "--tls-cert", "tls.crt", "--tls-key", "tls.key", "--private-tls-cert", "tls.crt", "--private-tls-key", "tls.key")
	public, private := strings.Replace(p.public, "http:", "https:", 1), strings.Replace(p.private, "http:", "https:", 1)
	status := func(client *http.Client, url string) error {
		resp, err := client.Get(url)
		if err == nil {
			resp.Body.Close()
		}
		return err
	}
	if err := status(trusting(t, old), public+"/healthz"); err != nil {
		t.Error(err)
	}
	list := exec.Command(switchboardBinary(t), "calls", "list", "--server", private)
	list.Dir, list.Env = dir, append(os.Environ(), "SSL_CERT_FILE=tls.crt")
	if out, err := list.CombinedOutput(); err != nil {
		t.Errorf("calls list: %v\n%s", err, out)
	}
	fresh := renew()
	poll(t, "the renewed certificate", func() bool { return status(trusting(t, fresh), private+"/api/v1/status") == nil })
	if err := status(trusting(t, old), private+"/api/v1/status"); err == nil {
		t.Error("the old certificate still serves")
	}
	p.terminate(t)
}
