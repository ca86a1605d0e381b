package server_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"switchboard/engine"
	"switchboard/server"
)

const (
	revA = "3fa9c01277aa0e11"
	revB = "3fa9d55577aa0e11"
	revC = "beef0000beef0000" // serves, and is not archived
)

// beginSets starts a server with two archived sets and another that serves.
func beginSets(t *testing.T, change func(*server.Options)) *world {
	w := begin(t, change)
	rule := func(number string) map[string][]byte {
		return map[string][]byte{"routing/routing.rego": []byte("package routing\n\ndecision := {\"call_forwarding_number\": \"" + number + "\"}\n")}
	}
	b := rule("9876543211")
	b["directory/data.yaml"] = []byte("dids: {}\n")
	w.store.revisions = []engine.Revision{{ID: revB, Origin: "folder", Files: b}, {ID: revA, Origin: "folder", Files: rule("9876543210")}}
	w.sets.status = engine.PolicyStatus{Revision: revC, Origin: "folder", Since: went, Files: rule("9876543212")}
	return w
}

func TestPolicySetByItsBeginning(t *testing.T) {
	w := beginSets(t, nil)
	for name, want := range map[string]string{"3fa9c": revA, "3fa9d555": revB, "beef": revC, revA: revA, "active": revC} {
		var got struct{ Revision string }
		if w.send("GET", w.private+"/api/v1/policies/"+name, "").decode(200, &got); got.Revision != want {
			t.Errorf("%s means %s, want %s", name, got.Revision, want)
		}
	}
	w.send("GET", w.private+"/api/v1/policies/3fa9", "").isProblem(409, revA)
	w.send("GET", w.private+"/api/v1/policies/3fa", "").isProblem(404, "four or more digits")
}

func TestDiffOfSets(t *testing.T) {
	w := beginSets(t, nil)
	type diff struct {
		Revision, Against string
		Files             []engine.FileChange
	}
	for query, want := range map[string]struct {
		revision, against string
		says              []string // change, path and the changed lines
	}{
		revA + "/diff":                    {revA, revC, []string{"changed routing/routing.rego -9876543212 +9876543210"}},
		"3fa9c/diff?against=3fa9d":        {revA, revB, []string{"removed directory/data.yaml", "changed routing/routing.rego -9876543211 +9876543210"}},
		"active/diff?against=" + revB:     {revC, revB, []string{"removed directory/data.yaml", "changed routing/routing.rego -9876543211 +9876543212"}},
		revB + "/diff?against=" + revA:    {revB, revA, []string{"added directory/data.yaml", "changed routing/routing.rego -9876543210 +9876543211"}},
		"active/diff":                     {revC, revC, []string{}},
		"active/diff?against=active":      {revC, revC, []string{}},
		revA + "/diff?against=" + "3fa9c": {revA, revA, []string{}},
	} {
		var got diff
		w.send("GET", w.private+"/api/v1/policies/"+query, "").decode(200, &got)
		says := []string{}
		for _, f := range got.Files {
			line := f.Change + " " + f.Path
			if f.Change == engine.FileChanged {
				for text := range strings.Lines(f.Diff) {
					if strings.HasPrefix(text, "-d") || strings.HasPrefix(text, "+d") {
						line += " " + text[:1] + strings.Split(text, `"`)[3]
					}
				}
			}
			says = append(says, line)
		}
		if got.Revision != want.revision || got.Against != want.against || cmp.Diff(want.says, says) != "" {
			t.Errorf("%s answers %+v", query, got)
		}
	}
	w.send("GET", w.private+"/api/v1/policies/ffff/diff", "").isProblem(404, "ffff")
	w.send("GET", w.private+"/api/v1/policies/active/diff?against=ffff", "").isProblem(404, "ffff")
	w.send("GET", w.private+"/api/v1/policies/active/diff?with=ffff", "").isProblem(400, "with")
	w.store.fail = errors.New("torn page")
	w.send("GET", w.private+"/api/v1/policies/3fa9c/diff", "").isProblem(500, "")
}

