package server_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"switchboard/engine"
	"switchboard/server"
	"switchboard/server/access"
)

const (
	oldToken = "old-token-0123456789"
	newToken = "new-token-0123456789"
)

func as(token string) string { return "Authorization: Bearer " + token }

func TestSecretsChangeWhileServing(t *testing.T) {
	w := begin(t, func(o *server.Options) { o.Keys, o.Tokens = []string{oldKey}, tokens(oldToken, "") })
	hook := func(key string) answer {
		return w.send("POST", w.public+initiation, `{"did": "918645658689"}`, "X-Switchboard-Key: "+key)
	}
	status := func(token string) answer { return w.send("GET", w.private+"/api/v1/status", "", as(token)) }
	hook(oldKey).is(200, forwarded)
	status(oldToken).is200()
	// Both for a while, then the new one alone.
	for _, step := range []struct {
		keys      []string
		tokens    string
		old, newc int
	}{{[]string{oldKey, newKey}, oldToken + " " + newToken, 200, 200}, {[]string{newKey}, newToken, 401, 200}} {
		if err := w.server.SetSecrets(server.Secrets{Keys: step.keys, Tokens: tokens(step.tokens, "")}); err != nil {
			t.Fatal(err)
		}
		for key, want := range map[string]int{oldKey: step.old, newKey: step.newc} {
			if a := hook(key); a.status != want {
				t.Errorf("%q: %d, want %d", key, a.status, want)
			}
		}
		for token, want := range map[string]int{oldToken: step.old, newToken: step.newc} {
			if a := status(token); a.status != want {
				t.Errorf("%q: %d, want %d", token, a.status, want)
			}
		}
	}
}

