package server_test

import (
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"switchboard/engine"
	"switchboard/server"
)

// healthy leaves nothing to warn of.
func healthy(w *world, o *server.Options) {
	o.Keys = []string{newKey}
	w.sets.status = engine.PolicyStatus{Revision: "r2", Origin: "folder", Folder: "/srv/policies", Since: went,
		Reload: engine.Report{OK: true, Revision: "r2", Active: "r2", At: went}}
}

type status struct {
	Revision string
	Ready    bool
	Policies struct{ Origin, Folder, Since string }
	Reload   struct {
		At     string
		OK     bool
		Errors []struct {
			File    string
			Line    int
			Message string
		}
	}
	Store     map[string]any
	Fallbacks struct {
		Global *string
		DIDs   int
	}
	Warnings  []string
	Version   string
	StartedAt string `json:"started_at"`
	Uptime    int64  `json:"uptime_seconds"`
	Listeners struct{ Public, Private string }
}

func (w *world) status() (s status) {
	w.t.Helper()
	w.send("GET", w.private+"/api/v1/status", "").decode(200, &s)
	return s
}

func TestStatus(t *testing.T) {
	w, o := prepare(t)
	healthy(w, &o)
	var clock atomic.Int64
	clock.Store(went.UnixNano())
	o.Now = func() time.Time { return time.Unix(0, clock.Load()) }
	w.store.status.Records, w.store.status.LastDecision = 7, went.UnixNano()
	startAs(t, w, o)
	clock.Add(int64(90 * time.Second))
	s := w.status()
	if s.Revision != "r2" || !s.Ready || s.Policies.Folder != "/srv/policies" || !s.Reload.OK || s.Reload.At != "2025-11-22T09:05:00Z" || s.Reload.Errors == nil ||
		s.Version != "v1.2.3" || s.StartedAt != "2025-11-22T09:05:00Z" || s.Uptime != 90 || s.Fallbacks.DIDs != 2 ||
		"http://"+s.Listeners.Public != w.public || "http://"+s.Listeners.Private != w.private {
		t.Errorf("status %+v", s)
	}
	if s.Store["records"] != 7.0 || s.Store["last_decision"] != "2025-11-22T09:05:00Z" || s.Store["last_completion"] != nil {
		t.Errorf("store %v", s.Store)
	}
	if g := s.Fallbacks.Global; g == nil || strings.Contains(*g, "987650") {
		t.Errorf("fallback %v, want it masked", g)
	}
	if len(s.Warnings) != 0 || s.Warnings == nil {
		t.Errorf("warnings %q, want an empty list", s.Warnings)
	}
	w.send("GET", w.private+"/api/v1/status?verbose=1", "").isProblem(400, "verbose")
}

