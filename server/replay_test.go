package server_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"switchboard/engine"
	"switchboard/server"
)

// fakeReplayer answers with what it was asked.
type fakeReplayer struct {
	asked    engine.ReplayRequest
	progress []engine.ReplayProgress
	err      error
	running  chan context.Context
}

func (r *fakeReplayer) Replay(ctx context.Context, req engine.ReplayRequest, tell func(engine.ReplayProgress)) (*engine.Difference, error) {
	r.asked = req
	if r.running != nil {
		r.running <- ctx
		<-ctx.Done()
		return nil, context.Cause(ctx)
	}
	for _, p := range r.progress {
		if tell != nil {
			tell(p)
		}
	}
	return &engine.Difference{Revision: "r2", Calls: 7}, r.err
}

// fakeExplainer knows one call.
type fakeExplainer struct {
	did string
	err error
}

func (e *fakeExplainer) Explain(_ context.Context, callID, did string) (*engine.Explanation, error) {
	e.did = did
	if callID != "known/1" {
		return nil, e.err
	}
	return &engine.Explanation{CallID: callID, Same: true}, e.err
}

func withReplays(t *testing.T) (*world, *fakeReplayer, *fakeExplainer) {
	t.Helper()
	r, e := &fakeReplayer{}, &fakeExplainer{}
	w := begin(t, func(o *server.Options) { o.Replayer, o.Explainer = r, e })
	return w, r, e
}

func TestReplay(t *testing.T) {
	w, r, _ := withReplays(t)
	w.store.revisions = []engine.Revision{{ID: "0123456789abcdef"}}
	url := w.private + "/api/v1/replay"
	got := w.send("POST", url, `{"from": "2025-11-22", "to": 1763802300, "limit": 5, "policies": {"a.rego": "x"}, "revision": "01234"}`).is200()
	if !strings.Contains(got.body, `"revision":"r2"`) {
		t.Errorf("answered %s", got.body)
	}
	zone := time.FixedZone("IST", 5*3600+1800)
	if a := r.asked; !a.From.Equal(time.Date(2025, 11, 22, 0, 0, 0, 0, zone)) || a.To.Unix() != 1763802300 || a.Limit != 5 ||
		a.Policies["a.rego"] != "x" || a.Revision != "0123456789abcdef" {
		t.Errorf("asked %+v", a)
	}
	w.send("POST", url, `{}`).is200()
	for body, says := range map[string]string{
		`{"form": "2025-11-22"}`:                   `Did you mean \"from\"`,
		`{"from": "noon"}`:                         "from: ",
		`{"to": "noon"}`:                           "to: ",
		`{"limit": -1}`:                            "limit: ",
		`{"limit": 99999999}`:                      "limit: ",
		`{"policies": {"../a.rego": "package a"}}`: `policies: "../a.rego" is no file's path`,
		``: "The body is empty",
	} {
		w.send("POST", url, body).isProblem(400, strings.ReplaceAll(says, `\"`, `"`))
	}
	w.send("POST", url, `{"revision": "ffff"}`).isProblem(404, `no policy set "ffff"`)
	w.send("POST", url+"?limit=3", `{}`).isProblem(400, "query parameter")
	for err, want := range map[error]struct {
		status int
		says   string
	}{
		engine.ErrReplaying: {409, "Another replay is running"},
		engine.ErrNoPolicy:  {409, "No policy set is in force"},
		&engine.PoliciesError{Report: engine.Report{Errors: []engine.Problem{{File: "a.rego", Message: "bad"}}}}: {422, "a.rego: bad"},
		engine.ErrUnavailable: {503, "Try again"},
	} {
		r.err = err
		w.send("POST", url, `{}`).isProblem(want.status, want.says)
	}
}

func TestReplayTellsItsProgress(t *testing.T) {
	w, r, _ := withReplays(t)
	url, wants := w.private+"/api/v1/replay", "Accept: application/x-ndjson"
	r.progress = []engine.ReplayProgress{{Done: 1, Total: 4}, {Done: 4, Total: 4, Calls: 2}}
	got := w.send("POST", url, `{}`, wants).is200()
	lines := strings.Split(strings.TrimSpace(got.body), "\n")
	if len(lines) != 3 || lines[1] != `{"progress":{"done":4,"total":4,"calls":2}}` || !strings.HasPrefix(lines[2], `{"result":{"revision":"r2"`) ||
		got.header.Get("Content-Type") != "application/x-ndjson" {
		t.Errorf("answered %q", lines)
	}
	// What fails under way is the last line; what fails before has a status.
	r.err = engine.ErrUnavailable
	got = w.send("POST", url, `{}`, wants).is200()
	var last struct{ Problem struct{ Status int } }
	lines = strings.Split(strings.TrimSpace(got.body), "\n")
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &last); err != nil || last.Problem.Status != 503 {
		t.Errorf("the last line is %s: %v", lines[len(lines)-1], err)
	}
	r.progress = nil
	w.send("POST", url, `{}`, wants).isProblem(503, "Try again")
}

