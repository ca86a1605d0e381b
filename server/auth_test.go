package server_test

import (
	"encoding/base64"
	"net/url"
	"strings"
	"testing"
	"time"

	"switchboard/engine"
	"switchboard/server"
)

const (
	oldKey = "old+s3cret/&=%key"
	newKey = "new-s3cret-key-of-16"
)

func basic(user, password string) string {
	return "Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password))
}

func TestSecretInAllThreePlaces(t *testing.T) {
	w := begin(t, func(o *server.Options) { o.Keys = []string{oldKey, newKey} })
	const body = `{"did": "918645658689", "call_id": "c1"}`
	for _, key := range []string{oldKey, newKey} {
		for name, send := range map[string]func(path string) answer{
			"header":         func(path string) answer { return w.send("POST", w.public+path, body, "X-Switchboard-Key: "+key) },
			"basic":          func(path string) answer { return w.send("POST", w.public+path, body, basic("anybody", key)) },
			"basic, no user": func(path string) answer { return w.send("POST", w.public+path, body, basic("", key)) },
			"query":          func(path string) answer { return w.send("POST", w.public+path+"?key="+url.QueryEscape(key), body) },
			"query, plus as it is": func(path string) answer {
				return w.send("POST", w.public+path+"?key="+strings.NewReplacer("&", "%26", "%", "%25").Replace(key), body)
			},
			"one of them": func(path string) answer {
				return w.send("POST", w.public+path+"?key="+url.QueryEscape(key), body, basic("u", "x"))
			},
		} {
			t.Run(name, func(t *testing.T) {
				send(initiation).is(200, forwarded)
				send(completion).is(200, `{"status":"stored"}`)
			})
		}
	}
}

func TestWrongOrMissingSecret(t *testing.T) {
	w := begin(t, func(o *server.Options) { o.Keys = []string{newKey} })
	for name, send := range map[string]func(method, path string) answer{
		"missing":      func(m, p string) answer { return w.send(m, w.public+p, "garbage") },
		"wrong":        func(m, p string) answer { return w.send(m, w.public+p, "garbage", "X-Switchboard-Key: "+newKey+"x") },
		"empty":        func(m, p string) answer { return w.send(m, w.public+p, "garbage", "X-Switchboard-Key: ") },
		"prefix":       func(m, p string) answer { return w.send(m, w.public+p+"?key="+newKey[:5], "garbage") },
		"other case":   func(m, p string) answer { return w.send(m, w.public+p+"?key="+strings.ToUpper(newKey), "garbage") },
		"as user":      func(m, p string) answer { return w.send(m, w.public+p, "garbage", basic(newKey, "")) },
		"as bearer":    func(m, p string) answer { return w.send(m, w.public+p, "garbage", "Authorization: Bearer "+newKey) },
		"broken query": func(m, p string) answer { return w.send(m, w.public+p+"?key=%zz"+newKey, "garbage") },
	} {
		t.Run(name, func(t *testing.T) {
			for _, c := range [][2]string{{"POST", initiation}, {"GET", initiation}, {"POST", completion}} {
				a := send(c[0], c[1]).isProblem(401, "X-Switchboard-Key")
				if !strings.HasPrefix(a.header.Get("Www-Authenticate"), "Basic ") {
					t.Errorf("WWW-Authenticate is %q", a.header.Get("Www-Authenticate"))
				}
			}
		})
	}
	// Strangers fill no disk and reach no fallback.
	if n := len(w.store.quarantined()); n != 0 {
		t.Errorf("%d items in quarantine", n)
	}
	if len(w.router.initiations()) != 0 {
		t.Error("a stranger's call was routed")
	}
}

func TestSecretIsCheckedBeforeTheBodyIsRead(t *testing.T) {
	w := begin(t, func(o *server.Options) { o.Keys = []string{newKey} })
	// The body never comes: an answer proves that nobody waits for it.
	started := time.Now()
	conn := w.dial()
	conn.write("POST " + initiation + " HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n")
	conn.answer("POST").isProblem(401, "secret")
	if took := time.Since(started); took > server.DefaultReadTimeout/2 {
		t.Errorf("the answer took %v", took)
	}
	// Without a body the connection goes on.
	conn = w.dial()
	for range 2 {
		conn.write("GET " + initiation + " HTTP/1.1\r\nHost: x\r\n\r\n")
		conn.answer("GET").isProblem(401, "secret")
	}
}

func TestKeyHeaderName(t *testing.T) {
	w := begin(t, func(o *server.Options) { o.Keys, o.KeyHeader = []string{newKey}, "x-our-own" })
	w.send("POST", w.public+initiation, `{"did": "918645658689"}`, "X-Our-Own: "+newKey).is(200, forwarded)
	w.send("POST", w.public+initiation, `{"did": "918645658689"}`, "X-Switchboard-Key: "+newKey).isProblem(401, "x-our-own")
}