func TestWarnings(t *testing.T) {
	hourLater := func(o *server.Options) {
		start := time.Now()
		var calls atomic.Int64
		o.Now = func() time.Time {
			if calls.Add(1) == 1 {
				return start
			}
			return start.Add(time.Hour)
		}
	}
	for name, c := range map[string]struct {
		change func(*world, *server.Options)
		says   string
	}{
		"no fallback": {func(_ *world, o *server.Options) { o.Fallback = "" }, "--fallback"},
		"a DID as fallback": {func(w *world, o *server.Options) {
			o.Fallback, w.sets.pool = "8645658689", []string{"918645658689"}
		}, "--fallback to a person's number"},
		"no key":         {func(_ *world, o *server.Options) { o.Keys = nil }, "--key"},
		"no policies":    {func(w *world, _ *server.Options) { w.sets.status = engine.PolicyStatus{} }, "No policy set"},
		"built-in set":   {func(w *world, _ *server.Options) { w.sets.status.Origin = engine.OriginBuiltin }, "policies init"},
		"folder is gone": {func(w *world, _ *server.Options) { w.sets.status.Origin = engine.OriginArchive }, "revision r2) serves out of the database"},
		"failed reload of no file": {func(w *world, _ *server.Options) {
			w.sets.status.Reload = engine.Report{At: went, Errors: []engine.Problem{{Message: "the folder is gone"}}}
		}, "failed (the folder is gone), so"},
		"disk":       {func(w *world, _ *server.Options) { w.store.status.Error = "no space left" }, "no space left"},
		"rebuild":    {func(w *world, _ *server.Options) { w.store.status.Rebuilding = true }, "rebuilt"},
		"unsaved":    {func(w *world, _ *server.Options) { w.store.status.Unsaved = 4 }, "4 decisions"},
		"quarantine": {func(w *world, _ *server.Options) { w.store.items = map[string]engine.QuarantineItem{"q": {}} }, "/api/v1/quarantine"},
		"store's own": {func(w *world, _ *server.Options) {
			w.store.status.Warnings = []engine.Warning{{Message: "it was set aside"}}
		}, "set aside"},
		"the program's": {func(_ *world, o *server.Options) {
			o.Warn = func() []engine.Warning { return []engine.Warning{{Message: "The clock", Hint: "jumped."}} }
		}, "The clock jumped."},
		"no completions": {func(w *world, o *server.Options) { w.store.status.Decisions = 20; hourLater(o) }, "Send Call Details"},
		"failed reload": {func(w *world, _ *server.Options) {
			w.sets.status.Reload = engine.Report{At: went, Errors: []engine.Problem{{File: "main.rego", Line: 7, Message: "9988912345 is unsafe"}}}
		}, "main.rego:7"},
	} {
		t.Run(name, func(t *testing.T) {
			w, o := prepare(t)
			healthy(w, &o)
			c.change(w, &o)
			startAs(t, w, o)
			got := w.status().Warnings
			if len(got) != 1 || !strings.Contains(got[0], c.says) || strings.Contains(got[0], "9988912345") {
				t.Errorf("warnings %q, want one that says %q", got, c.says)
			}
		})
	}
	for name, change := range map[string]func(*world, *server.Options){
		"few calls":  func(w *world, o *server.Options) { w.store.status.Decisions = 19; hourLater(o) },
		"just begun": func(w *world, _ *server.Options) { w.store.status.Decisions = 1000 },
		"some completion": func(w *world, o *server.Options) {
			w.store.status.Decisions, w.store.status.Completions = 1000, 1
			hourLater(o)
		},
	} {
		t.Run(name, func(t *testing.T) {
			w, o := prepare(t)
			healthy(w, &o)
			change(w, &o)
			startAs(t, w, o)
			if got := w.status().Warnings; len(got) != 0 {
				t.Errorf("warnings %q, want none", got)
			}
		})
	}
}

func TestWarningsOfWhoCame(t *testing.T) {
	w, o := prepare(t)
	healthy(w, &o)
	o.Keys = nil
	startAs(t, w, o)
	count := func(says string) int {
		return len(slices.DeleteFunc(w.status().Warnings, func(s string) bool { return !strings.Contains(s, says) }))
	}
	for _, h := range []string{"X-Forwarded-For: 192.0.2.1", "Forwarded: for=192.0.2.1", "X-Real-IP: 192.0.2.1", "Via: 1.1 proxy"} {
		w.send("POST", w.public+initiation, `{"did": "918645658689"}`, h).is(200, forwarded)
	}
	if count("4 requests reached the public listener through a proxy") != 1 || count("private listener through") != 0 {
		t.Errorf("warnings %q", w.status().Warnings)
	}
	w.wantMetric(`switchboard_http_forwarded_total{listener="public"}`, "4")
	w.send("GET", w.private+"/api/v1/status", "", "X-Forwarded-For: 192.0.2.1")
	if count("1 request reached the private listener through") != 1 {
		t.Errorf("warnings %q", w.status().Warnings)
	}
}

func TestWarningsAboutRefusedSecretsPass(t *testing.T) {
	w, o := prepare(t)
	healthy(w, &o)
	var ahead atomic.Int64
	o.Now = func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
	startAs(t, w, o)
	// With a key, a proxy in front is how it should be.
	w.send("POST", w.public+initiation, "", "X-Forwarded-For: 192.0.2.1").isProblem(401, "")
	got := w.status().Warnings
	if len(got) != 1 || !strings.Contains(got[0], "wrong secret") {
		t.Errorf("warnings %q", got)
	}
	w.wantMetric(`switchboard_http_refused_total{listener="public"}`, "1")
	ahead.Store(int64(2 * time.Hour))
	if got := w.status().Warnings; len(got) != 0 {
		t.Errorf("warnings %q two hours later", got)
	}
}

func TestStatusTellsOfFallbacksThatChanged(t *testing.T) {
	w := begin(t, nil)
	for _, c := range []struct {
		global string
		dids   int
		want   string
	}{{"9876500001", 3, `"fallbacks":{"global":"…0001","dids":3}`}, {"", 0, `"fallbacks":{"global":null,"dids":0}`}} {
		w.server.SetFallbacks(c.global, c.dids)
		if a := w.send("GET", w.private+"/api/v1/status", "").is200(); !strings.Contains(a.body, c.want) {
			t.Errorf("status lacks %s: %s", c.want, a.body)
		}
	}
}
