package server_test

import (
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"switchboard/engine"
)

var went = time.Date(2025, 11, 22, 9, 5, 0, 0, time.UTC)

func TestPoliciesList(t *testing.T) {
	w := begin(t, nil)
	w.send("GET", w.private+"/api/v1/policies", "").is(200, `{"active":"","folder":"","origin":"","since":null,"rollback":null,`+
		`"reload":{"revision":"","active":"","ok":false,"changed":false,"took_seconds":0,"origin":"","errors":[],"warnings":[],`+
		`"tests":{"passed":0,"failed":0,"skipped":0,"took_ns":0},"at":null},"revisions":[]}`)

	w.sets.status = engine.PolicyStatus{Revision: "r2", Folder: "/srv/policies", Origin: "folder", Since: went,
		Reload: engine.Report{OK: true, Revision: "r2", At: went}}
	w.store.revisions = []engine.Revision{
		{ID: "r2", At: went.UnixNano(), Origin: "folder", Files: map[string][]byte{"a.rego": []byte("package a")}}, {ID: "r1", Origin: "api"}}
	var got struct {
		Active, Folder, Origin, Since string
		Reload                        engine.Report
		Revisions                     []map[string]any
	}
	w.send("GET", w.private+"/api/v1/policies", "").decode(200, &got)
	if got.Active != "r2" || got.Folder != "/srv/policies" || got.Since != "2025-11-22T09:05:00Z" || !got.Reload.OK || len(got.Revisions) != 2 {
		t.Fatalf("answered %+v", got)
	}
	first := got.Revisions[0]
	if first["revision"] != "r2" || first["active"] != true || first["at"] != "2025-11-22T09:05:00Z" || first["files"] != nil || got.Revisions[1]["active"] != false {
		t.Errorf("revisions %v", got.Revisions)
	}
	w.store.fail = errors.New("torn page")
	w.send("GET", w.private+"/api/v1/policies", "").isProblem(500, "")
}

func TestPolicySet(t *testing.T) {
	w := begin(t, nil)
	w.sets.status = engine.PolicyStatus{Revision: "r2", Origin: "built-in", Since: went, Files: map[string][]byte{"main.rego": []byte("package main")}}
	w.store.revisions = []engine.Revision{{ID: "r1", Origin: "folder", Tests: engine.TestSummary{Passed: 3},
		Files: map[string][]byte{"routing/main.rego": []byte("package routing # <&>"), "odd.bin": []byte("\xff")}}}
	type set struct {
		Revision, Origin string
		Active           bool
		Tests            engine.TestSummary
		Files            map[string]string
		Base64           []string
	}
	for id, want := range map[string]set{
		"r1": {Revision: "r1", Origin: "folder", Tests: engine.TestSummary{Passed: 3},
			Files: map[string]string{"routing/main.rego": "package routing # <&>", "odd.bin": "/w=="}, Base64: []string{"odd.bin"}},
		"r2":     {Revision: "r2", Origin: "built-in", Active: true, Files: map[string]string{"main.rego": "package main"}},
		"active": {Revision: "r2", Origin: "built-in", Active: true, Files: map[string]string{"main.rego": "package main"}},
	} {
		var got set
		w.send("GET", w.private+"/api/v1/policies/"+id, "").decode(200, &got)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", id, diff)
		}
	}
	w.send("GET", w.private+"/api/v1/policies/r3", "").isProblem(404, `"r3"`)
	w.sets.status = engine.PolicyStatus{}
	w.send("GET", w.private+"/api/v1/policies/active", "").isProblem(404, "")
}

func TestReloadAnswersTheReport(t *testing.T) {
	w := begin(t, nil)
	w.sets.report = engine.Report{OK: true, Changed: true, Revision: "r2", Active: "r2", At: went, Tests: engine.TestSummary{Passed: 5}}
	var got engine.Report
	w.send("POST", w.private+"/api/v1/policies/reload", "").decode(200, &got)
	if !got.OK || !got.Changed || got.Active != "r2" || got.Tests.Passed != 5 || !got.At.Equal(went) || got.Errors == nil || got.Warnings == nil {
		t.Errorf("reported %+v", got)
	}
	if w.sets.origin != "api" {
		t.Errorf("origin %q", w.sets.origin)
	}
	w.sets.report = engine.Report{Revision: "r3", Active: "r2", Errors: []engine.Problem{{File: "routing/main.rego", Line: 7, Message: "unsafe var"}}}
	got = engine.Report{}
	w.send("POST", w.private+"/api/v1/policies/reload", "").decode(422, &got)
	if got.OK || got.Active != "r2" || len(got.Errors) != 1 || got.Errors[0].Line != 7 {
		t.Errorf("reported %+v", got)
	}
	w.send("GET", w.private+"/api/v1/policies/reload", "").isProblem(404, `"reload"`)
}