// The secret must not reach what is kept, logged or answered.
func TestSecretIsScrubbed(t *testing.T) {
	w := begin(t, func(o *server.Options) { o.Keys = []string{oldKey, newKey} })
	q := "?did=918645658689&key=" + url.QueryEscape(oldKey) + "&call_id=c%201&%6bey=" + newKey
	var answers strings.Builder
	collect := func(a answer) { answers.WriteString(a.body) }
	collect(w.send("GET", w.public+initiation+q, "").is(200, forwarded))
	collect(w.send("GET", w.public+initiation+"?key="+newKey+"&call_id=c1", "").is(200, fellBack)) // no DID: quarantined
	w.router.lost = func() (engine.Reply, bool) { return engine.Reply{}, false }
	collect(w.send("GET", w.public+initiation+"?key="+newKey+"&call_id=c1", "").isProblem(400, ""))
	collect(w.send("POST", w.public+completion+"?key="+newKey, "garbage", basic("u", newKey)).isProblem(400, ""))
	collect(w.send("PUT", w.public+completion+"?key="+newKey, "").isProblem(405, ""))
	collect(w.send("GET", w.public+"/nothing?key="+newKey, "").isProblem(404, ""))

	in := w.router.initiations()[0]
	if got := string(in.Raw.Body); got != "did=918645658689&call_id=c%201" {
		t.Errorf("the initiation keeps %q", got)
	}
	if in.CallID != "c 1" {
		t.Errorf("call_id %q", in.CallID)
	}
	kept := answers.String() + w.log.String()
	for _, item := range w.store.quarantined() {
		kept += string(item.Raw.Body) + item.Raw.Type + item.Cause
	}
	kept += w.send("GET", w.private+"/api/v1/status", "").body + w.send("GET", w.private+"/metrics", "").body
	for _, secret := range []string{oldKey, newKey, url.QueryEscape(oldKey)} {
		if strings.Contains(kept, secret) {
			t.Errorf("the secret %q shows in\n%s", secret, kept)
		}
	}
}

func TestKeylessListenerStillTakesKeysOut(t *testing.T) {
	w := begin(t, nil)
	w.send("GET", w.public+initiation+"?did=918645658689&key=whatever", "").is(200, forwarded)
	if got := string(w.router.initiations()[0].Raw.Body); got != "did=918645658689" {
		t.Errorf("the initiation keeps %q", got)
	}
}

func TestTokens(t *testing.T) {
	w := begin(t, func(o *server.Options) {
		o.Tokens = tokens("admin-1 admin-2", "reader")
	})
	w.sets.report.OK = true
	for _, c := range []struct {
		header       string
		get, reloads int
	}{
		{"Authorization: Bearer admin-1", 200, 200}, {"Authorization: bearer admin-2", 200, 200},
		{"Authorization: Bearer reader", 200, 403}, {"Authorization: Bearer wrong", 401, 401},
		{"Authorization: Bearer ", 401, 401}, {basic("u", "admin-1"), 401, 401}, {"X-Nothing: x", 401, 401},
	} {
		for _, path := range []string{"/api/v1/status", "/metrics"} {
			a := w.send("GET", w.private+path, "", c.header)
			if a.status != c.get {
				t.Errorf("%s: GET %s %d, want %d", c.header, path, a.status, c.get)
			}
			if a.status == 401 && !strings.HasPrefix(a.header.Get("Www-Authenticate"), "Bearer ") {
				t.Errorf("WWW-Authenticate is %q", a.header.Get("Www-Authenticate"))
			}
		}
		if a := w.send("POST", w.private+"/api/v1/policies/reload", "", c.header); a.status != c.reloads {
			t.Errorf("%s: reload %d, want %d", c.header, a.status, c.reloads)
		}
		// Who asks what would be changes nothing.
		if a := w.send("POST", w.private+"/api/v1/route", `{"did": "918645658689"}`, c.header); a.status != c.get {
			t.Errorf("%s: what-if %d, want %d", c.header, a.status, c.get)
		}
		if a := w.send("POST", w.private+"/api/v1/replay", `{}`, c.header); (a.status == 401) != (c.get == 401) || a.status == 403 {
			t.Errorf("%s: replay %d", c.header, a.status)
		}
	}
	// The public listener's business is not the token's.
	w.send("POST", w.public+initiation, `{"did": "918645658689"}`).is(200, forwarded)
	if strings.Contains(w.log.String(), "admin-1") {
		t.Error("the log tells a token")
	}
}
