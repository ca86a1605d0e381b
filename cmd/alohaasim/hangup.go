package main

import (
	"context"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"time"
)

// hangupPath and hangupKeyHeader are the provider's, as are the codes below
// (docs.alohaa.ai, api/call-hangup-api-number-masking).
const (
	hangupPath      = "/v1/external/call/hangup"
	hangupKeyHeader = "x-metro-api-key"

	codeBadKey    = 1002
	codeBadSchema = 1009
	codeNoCall    = 1040
)

// lines are the calls on which people are talking. They answer the provider's
// hangup API. A nil *lines has none.
type lines struct {
	key string

	mu   sync.Mutex
	open map[string]chan struct{} // closed by who hangs up
}

// talking notes that a call is on; the channel ends when somebody hangs it up.
func (l *lines) talking(id string) <-chan struct{} {
	if l == nil {
		return nil
	}
	ended := make(chan struct{})
	l.mu.Lock()
	defer l.mu.Unlock()
	l.open[id] = ended
	return ended
}

// over notes that a call ended by itself.
func (l *lines) over(id string) {
	if l == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.open, id)
}

// hangUp reports false for a call that is not on.
func (l *lines) hangUp(id string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	ended, on := l.open[id]
	if on {
		close(ended)
		delete(l.open, id)
	}
	return on
}

// ServeHTTP is the hangup API. The HTTP status of a refusal is not documented;
// the code in the body is what a client goes by.
func (l *lines) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var in struct {
		CallID string `json:"call_id"`
	}
	err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 64<<10)).Decode(&in)
	switch {
	case subtle.ConstantTimeCompare([]byte(r.Header.Get(hangupKeyHeader)), []byte(l.key)) != 1:
		refuseHangup(w, codeBadKey, "Invalid API key")
	case err != nil || in.CallID == "":
		refuseHangup(w, codeBadSchema, "Invalid request schema")
	case !l.hangUp(in.CallID):
		refuseHangup(w, codeNoCall, "Call details not found")
	default:
		writeHangup(w, map[string]any{"success": true, "response": map[string]string{"call_id": in.CallID}})
	}
}

func refuseHangup(w http.ResponseWriter, code int, reason string) {
	writeHangup(w, map[string]any{"success": false, "error": map[string]any{"code": code, "reason": reason}})
}

func writeHangup(w http.ResponseWriter, reply any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(reply) // a client that hung up itself needs none
}

// serveHangups answers the hangup API at an address until stop is called, and
// says where.
func serveHangups(address, key string, stderr io.Writer) (l *lines, stop func(), err error) {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return nil, nil, fmt.Errorf("--hangup-listen: %w", err)
	}
	l = &lines{key: key, open: map[string]chan struct{}{}}
	mux := http.NewServeMux()
	mux.Handle("POST "+hangupPath, l)
	server := &http.Server{Handler: mux, ReadTimeout: 5 * time.Second, WriteTimeout: 5 * time.Second, IdleTimeout: time.Minute}
	var serving sync.WaitGroup
	serving.Go(func() {
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			fmt.Fprintf(stderr, "alohaasim: the hangup API ended: %v\n", err)
		}
	})
	fmt.Fprintf(stderr, "hangup API at http://%s\n", listener.Addr())
	return l, func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_ = server.Shutdown(ctx)
		_ = server.Close()
		serving.Wait()
	}, nil
}