func TestAReplayEndsWithItsClient(t *testing.T) {
	w, r, _ := withReplays(t)
	r.running = make(chan context.Context)
	ctx, cancel := context.WithCancel(t.Context())
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		resp, err := w.client.Do(request(t, ctx, w.private+"/api/v1/replay", `{}`))
		if err == nil {
			resp.Body.Close()
		}
	}()
	running := <-r.running
	cancel()
	select {
	case <-running.Done():
	case <-time.After(10 * time.Second):
		t.Error("the replay goes on for a client that is gone")
	}
	<-gone
}

func request(t *testing.T, ctx context.Context, url, body string) *http.Request {
	t.Helper()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	return req
}

func TestExplain(t *testing.T) {
	w, _, e := withReplays(t)
	url := w.private + "/api/v1/calls/"
	got := w.send("GET", url+"known%2F1/explain?did=%2B918645658689", "").is200()
	if !strings.Contains(got.body, `"same":true`) || !strings.Contains(got.body, `"steps":[]`) || e.did != "918645658689" {
		t.Errorf("answered %s, asked for %q", got.body, e.did)
	}
	w.send("GET", url+"unknown/explain", "").isProblem(404, `no decision of call "unknown"`)
	w.send("GET", url+"known%2F1/explain?dod=1", "").isProblem(400, `Did you mean "did"`)
	e.err = errors.New("disk")
	w.send("GET", url+"known%2F1/explain", "").isProblem(500, "Something failed inside")
}

func TestAWhatIfTellsItsSteps(t *testing.T) {
	w := begin(t, nil)
	w.router.whatIf = func(engine.WhatIf) (*engine.WhatIfResult, error) {
		return &engine.WhatIfResult{Decision: engine.Decision{Number: "9876543210", Source: engine.SourcePolicy}, Revision: "r1", Trace: []string{"try"}, Steps: []engine.Step{{Name: "sticky", Text: "not sticky: it is over",
			Because: &engine.Because{Rule: "data.sticky", Where: map[string]string{"call": "1"}, Author: "it is over"}}}}, nil
	}
	got := w.send("POST", w.private+"/api/v1/route", `{"caller_number": "9988912345", "did": "918645658689", "explain": true}`).is200()
	if !strings.Contains(got.body, `"text":"not sticky: it is over"`) || !strings.Contains(got.body, `"author":"it is over"`) {
		t.Errorf("answered %s", got.body)
	}
}

func TestWithoutReplays(t *testing.T) {
	w := begin(t, nil)
	w.send("POST", w.private+"/api/v1/replay", `{}`).isProblem(501, "not available")
	w.send("GET", w.private+"/api/v1/calls/x/explain", "").isProblem(501, "not available")
}

func TestDecisionLog(t *testing.T) {
	live := newFakeLive()
	w := begin(t, func(o *server.Options) { o.Live = live })
	did := engine.Number{Canonical: "918645658689"}
	rec := &engine.DecisionRecord{CallID: "c0", DID: did, RoutedAt: 1763802300e9, Decision: engine.Decision{Number: "9876543210", Source: engine.SourcePolicy},
		Evaluation: engine.Evaluation{Revision: "r1", Input: json.RawMessage(`{"caller_number":"9988912345"}`), Answer: engine.Answer{Number: "9876543210"}}}
	other := *rec
	other.DID.Canonical = "918645658690"
	w.store.details = map[string]*engine.CallDetail{
		"c0":     {Decision: rec, Decisions: []*engine.DecisionRecord{rec, &other}},
		"orphan": {},
	}
	w.store.page = engine.CallPage{Calls: []*engine.Call{{CallID: "c0", DID: did.Canonical}, {CallID: "orphan"}, {CallID: "gone"}}}
	got := w.send("GET", w.private+"/api/v1/decisions.ndjson?caller=09988912345", "").is200()
	if n := strings.Count(got.body, "\n"); n != 1 || !strings.Contains(got.body, `"decision_id":"c0/918645658689"`) || !strings.Contains(got.body, "9988912345") {
		t.Errorf("%d lines: %s", n, got.body)
	}
	if f := w.store.lastFilter(); f.Caller != "9988912345" {
		t.Errorf("asked for %+v", f)
	}
	got = w.send("GET", w.private+"/api/v1/decisions.ndjson?mask=true", "").is200()
	if strings.Contains(got.body, "9988912345") || strings.Contains(got.body, "9876543210") || !strings.Contains(got.body, `"/input/caller_number"`) {
		t.Errorf("masked: %s", got.body)
	}
	if noted := live.noted(); len(noted) != 2 || noted[0] != "anonymous decisions.export opa-decision-log" {
		t.Errorf("noted %q", noted)
	}
	w.send("GET", w.private+"/api/v1/decisions.ndjson?mask=yes", "").isProblem(400, "mask: ")
	w.send("GET", w.private+"/api/v1/decisions.ndjson?limit=2", "").isProblem(400, "query parameter")
	w.store.fail = errors.New("disk")
	w.send("GET", w.private+"/api/v1/decisions.ndjson", "").isProblem(500, "Something failed")
}
