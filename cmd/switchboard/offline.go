package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"switchboard/engine"
	"switchboard/engine/history"
	"switchboard/engine/policy"
)

// offline is a server's private API without a server: the same code over a copy
// of a database, or over an empty one.
type offline struct {
	place    place
	policies string // folder; empty for the default
	db       string // database file; empty for no history
	trial    trial  // of the folder's tests; zero for the default

	historyOnly bool // nobody will ask what policies say
}

// openOffline builds the API in this process. The database is copied first, so
// that reading it changes no byte of it.
func openOffline(ctx context.Context, o offline) (_ *api, err error) {
	dir, err := os.MkdirTemp("", "switchboard-")
	if err != nil {
		return nil, err
	}
	cleanup := func() error { return os.RemoveAll(dir) }
	defer func() {
		if err != nil {
			err = errors.Join(err, cleanup())
		}
	}()
	db := filepath.Join(dir, "switchboard.db")
	if o.db != "" {
		if err := history.BackupFile(ctx, o.db, db); err != nil {
			return nil, err
		}
	}
	c := serveCmd{
		Listen: "127.0.0.1:0", PrivateListen: "127.0.0.1:0", KeyHeader: "X-Switchboard-Key",
		Policies: o.policies, DB: db, place: o.place, trial: trial{cmp.Or(o.trial.TestTimeout, policy.DefaultTestTimeout)}, RejectWith: "403",
		Deadline: engine.DefaultDeadline, PolicyDeadline: engine.DefaultPolicyDeadline,
		CallTTL: 30 * time.Minute, MaxConcurrent: engine.DefaultMaxConcurrent, MaxConnections: 1, withoutFolder: o.historyOnly,
	}
	p, err := c.build(ctx, slog.New(slog.DiscardHandler))
	if err != nil {
		return nil, err
	}
	if err = rebuilt(ctx, p.store); err == nil && !o.historyOnly {
		err = notLoaded(o.policies, p.manager.Status())
	}
	if err != nil {
		return nil, errors.Join(err, p.store.Close())
	}
	return &api{
		base: "http://127.0.0.1",
		http: http.Client{Transport: inProcess{p.server.PrivateHandler()}},
		close: func() error {
			return errors.Join(p.store.Close(), cleanup())
		},
	}, nil
}

// notLoaded is nil where the named folder was loaded. One that can't be read is a
// slip on the command line, as it is for check.
func notLoaded(named string, status engine.PolicyStatus) error {
	if status.Reload.OK {
		return nil
	}
	if _, _, err := readPolicies(named); err != nil {
		return err
	}
	return loadedError(status)
}

// loadedError says why a folder does not load. A server would go on with the
// archived set, but who asks what a folder would do wants to hear of the folder.
func loadedError(status engine.PolicyStatus) error {
	var text strings.Builder
	fmt.Fprintf(&text, "the policies in %s would not go live, so no call can be tried on them", status.Folder)
	for _, p := range status.Reload.Errors {
		fmt.Fprint(&text, "\n  ")
		printProblem(&text, "error", p)
	}
	err := &exitError{code: exitBroken, message: strings.TrimSuffix(text.String(), "\n")}
	var verdictOf *exitError
	if errors.As(verdict(status.Reload), &verdictOf) {
		err.code = verdictOf.code
	}
	return err
}

// rebuilt waits until the copy's index is whole: an answer from half a history
// would be a wrong one.
func rebuilt(ctx context.Context, store *history.Store) error {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for store.Status().Rebuilding {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
	return nil
}

// inProcess hands requests to a handler without a network.
type inProcess struct{ handler http.Handler }

// RoundTrip answers r by the handler.
func (t inProcess) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body == nil {
		r.Body = http.NoBody
	}
	r.RemoteAddr = "127.0.0.1:1"
	if r.Host == "" {
		r.Host = r.URL.Host
	}
	body, end := io.Pipe()
	w := &piped{header: http.Header{}, body: end, began: make(chan struct{})}
	go func() {
		defer func() {
			if p := recover(); p != nil { // how a handler breaks an answer off
				end.CloseWithError(io.ErrUnexpectedEOF) //nolint:errcheck // never fails
			}
			w.WriteHeader(http.StatusOK)
			end.Close() //nolint:errcheck // never fails
		}()
		t.handler.ServeHTTP(w, r)
	}()
	<-w.began
	return &http.Response{
		Status: http.StatusText(w.status), StatusCode: w.status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: w.sent, Body: body, ContentLength: -1, Request: r,
	}, nil
}

// piped is the answer of a handler, read while it is written: an export may be
// larger than memory.
type piped struct {
	header, sent http.Header
	status       int
	body         *io.PipeWriter
	began        chan struct{} // closed once status and sent are there
}

func (w *piped) Header() http.Header { return w.header }

func (w *piped) WriteHeader(status int) {
	if w.status == 0 {
		w.status, w.sent = status, w.header.Clone()
		close(w.began)
	}
}

func (w *piped) Write(b []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	return w.body.Write(b)
}