func TestSecretsThatWouldLetEverybodyInAreRefused(t *testing.T) {
	w, o := prepare(t)
	o.Listen, o.PrivateListen = "0.0.0.0:0", "0.0.0.0:0"
	o.Secrets = server.Secrets{Keys: []string{newKey}, Tokens: tokens(oldToken, "")}
	startAs(t, w, o)
	good := o.Secrets
	for name, s := range map[string]server.Secrets{
		"no key":    {Tokens: good.Tokens},
		"no token":  {Keys: good.Keys},
		"empty key": {Keys: []string{""}, Tokens: good.Tokens},
		"shared":    {Keys: good.Keys, Tokens: tokens("a", "a")},
	} {
		if err := w.server.SetSecrets(s); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
	w.private = strings.Replace(w.private, "[::]", "127.0.0.1", 1)
	w.send("GET", w.private+"/api/v1/status", "", as(oldToken)).is200()
}

// Who was shut out does not go on reading; who was not comes back.
func TestStreamsEndWithTheirTokens(t *testing.T) {
	w := begin(t, func(o *server.Options) { o.Tokens = tokens("", oldToken) })
	stream := w.watch("", as(oldToken))
	stream.want("hello", &hello{})
	same := server.Secrets{Keys: []string{newKey}, Tokens: tokens("", oldToken)}
	if err := w.server.SetSecrets(same); err != nil { // keys alone end no stream
		t.Fatal(err)
	}
	w.send("POST", w.public+completion, "garbage", "X-Switchboard-Key: "+newKey).isProblem(400, "")
	stream.want("quarantine", &struct{}{})
	if err := w.server.SetSecrets(server.Secrets{Tokens: tokens("", newToken)}); err != nil {
		t.Fatal(err)
	}
	var end struct{ Why string }
	if stream.want("end", &end); !strings.Contains(end.Why, "tokens were changed") {
		t.Errorf("end %+v", end)
	}
	if _, err := stream.next(); !errors.Is(err, io.EOF) {
		t.Errorf("behind the end: %v", err)
	}
	w.send("GET", w.private+"/api/v1/events", "", "Last-Event-ID: "+stream.lastID, as(oldToken)).isProblem(401, "")
	var h hello
	if w.watch("", "Last-Event-ID: "+stream.lastID, as(newToken)).want("hello", &h); !h.Resumed {
		t.Error("not resumed")
	}
}

func TestGuessingTokensIsSlow(t *testing.T) {
	clock := time.Unix(1763802300, 0)
	w := begin(t, func(o *server.Options) {
		o.Tokens, o.Now = tokens(oldToken, ""), func() time.Time { return clock }
	})
	status := w.private + "/api/v1/status"
	// Without a token nobody guesses.
	for range 50 {
		w.send("GET", status, "").isProblem(401, "")
	}
	guesses := 0
	for ; guesses < 100 && w.send("GET", status, "", as("guess")).status == 401; guesses++ {
	}
	if guesses != 20 {
		t.Errorf("%d guesses before it gets slow", guesses)
	}
	a := w.send("GET", status, "", as(oldToken)).isProblem(429, "Wait")
	if a.header.Get("Retry-After") != "6" {
		t.Errorf("Retry-After %q", a.header.Get("Retry-After"))
	}
	clock = clock.Add(6 * time.Second)
	a = w.send("GET", status, "", as(oldToken)).is200()
	if !strings.Contains(a.body, "wrong token") {
		t.Errorf("no warning in %s", a.body)
	}
	// An address that showed the right one lately is never held up.
	for range 50 {
		w.send("GET", status, "", as("guess")).isProblem(401, "")
	}
	w.send("GET", status, "", as(oldToken)).is200()
	if got := w.metric("switchboard_http_throttled_total", as(oldToken)); got != "2" {
		t.Errorf("%s throttled, want 2", got)
	}
}

// However often somebody guesses at the webhooks, the provider gets in.
func TestGuessingKeysHoldsNoCallUp(t *testing.T) {
	w := begin(t, func(o *server.Options) { o.Keys = []string{newKey} })
	for range 50 {
		w.send("POST", w.public+initiation, "", "X-Switchboard-Key: guess").isProblem(401, "")
	}
	w.send("POST", w.public+initiation, `{"did": "918645658689"}`, "X-Switchboard-Key: "+newKey).is(200, forwarded)
}

func TestShortSecretsAreWarnedOf(t *testing.T) {
	w := begin(t, func(o *server.Options) {
		o.Keys, o.Tokens = []string{"short", newKey}, []access.Token{{Name: "priya", Secret: "tiny"}, {Name: "long", Secret: newToken}}
	})
	a := w.send("GET", w.private+"/api/v1/status", "", as("tiny")).is200()
	if !strings.Contains(a.body, "can be guessed: a key of the webhooks, the token of priya.") {
		t.Errorf("no warning in %s", a.body)
	}
}

func TestWhatIsDoneIsAudited(t *testing.T) {
	live := newFakeLive()
	w := begin(t, func(o *server.Options) {
		o.Live = live
		o.Tokens = []access.Token{{Name: "priya", Secret: newToken}, {Name: "wall", Secret: oldToken, ReadOnly: true}}
	})
	w.store.backup = "content"
	w.sets.report = engine.Report{OK: true, Revision: "r2", Active: "r2", Changed: true}
	w.send("POST", w.public+completion, `{"call_status": "answered", "caller_number": "9988912345"}`).isProblem(400, "")
	w.send("POST", w.public+completion, `garbage`).isProblem(400, "")
	w.send("GET", w.private+"/api/v1/backup", "", as(oldToken)).is200()
	w.send("POST", w.private+"/api/v1/policies/reload", "", as(newToken)).is200()
	w.send("DELETE", w.private+"/api/v1/quarantine/q2", "", as(newToken)).is(204, "")
	// What did not happen is not told.
	w.send("DELETE", w.private+"/api/v1/quarantine/q2", "", as(newToken)).isProblem(404, "")
	w.send("POST", w.private+"/api/v1/quarantine/q1/retry", "", as(newToken)).isProblem(422, "")
	w.send("POST", w.private+"/api/v1/policies/reload", "", as(oldToken)).isProblem(403, "wall")
	want := "wall backup \npriya policies.reload policies\npriya quarantine.delete q2"
	if got := strings.Join(live.noted(), "\n"); got != want {
		t.Errorf("noted\n%s\nwant\n%s", got, want)
	}
	if got := string(live.entries[1].After); got != `{"active":"r2","changed":true,"errors":0,"ok":true,"revision":"r2"}` {
		t.Errorf("the reload's detail is %s", got)
	}
	log := w.log.String()
	for _, line := range []string{`msg=audit by=wall action=backup`, `msg=audit by=priya action=policies.reload target=policies`} {
		if !strings.Contains(log, line) {
			t.Errorf("the log lacks %q", line)
		}
	}
}

// A disk that takes no entry keeps nobody from saving what is on it.
func TestABackupGoesOutThoughItCannotBeAudited(t *testing.T) {
	live := newFakeLive()
	live.fail = engine.ErrUnavailable
	w := begin(t, func(o *server.Options) { o.Live = live })
	w.store.backup = "content"
	w.send("GET", w.private+"/api/v1/backup", "").is(200, "content")
	w.wantMetric("switchboard_audit_failures_total", "1")
	if log := w.log.String(); !strings.Contains(log, "action=backup") || !strings.Contains(log, "misses an entry") {
		t.Errorf("the log says\n%s", log)
	}
}

func TestSecretsThatWereReplacedStayOutOfTheLog(t *testing.T) {
	w := begin(t, func(o *server.Options) { o.Keys = []string{oldKey} })
	w.store.completing = func(context.Context) { panic("the old one is " + oldKey) }
	if err := w.server.SetSecrets(server.Secrets{Keys: []string{newKey}}); err != nil {
		t.Fatal(err)
	}
	w.send("POST", w.public+completion, `{"call_id": "c1", "did": "918645658689"}`, "X-Switchboard-Key: "+newKey).isProblem(http.StatusInternalServerError, "")
	if log := w.log.String(); strings.Contains(log, oldKey) || !strings.Contains(log, "[secret]") {
		t.Errorf("the log says\n%s", log)
	}
}

func TestProfilesAreForAdmins(t *testing.T) {
	w := begin(t, func(o *server.Options) { o.Tokens, o.Pprof = tokens(newToken, oldToken), true })
	for _, path := range []string{"/debug/pprof/", "/debug/pprof/heap", "/debug/pprof/goroutine?debug=1", "/debug/pprof/cmdline", "/debug/pprof/trace?seconds=0.01"} {
		w.send("GET", w.private+path, "").isProblem(401, "")
		w.send("GET", w.private+path, "", as(oldToken)).isProblem(403, "admin token")
		w.send("GET", w.private+path, "", as(newToken)).is200()
	}
	without := begin(t, nil)
	without.send("GET", without.private+"/debug/pprof/", "").isProblem(404, "")
}
