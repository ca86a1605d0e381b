package main

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

const goodBody = `{"response": {"call_forwarding_number": "9876543210", "call_timeout": 0}}`

// Each server breaks one promise on every call; the run must find it and nothing
// else.
func TestBrokenPromisesAreFound(t *testing.T) {
	type reaction = func(seen int, in map[string]string) (int, string, string)
	always := func(status int, contentType, body string) reaction {
		return func(int, map[string]string) (int, string, string) { return status, contentType, body }
	}
	series := func(bodies ...string) reaction {
		return func(seen int, _ map[string]string) (int, string, string) {
			return 200, jsonType, bodies[min(seen, len(bodies))-1]
		}
	}
	with := func(old, new string) reaction { return always(200, jsonType, strings.Replace(goodBody, old, new, 1)) }
	for name, test := range map[string]struct {
		answer, complete reaction
		args             []string
		want             map[promise]int
	}{
		"500":                  {answer: always(500, "application/problem+json", `{"title": "out of order"}`), want: map[promise]int{answerStatus: 2}},
		"redirect":             {answer: always(302, "text/plain", ""), want: map[promise]int{answerStatus: 2}},
		"201":                  {answer: always(201, jsonType, goodBody), want: map[promise]int{answerStatus: 2}},
		"content type":         {answer: always(200, "text/html", goodBody), want: map[promise]int{answerContentType: 2}},
		"no content type":      {answer: always(200, "", goodBody), want: map[promise]int{answerContentType: 2}},
		"key missing":          {answer: with(`, "call_timeout": 0`, ""), want: map[promise]int{answerShape: 2}},
		"key too many":         {answer: with(`0}`, `0, "reason": "sticky"}`), want: map[promise]int{answerShape: 2}},
		"number as number":     {answer: with(`"9876543210"`, "9876543210"), want: map[promise]int{answerShape: 2}},
		"not a number":         {answer: with("9876543210", "sales"), want: map[promise]int{answerNumber: 2}},
		"the DID":              {answer: with("9876543210", "918645658689"), want: map[promise]int{answerLoop: 2}},
		"the DID, national":    {answer: with("9876543210", "8645658689"), want: map[promise]int{answerLoop: 2}},
		"403 not expected":     {answer: always(403, "application/problem+json", `{}`), args: []string{"--no-expect-rejects"}, want: map[promise]int{answerRejected: 2}},
		"empty not expected":   {answer: with("9876543210", ""), args: []string{"--no-expect-rejects"}, want: map[promise]int{answerRejected: 2}},
		"403 expected":         {answer: always(403, "application/problem+json", `{}`), want: map[promise]int{}},
		"empty expected":       {answer: with("9876543210", ""), want: map[promise]int{}},
		"retry differs":        {answer: series(goodBody, strings.Replace(goodBody, "10", "11", 1)), args: []string{"--retries", "1"}, want: map[promise]int{retryDiffers: 2}},
		"retry, other spaces":  {answer: series(goodBody, goodBody+"\n"), args: []string{"--retries", "1"}, want: map[promise]int{retryDiffers: 2}},
		"twin differs":         {answer: series(goodBody, goodBody+"\n"), args: []string{"--simultaneous", "1"}, want: map[promise]int{retryDiffers: 2}},
		"completion 503":       {complete: always(503, "application/problem+json", `{}`), want: map[promise]int{completionStatus: 2}},
		"completion 204":       {complete: always(204, "", ""), want: map[promise]int{completionStatus: 2}},
		"completion type":      {complete: always(200, "text/plain", `{"status": "stored"}`), want: map[promise]int{completionType: 2}},
		"completion keys":      {complete: series(`{"status": "stored", "id": 1}`), want: map[promise]int{completionShape: 2}},
		"completion word":      {complete: series(`{"status": "ok"}`), want: map[promise]int{completionShape: 2}},
		"first is no first":    {complete: series(`{"status": "duplicate"}`), want: map[promise]int{completionResult: 2}},
		"stored twice":         {complete: series(`{"status": "stored"}`), args: []string{"--duplicates", "1"}, want: map[promise]int{duplicateMisjudged: 2}},
		"updated by nothing":   {complete: series(`{"status": "stored"}`, `{"status": "updated"}`), args: []string{"--duplicates", "1"}, want: map[promise]int{duplicateMisjudged: 2}},
		"twins stored twice":   {complete: series(`{"status": "stored"}`), args: []string{"--duplicates", "1", "--simultaneous", "1"}, want: map[promise]int{duplicateMisjudged: 2}},
		"twins stored by none": {complete: series(`{"status": "duplicate"}`), args: []string{"--duplicates", "1", "--simultaneous", "1"}, want: map[promise]int{duplicateMisjudged: 2}},
		"played before":        {complete: series(`{"status": "duplicate"}`), args: []string{"--prefix", "again", "--duplicates", "1"}, want: map[promise]int{}},
	} {
		t.Run(name, func(t *testing.T) {
			server := newGoodServer()
			server.answer, server.complete = test.answer, test.complete
			code, r := playInMemory(t, t.Context(), server, append(test.args, "--calls", "2")...)
			if diff := cmp.Diff(test.want, brokenCounts(r)); diff != "" {
				t.Errorf("broken (-want +got):\n%s%v", diff, r.Broken)
			}
			if want := min(len(test.want), 1) * exitBroken; code != want {
				t.Errorf("exit %d, want %d", code, want)
			}
		})
	}
}

