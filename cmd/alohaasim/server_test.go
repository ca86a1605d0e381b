package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/tailscale/hujson"
)

// goodServer keeps the contract. Fields bend single promises: an answer that is
// not nil replaces the good one.
type goodServer struct {
	answer   func(seen int, in map[string]string) (status int, contentType, body string) // seen counts this call_id's initiations from 1
	complete func(seen int, in map[string]string) (status int, contentType, body string)
	before   func(r *http.Request) // runs before anything else

	mu          sync.Mutex
	initiations map[string][]map[string]string // by call_id
	completions map[string][]string            // raw bodies by call_id
	seen        []string                       // method, path and canonical content, in order of arrival
	keys        []string
}

func newGoodServer() *goodServer {
	return &goodServer{initiations: map[string][]map[string]string{}, completions: map[string][]string{}}
}

func (s *goodServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if s.before != nil {
		s.before(r)
	}
	raw, _ := io.ReadAll(r.Body)
	in, err := decodePayload(r, raw)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	id := in["call_id"]
	s.mu.Lock()
	defer s.mu.Unlock()
	s.keys = append(s.keys, r.Header.Get("X-Switchboard-Key")+"|"+r.URL.Query().Get("key")+"|"+r.Header.Get("Authorization"))
	status, contentType, body := http.StatusOK, "application/json", ""
	switch r.URL.Path {
	case initiationPath:
		s.initiations[id] = append(s.initiations[id], in)
		s.seen = append(s.seen, fmt.Sprintf("initiation %s %s %s", id, in["caller_number"], in["did"]))
		body = `{"response": {"call_forwarding_number": "9876543210", "call_timeout": 0}}`
		if s.answer != nil {
			status, contentType, body = s.answer(len(s.initiations[id]), in)
		}
	case completionPath:
		result := "stored"
		if slices.Contains(s.completions[id], string(raw)) {
			result = "duplicate"
		}
		s.completions[id] = append(s.completions[id], string(raw))
		s.seen = append(s.seen, fmt.Sprintf("completion %s %s %s %s", id, in["receiver_number"], in["call_status"], in["call_duration"]))
		body = `{"status": "` + result + `"}`
		if s.complete != nil {
			status, contentType, body = s.complete(len(s.completions[id]), in)
		}
	default:
		status, contentType, body = http.StatusNotFound, "text/plain", "no such path"
	}
	if contentType != "" {
		w.Header().Set("Content-Type", contentType)
	} else {
		w.Header()["Content-Type"] = nil
	}
	w.WriteHeader(status)
	io.WriteString(w, body)
}

// decodePayload reads a message as a tolerant server does, with both names of
// the DID as one and numbers by their last ten digits.
func decodePayload(r *http.Request, raw []byte) (map[string]string, error) {
	in := map[string]string{}
	trimmed := bytes.TrimSpace(raw)
	switch {
	case r.Method == http.MethodGet || !bytes.HasPrefix(trimmed, []byte("{")):
		values := r.URL.Query()
		if r.Method != http.MethodGet {
			if got := r.Header.Get("Content-Type"); got != formType {
				return nil, fmt.Errorf("form labelled %q", got)
			}
			var err error
			if values, err = url.ParseQuery(string(raw)); err != nil {
				return nil, err
			}
		}
		for name := range values {
			in[name] = values.Get(name)
		}
	default:
		plain, err := hujson.Standardize(trimmed)
		if err != nil {
			return nil, err
		}
		dec := json.NewDecoder(bytes.NewReader(plain))
		dec.UseNumber()
		var members map[string]any
		if err := dec.Decode(&members); err != nil {
			return nil, err
		}
		for name, value := range members {
			if value == nil {
				value = ""
			}
			in[name] = fmt.Sprint(value)
		}
	}
	if did, ok := in["did_number"]; ok {
		delete(in, "did_number")
		in["did"] = did
	}
	for _, name := range []string{"did", "caller_number", "receiver_number"} {
		digits := strings.NewReplacer("+", "", "-", "", " ", "").Replace(in[name])
		if len(digits) > 10 && strings.Trim(digits, "0123456789") == "" {
			in[name] = digits[len(digits)-10:]
		}
	}
	return in, nil
}

// inMemory carries requests to a handler without a network, so that a run can
// live in a synctest bubble.
type inMemory struct{ http.Handler }

func (m inMemory) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Body == nil {
		req.Body = http.NoBody
	}
	recorder, done := httptest.NewRecorder(), make(chan struct{})
	go func() {
		defer close(done)
		m.ServeHTTP(recorder, req)
	}()
	select {
	case <-done:
		return recorder.Result(), nil
	case <-req.Context().Done():
		return nil, req.Context().Err()
	}
}

// patient keeps a starved machine from breaking a promise in tests that run in
// real time. What is late is tested in a bubble, where time is exact.
var patient = []string{"--fail-slow", "0s", "--timeout", "1m"}

// flags returns validated options as the command line would give them.
func flags(t *testing.T, args ...string) *options {
	t.Helper()
	var o options
	if _, err := parse(&o, args, io.Discard, io.Discard); err != nil {
		t.Fatal(err)
	}
	if err := o.validate(); err != nil {
		t.Fatal(err)
	}
	return &o
}

// playInMemory runs the emulator against a handler and returns its exit code
// and its report.
func playInMemory(t *testing.T, ctx context.Context, h http.Handler, args ...string) (int, report) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	code := emulate(ctx, flags(t, slices.Concat(patient, args, []string{"--json"})...), inMemory{h}, &stdout, &stderr)
	var r report
	if err := json.Unmarshal(stdout.Bytes(), &r); err != nil {
		t.Fatalf("the report is no JSON: %v\n%s%s", err, &stdout, &stderr)
	}
	return code, r
}

// brokenCounts is the report's list as a map.
func brokenCounts(r report) map[promise]int {
	counts := map[promise]int{}
	for _, b := range r.Broken {
		counts[b.Promise] = b.Count
	}
	return counts
}