func TestWhatIf(t *testing.T) {
	w := begin(t, nil)
	const route = "/api/v1/route"
	w.send("POST", w.private+route, `{"caller_number": "+91 99889 12345", "did": 8645658689, "at": "2025-11-22T14:35:00+05:30", "call_id": "c1",
		"history": {"callers": {}}, "policies": {"routing/main.rego": "package routing"}, "explain": true}`).
		is(200, `{"decision":{"call_forwarding_number":"9876543210","call_timeout":0,"reason":"sticky","source":"policy"},"revision":"r1","fired":[],"read":[]}`)
	q := w.router.asked[0]
	if q.Question.Caller.Canonical != "9988912345" || q.Question.DID.Canonical != "918645658689" || q.Question.CallID != "c1" ||
		!q.Question.At.Equal(went) || string(q.History) != `{"callers": {}}` || q.Policies["routing/main.rego"] != "package routing" || !q.Explain {
		t.Errorf("asked %+v", q)
	}
	// Only the DID must be there.
	w.send("POST", w.private+route, `{"did": "918645658689", "at": 1763802300, "history": null}`)
	if q = w.router.asked[1]; !q.Question.At.Equal(went) || q.History != nil || q.Policies != nil || q.Explain || !q.Question.Caller.Anonymous {
		t.Errorf("asked %+v", q)
	}
	w.send("POST", w.private+route, `{"did": "918645658689"}`)
	if q = w.router.asked[2]; !q.Question.At.IsZero() {
		t.Errorf("asked for %v, want the router's own now", q.Question.At)
	}
}

func TestWhatIfTrace(t *testing.T) {
	w := begin(t, nil)
	w.router.whatIf = func(engine.WhatIf) (*engine.WhatIfResult, error) {
		return &engine.WhatIfResult{Decision: engine.Decision{Source: engine.SourceFallback, Cause: engine.CauseUndefined, Number: "9876500000", Detail: "undefined"},
			Fired: []engine.Fired{{Rule: "data.routing.decision", File: "m.rego", Line: 1}}, Read: []string{"history/dids/918645658689"}, Trace: []string{"enter"}}, nil
	}
	w.send("POST", w.private+"/api/v1/route", `{"did": "918645658689", "explain": true}`).is(200,
		`{"decision":{"call_forwarding_number":"9876500000","call_timeout":0,"source":"fallback","cause":"undefined","detail":"undefined"},"revision":"",`+
			`"fired":[{"rule":"data.routing.decision","file":"m.rego","line":1}],"read":["history/dids/918645658689"],"trace":["enter"]}`)
}

func TestWhatIfRefuses(t *testing.T) {
	w := begin(t, nil)
	for body, says := range map[string]string{
		``:                               "The body is empty. Send a JSON object",
		`[]`:                             "The body is a JSON array. Send a JSON object",
		`{"did": "918645658689"} x`:      "goes on",
		`{"caller_number": "1"}`:         "did",
		`{"did": "  "}`:                  "did",
		`{"did": true}`:                  "string",
		`{"did": "1", "explain": "yes"}`: "explain",
		`{"did": "1", "caller": "2"}`:    `"caller_number"`,
		`{"did": "1", "at": "soon"}`:     "at:",
		`{"did": "1", "history": []}`:    "history",
		`{"did": "1", "policies": {"a.rego": 1}}`:              "policies",
		`{"did": "1", "policies": {"../a.rego": "package a"}}`: `policies: "../a.rego" is no file's path`,
		`{"did": "1", "policies": {"/a.rego": "package a"}}`:   "from the policies folder on",
		`{"did": "1", "policies": {"": "package a"}}`:          "no file's path",
	} {
		w.send("POST", w.private+"/api/v1/route", body).isProblem(400, says)
	}
	if len(w.router.asked) != 0 {
		t.Errorf("asked %+v", w.router.asked)
	}
	for _, c := range []struct {
		err    error
		status int
		says   string
	}{
		{errors.New("history: calls must be an object"), 400, "calls must"},
		{engine.ErrUnavailable, 503, "again"},
		{&engine.PoliciesError{Report: engine.Report{Errors: []engine.Problem{{File: "m.rego", Line: 3, Message: "unsafe var"}}}}, 422, "m.rego:3: unsafe var"},
	} {
		w.router.whatIf = func(engine.WhatIf) (*engine.WhatIfResult, error) { return nil, c.err }
		a := w.send("POST", w.private+"/api/v1/route", `{"did": "918645658689"}`).isProblem(c.status, c.says)
		if c.status == 422 {
			var p struct{ Errors []engine.Problem }
			if err := json.Unmarshal([]byte(a.body), &p); err != nil || len(p.Errors) != 1 || p.Errors[0].Line != 3 {
				t.Errorf("answered %s", a.body)
			}
		}
	}
}
