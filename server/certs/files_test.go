package certs_test

import (
	"crypto/tls"
	"crypto/x509"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"switchboard/server/certs"
	"switchboard/server/certs/certstest"
)

var start = time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)

// disk is a folder with two files, a clock, and what was told.
type disk struct {
	t         *testing.T
	cert, key string
	clock     time.Time
	told      []certs.State
	files     *certs.Files
}

func newDisk(t *testing.T, name string, until time.Time) *disk {
	dir := t.TempDir()
	d := &disk{t: t, cert: filepath.Join(dir, "tls.crt"), key: filepath.Join(dir, "tls.key"), clock: start}
	d.renew(certstest.Issue(t, name, until))
	return d
}

func (d *disk) put(path string, content []byte) {
	d.t.Helper()
	if err := os.WriteFile(path, content, 0o600); err != nil {
		d.t.Fatal(err)
	}
	// A file that was just written may bear the time of the one before.
	d.clock = d.clock.Add(2 * time.Second)
	if err := os.Chtimes(path, d.clock, d.clock); err != nil {
		d.t.Fatal(err)
	}
}

func (d *disk) renew(cert, key []byte) {
	d.t.Helper()
	d.put(d.cert, cert)
	d.put(d.key, key)
}

func (d *disk) open() *disk {
	d.t.Helper()
	var err error
	d.files, err = certs.Open(d.cert, d.key, func() time.Time { return d.clock }, func(s certs.State) { d.told = append(d.told, s) })
	if err != nil {
		d.t.Fatal(err)
	}
	return d
}

// serves is the name that a handshake shows now.
func (d *disk) serves(want string) {
	d.t.Helper()
	c, err := d.files.Config().GetCertificate(&tls.ClientHelloInfo{})
	if err != nil {
		d.t.Fatal(err)
	}
	if got := c.Leaf.DNSNames[0]; got != want {
		d.t.Errorf("the certificate of %s serves, want %s", got, want)
	}
}

func TestRenewedFilesServeWithoutARestart(t *testing.T) {
	d := newDisk(t, "old.example", start.AddDate(0, 3, 0)).open()
	d.serves("old.example")
	if s := d.files.State(); s.Subject != "old.example" || !s.NotAfter.Equal(start.AddDate(0, 3, 0)) || s.Err != nil {
		t.Errorf("state %+v", s)
	}
	d.renew(certstest.Issue(t, "new.example", start.AddDate(0, 6, 0)))
	d.serves("new.example")
	d.clock = d.clock.Add(time.Minute)
	d.serves("new.example")
	if len(d.told) != 1 || d.told[0].Subject != "new.example" {
		t.Errorf("told %+v", d.told)
	}
}

func TestHalfARenewalLeavesTheOldOneInForce(t *testing.T) {
	d := newDisk(t, "old.example", start.AddDate(0, 3, 0)).open()
	cert, key := certstest.Issue(t, "new.example", start.AddDate(0, 6, 0))
	d.put(d.cert, cert) // the key is not there yet
	d.serves("old.example")
	d.clock = d.clock.Add(time.Minute)
	d.serves("old.example")
	if s := d.files.State(); s.Err == nil || s.Subject != "old.example" || !strings.Contains(s.Err.Error(), d.key) {
		t.Errorf("state %+v", s)
	}
	if len(d.told) != 1 || d.told[0].Err == nil {
		t.Errorf("one trouble was told %d times: %+v", len(d.told), d.told)
	}
	d.put(d.key, key)
	d.serves("new.example")
	if s := d.files.State(); s.Err != nil || len(d.told) != 2 {
		t.Errorf("state %+v, told %+v", s, d.told)
	}
}

func TestWhatCannotServeIsRefused(t *testing.T) {
	for name, spoil := range map[string]func(*disk){
		"gone":    func(d *disk) { _ = os.Remove(d.cert) },
		"no PEM":  func(d *disk) { d.put(d.cert, []byte("hello")) },
		"expired": func(d *disk) { d.renew(certstest.Issue(t, "late.example", start.AddDate(0, 0, -1))) },
	} {
		t.Run(name, func(t *testing.T) {
			d := newDisk(t, "old.example", start.AddDate(0, 3, 0)).open()
			spoil(d)
			if err := d.files.Reload(); err == nil || !strings.Contains(err.Error(), d.cert) {
				t.Errorf("Reload: %v", err)
			}
			d.serves("old.example")
		})
	}
	d := newDisk(t, "x", start)
	_ = os.Remove(d.key)
	if _, err := certs.Open(d.cert, d.key, time.Now, nil); err == nil || !strings.Contains(err.Error(), d.key) {
		t.Errorf("Open: %v", err)
	}
}

// Refusing to start would answer nobody; clients that look refuse it anyway.
func TestAnExpiredCertificateServesWhereThereIsNoOther(t *testing.T) {
	d := newDisk(t, "late.example", start.AddDate(0, 0, -1)).open()
	d.serves("late.example")
	if s := d.files.State(); !s.NotAfter.Before(start) {
		t.Errorf("state %+v", s)
	}
	d.renew(certstest.Issue(t, "later.example", start.AddDate(0, 0, -1)))
	d.serves("later.example")
}

func TestNamesOfACertificate(t *testing.T) {
	for name, want := range map[string]string{"a.example": "a.example", "192.0.2.1": "192.0.2.1", "": "cn"} {
		if got := newDisk(t, name, start.AddDate(1, 0, 0)).open().files.State().Subject; got != want {
			t.Errorf("%q is called %q", want, got)
		}
	}
}

func TestHandshake(t *testing.T) {
	d := newDisk(t, "real.example", time.Now().AddDate(1, 0, 0)).open()
	ln, err := tls.Listen("tcp", "127.0.0.1:0", d.files.Config())
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	done := make(chan error, 1)
	go func() {
		conn, err := ln.Accept()
		if err == nil {
			err = conn.(*tls.Conn).Handshake()
			conn.Close()
		}
		done <- err
	}()
	pool := x509.NewCertPool()
	pemText, _ := os.ReadFile(d.cert)
	pool.AppendCertsFromPEM(pemText)
	conn, err := tls.Dial("tcp", ln.Addr().String(), &tls.Config{RootCAs: pool, ServerName: "real.example"})
	if err != nil {
		t.Fatal(err)
	}
	conn.Close()
	if err := <-done; err != nil {
		t.Error(err)
	}
}
