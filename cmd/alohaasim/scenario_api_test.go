package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// onStage is a stage whose private API is h.
func onStage(t *testing.T, h http.HandlerFunc, args ...string) *stage {
	t.Helper()
	s := emptyStage(t, args...)
	s.api.transport = inMemory{h}
	return s
}

func TestRequestsToThePrivateAPI(t *testing.T) {
	var seen string
	s := onStage(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		seen = fmt.Sprintf("%s %s|%s|%s|%s|%s", r.Method, r.URL.EscapedPath(), r.Host, r.Header.Get("Authorization"), r.Header.Get("Content-Type"), body)
		fmt.Fprint(w, `{"did": "918645658689"}`)
	}, "--private", "http://127.0.0.1:9/behind/", "--private-token", "hush")
	var session struct{ DID string }
	if _, ok := s.tell(t.Context(), http.MethodPut, v1("sessions", "a/b?c"), map[string]int{"n": 1}, &session, 200); !ok || session.DID != "918645658689" {
		t.Errorf("%t, %+v, %v", ok, session, s.player.tally.broken)
	}
	if want := `PUT /behind/api/v1/sessions/a%2Fb%3Fc|127.0.0.1:9|Bearer hush|application/json|{"n":1}`; seen != want {
		t.Errorf("sent %s\nwant %s", seen, want)
	}
	if _, ok := s.tell(t.Context(), http.MethodGet, v1("calls"), nil, nil, 200); !ok || seen != "GET /behind/api/v1/calls|127.0.0.1:9|Bearer hush||" {
		t.Errorf("sent %s", seen)
	}
}

func TestRefusalsOfThePrivateAPI(t *testing.T) {
	for want, answer := range map[string]struct {
		status int
		body   string
	}{
		"HTTP 503, want [200 204]: {\"detail\": \"no room\"}": {503, `{"detail": "no room"}`},
		"HTTP 401, want [200 204]: (empty)":                   {401, ""},
		"not the JSON that is wanted":                         {200, "<html>"},
	} {
		s := onStage(t, func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(answer.status)
			fmt.Fprint(w, answer.body)
		})
		_, ok := s.tell(t.Context(), http.MethodDelete, v1("sessions", "order-1"), nil, &struct{}{}, 200, 204)
		breach := s.player.tally.broken[apiRefused]
		if ok || breach == nil || !strings.Contains(breach.examples[0].Detail, want) || !strings.HasPrefix(breach.examples[0].Detail, "DELETE order-1: ") {
			t.Errorf("%s: ok %t, %+v", want, ok, breach)
		}
	}
}

func TestPrivateAPIThatNeverAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := onStage(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, "--timeout", "3s")
		start := time.Now()
		_, ok := s.tell(t.Context(), http.MethodGet, v1("calls"), nil, nil, 200)
		breach := s.player.tally.broken[apiRefused]
		if ok || breach == nil || !strings.Contains(breach.examples[0].Detail, errTimeout.Error()) || time.Since(start) != 3*time.Second {
			t.Errorf("ok %t after %s, %+v", ok, time.Since(start), breach)
		}
	})
}

type refusing struct{}

func (refusing) RoundTrip(*http.Request) (*http.Response, error) {
	return nil, &net.OpError{Op: "dial", Err: errors.New("nobody listens")}
}

func TestPrivateAPIThatIsNotThereEndsTheRun(t *testing.T) {
	var cause error
	s := emptyStage(t)
	s.api.transport, s.player.stop = refusing{}, func(err error) { cause = err }
	_, ok := s.tell(t.Context(), http.MethodGet, v1("calls"), nil, nil, 200)
	var gone *unreachableError
	if ok || !errors.As(cause, &gone) || !strings.Contains(cause.Error(), s.opts.Private) || len(s.player.tally.broken) > 0 {
		t.Errorf("ok %t, cause %v", ok, cause)
	}
}

// What the history says must be what the caller heard, in any spelling.
func TestRecordsAreHeldAgainstAnswers(t *testing.T) {
	for body, test := range map[string]struct {
		reached string
		want    promise
	}{
		`{"decision": {"call_forwarding_number": "9876543210", "source": "policy"}}`:   {"9876543210", ""},
		`{"decision": {"call_forwarding_number": "9876543210", "source": "fallback"}}`: {"919876543210", ""},
		`{"decision": {"reject": true, "source": "rejected"}}`:                         {"", ""},
		`{"decision": {"call_forwarding_number": "9876543211", "source": "policy"}}`:   {"9876543210", recordDiffer},
		`{"decision": {"reject": true, "source": "rejected", "reason": "x"}}`:          {"9876543210", recordDiffer},
		`{"decision": {"call_forwarding_number": "9876543212", "source": "policy"}}`:   {"", recordDiffer},
		`{"decision": null}`: {"9876543210", recordDiffer},
	} {
		asked := 0
		s := onStage(t, func(w http.ResponseWriter, _ *http.Request) { asked++; fmt.Fprint(w, body) })
		r := heard("9988912345", "918645658689", test.reached)
		s.explain(t.Context(), r, &rung{})
		s.explain(t.Context(), r)
		if got := s.player.tally.breakages(); asked != 1 || (test.want == "") != (len(got) == 0) || test.want != "" && got[test.want] != 1 {
			t.Errorf("%s for %q: asked %d times, broken %v", body, test.reached, asked, got)
		}
	}
}