func TestRejectedCallsAreCountedAndNotCompleted(t *testing.T) {
	server := newGoodServer()
	server.answer = func(int, map[string]string) (int, string, string) { return 403, "application/problem+json", `{}` }
	code, r := playInMemory(t, t.Context(), server, "--calls", "5", "--retries", "1")
	if code != exitGood || r.Initiations.Rejected != 5 || r.Initiations.Answered != 0 || len(server.completions) != 0 {
		t.Errorf("exit %d, %+v, %d completions", code, r.Initiations, len(server.completions))
	}
}

func TestCallersOwnNumberIsALoop(t *testing.T) {
	server := newGoodServer()
	server.answer = func(_ int, in map[string]string) (int, string, string) {
		return 200, jsonType, strings.Replace(goodBody, "9876543210", in["caller_number"], 1)
	}
	_, r := playInMemory(t, t.Context(), server, "--calls", "3")
	if diff := cmp.Diff(map[promise]int{answerLoop: 3}, brokenCounts(r)); diff != "" {
		t.Error(diff)
	}
}

func TestSlowAnswersAndMissingOnes(t *testing.T) {
	for name, test := range map[string]struct {
		takes time.Duration
		args  []string
		want  map[promise]int
	}{
		"in time":     {2 * time.Second, nil, map[promise]int{}},
		"late":        {2001 * time.Millisecond, nil, map[promise]int{answerSlow: 3}},
		"never late":  {9 * time.Second, []string{"--fail-slow", "0s"}, map[promise]int{}},
		"no patience": {16 * time.Second, nil, map[promise]int{noAnswer: 3}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server := newGoodServer()
				server.before = func(r *http.Request) {
					if r.URL.Path == initiationPath {
						select {
						case <-time.After(test.takes):
						case <-r.Context().Done():
						}
					}
				}
				_, r := playInMemory(t, t.Context(), server, append([]string{"--calls", "3", "--timeout", "15s", "--fail-slow", "2s"}, test.args...)...)
				if diff := cmp.Diff(test.want, brokenCounts(r)); diff != "" {
					t.Errorf("broken (-want +got):\n%s", diff)
				}
				if r.Initiations.Sent != 3 {
					t.Errorf("%d initiations counted", r.Initiations.Sent)
				}
				if want := float64(test.takes / time.Millisecond); test.want[noAnswer] == 0 && r.Initiations.Latency.Max != want {
					t.Errorf("slowest %v ms, want %v", r.Initiations.Latency.Max, want)
				}
				if r.Completions.Latency.Max != 0 {
					t.Errorf("completions took %v ms", r.Completions.Latency.Max)
				}
			})
		})
	}
}

// A redirect leads elsewhere, perhaps off the machine: it is shown, not followed.
func TestRedirectsAreNotFollowed(t *testing.T) {
	followed := false
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		followed = followed || r.URL.Path == "/elsewhere"
		http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
	}))
	defer web.Close()
	var stdout, stderr bytes.Buffer
	code := run(t.Context(), append(patient, "--target", web.URL, "--calls", "1"), &stdout, &stderr)
	if code != exitBroken || followed || !strings.Contains(stdout.String(), "HTTP 307 instead of 200") {
		t.Errorf("exit %d, followed %t\n%s", code, followed, &stdout)
	}
}
