package certs

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
	"sync"
	"time"
)

// lookEvery is how often a handshake looks whether the files changed.
const lookEvery = time.Second

// Files is a certificate (with its chain) and its key, both in PEM. Its methods
// may be called from any goroutine.
type Files struct {
	cert, key string
	now       func() time.Time
	onLoad    func(State)

	mu     sync.Mutex
	state  State
	serves *tls.Certificate
	stamp  string // of the files that were looked at last
	looked time.Time
}

// State is how a certificate stands.
type State struct {
	Subject  string    // the first name that it is for
	NotAfter time.Time // when it expires
	Err      error     // why the files that are there now are not in force; nil where they are
}

// Open loads the certificate. onLoad, where it is not nil, is told of each later
// attempt to load a changed one; it must not block.
func Open(cert, key string, now func() time.Time, onLoad func(State)) (*Files, error) {
	f := &Files{cert: cert, key: key, now: now}
	if err := f.Reload(); err != nil {
		return nil, err
	}
	f.onLoad = onLoad
	return f, nil
}

// Reload loads the files now. On an error the certificate in force stays.
func (f *Files) Reload() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.load(f.sight())
}

// State tells how the certificate stands.
func (f *Files) State() State {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.state
}

// Config is the server's side of TLS with this certificate.
func (f *Files) Config() *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: f.certificate}
}

// certificate serves a handshake. It never fails once a certificate was loaded.
func (f *Files) certificate(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if now := f.now(); now.Sub(f.looked).Abs() >= lookEvery {
		f.looked = now
		// What could not be read may have been read in the midst of a change.
		if stamp := f.sight(); stamp != f.stamp || f.state.Err != nil {
			_ = f.load(stamp) // told to onLoad
		}
	}
	return f.serves, nil
}

// sight tells one content of the files from another, without reading them. A
// link to them that is repointed shows as well.
func (f *Files) sight() string {
	stamp := ""
	for _, path := range []string{f.cert, f.key} {
		if info, err := os.Stat(path); err == nil {
			stamp += fmt.Sprint(info.ModTime().UnixNano(), info.Size(), os.FileMode(info.Mode()), " ")
		} else {
			stamp += "none "
		}
	}
	return stamp
}

func (f *Files) load(stamp string) error {
	pair, err := tls.LoadX509KeyPair(f.cert, f.key)
	if err == nil && f.serves != nil {
		err = better(pair.Leaf, f.serves.Leaf, f.now())
	}
	news := err == nil || stamp != f.stamp
	if err != nil {
		err = fmt.Errorf("the certificate %s with the key %s cannot be used: %w", f.cert, f.key, err)
		f.state.Err = err
	} else {
		f.serves, f.state = &pair, State{Subject: subject(pair.Leaf), NotAfter: pair.Leaf.NotAfter}
	}
	f.stamp, f.looked = stamp, f.now()
	if f.onLoad != nil && news {
		f.onLoad(f.state)
	}
	return err
}

// better refuses an expired certificate where the one in force is not. At the
// start an expired one serves: some clients do not look, and they would get no
// answer at all else.
func better(leaf, serves *x509.Certificate, now time.Time) error {
	if now.After(leaf.NotAfter) && !now.After(serves.NotAfter) {
		return fmt.Errorf("it expired on %s; renew it", leaf.NotAfter.Format(time.DateOnly))
	}
	return nil
}

func subject(leaf *x509.Certificate) string {
	if len(leaf.DNSNames) > 0 {
		return leaf.DNSNames[0]
	}
	if len(leaf.IPAddresses) > 0 {
		return leaf.IPAddresses[0].String()
	}
	return leaf.Subject.CommonName
}