func TestRollbackAsksThePolicies(t *testing.T) {
	live := newFakeLive()
	w := beginSets(t, func(o *server.Options) { o.Live = live })
	w.sets.report = engine.Report{OK: true, Changed: true, Revision: revA, Active: revA, Origin: "rollback"}
	var got engine.Report
	w.send("POST", w.private+"/api/v1/policies/3fa9c/rollback", "").decode(200, &got)
	if !got.OK || got.Active != revA || got.Errors == nil || cmp.Diff([]string{revA + " by anonymous"}, w.sets.asked) != "" {
		t.Errorf("reported %+v, asked %v", got, w.sets.asked)
	}
	if len(live.entries) != 0 {
		t.Errorf("noted %+v; the activation is its own entry", live.entries)
	}
	w.send("POST", w.private+"/api/v1/policies/3fa9/rollback", "").isProblem(409, revB)
	w.send("POST", w.private+"/api/v1/policies/ffff/rollback", "").isProblem(404, "ffff")
	w.send("GET", w.private+"/api/v1/policies/3fa9c/rollback", "").isProblem(405, "")

	// One that does not load any more.
	w.sets.report = engine.Report{Revision: revA, Active: revC, Errors: []engine.Problem{{File: "routing/routing.rego", Line: 7, Message: "unsafe var"}}}
	got = engine.Report{}
	w.send("POST", w.private+"/api/v1/policies/"+revA+"/rollback", "").decode(422, &got)
	if got.OK || got.Active != revC || got.Errors[0].Line != 7 {
		t.Errorf("reported %+v", got)
	}
	if len(live.entries) != 1 || live.entries[0].Action != "policies.rollback_refused" || live.entries[0].Target != "policies/"+revA ||
		string(live.entries[0].After) != `{"active":"`+revC+`","changed":false,"errors":1,"ok":false,"revision":"`+revA+`"}` {
		t.Errorf("noted %+v", live.entries)
	}
	w.sets.err = engine.ErrNoRevision // retention was faster
	w.send("POST", w.private+"/api/v1/policies/3fa9c/rollback", "").isProblem(404, "3fa9c")
	w.sets.err = errors.New("torn page")
	w.send("POST", w.private+"/api/v1/policies/3fa9c/rollback", "").isProblem(500, "")
}

func TestRollbackTakesAnAdmin(t *testing.T) {
	w := beginSets(t, func(o *server.Options) { o.Tokens = tokens("admin-token", "read-token") })
	w.sets.report = engine.Report{OK: true}
	const path = "/api/v1/policies/3fa9c/rollback"
	w.send("POST", w.private+path, "").isProblem(401, "")
	w.send("POST", w.private+path, "", "Authorization: Bearer read-token").isProblem(403, "")
	w.send("GET", w.private+"/api/v1/policies/3fa9c/diff", "", "Authorization: Bearer read-token").decode(200, new(any))
	w.send("POST", w.private+path, "", "Authorization: Bearer admin-token").decode(200, new(any))
	if cmp.Diff([]string{revA + " by admin"}, w.sets.asked) != "" {
		t.Errorf("asked %v", w.sets.asked)
	}
}

func TestReloadIsNoted(t *testing.T) {
	live := newFakeLive()
	w := begin(t, func(o *server.Options) { o.Live = live })
	w.sets.report = engine.Report{OK: true, Changed: true, Revision: revA, Active: revA}
	w.send("POST", w.private+"/api/v1/policies/reload", "").decode(200, new(any))
	if len(live.entries) != 1 || live.entries[0].Action != "policies.reload" || live.entries[0].By != "anonymous" ||
		!strings.Contains(string(live.entries[0].After), `"changed":true,"errors":0,"ok":true,"revision":"`+revA) {
		t.Errorf("noted %+v", live.entries)
	}
	live.fail = engine.ErrUnavailable
	w.send("POST", w.private+"/api/v1/policies/reload", "").decode(http.StatusOK, new(any))
	if !strings.Contains(w.log.String(), "the audit trail misses an entry") {
		t.Error("a note that was not taken is not logged")
	}
}

// A rollback says so wherever somebody looks.
func TestRollbackIsShownEverywhere(t *testing.T) {
	w := beginSets(t, nil)
	metric := func() string { return w.send("GET", w.private+"/metrics", "").body }
	if !strings.Contains(metric(), "switchboard_policy_rollback 0") {
		t.Error("the metric is not there before")
	}
	w.sets.status.Origin, w.sets.status.Rollback = "rollback", &engine.Rollback{At: went, By: "admin", From: revB, Instead: revB}
	w.store.revisions[1].Rollback = w.sets.status.Rollback
	const shown = `{"at":"2025-11-22T09:05:00Z","by":"admin","from":"` + revB + `","instead":"` + revB + `"}`
	for path, wants := range map[string][]string{
		"/api/v1/status": {`"origin":"rollback"`, `"rollback":` + shown,
			"Revision " + revC + " serves by a rollback (admin, 2025-11-22T14:35:00+05:30) in place of what the folder holds"},
		"/api/v1/policies":       {`"origin":"rollback"`, `"rollback":` + shown + `,"reload"`, `"rollback":` + shown + `,"active":false`},
		"/api/v1/policies/3fa9c": {`"rollback":` + shown},
	} {
		body := w.send("GET", w.private+path, "").body
		for _, want := range wants {
			if !strings.Contains(body, want) {
				t.Errorf("%s answers %s\nwant %s", path, body, want)
			}
		}
	}
	if !strings.Contains(metric(), "switchboard_policy_rollback 1") {
		t.Error("the metric does not tell")
	}
}
