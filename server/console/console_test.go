package console_test

import (
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"

	"switchboard/server"
	"switchboard/server/access"
)

// missing are the texts that a page should hold and does not.
func missing(page string, texts ...string) (out []string) {
	for _, text := range texts {
		if !strings.Contains(page, text) {
			out = append(out, text)
		}
	}
	return out
}

func TestNumbersAreMaskedUntilRevealed(t *testing.T) {
	w := begin(t, nil)
	w.hangUp("call-1", ravi, w.ring("call-1", "+91 99889 12345"))
	w.ring("call-2", ravi)
	pages := []string{"/", "/calls", "/calls?caller=1", "/call?id=call-1", "/strip"}
	for _, page := range pages {
		status, text := w.get(page)
		if status != http.StatusOK {
			t.Errorf("%s: %d %s", page, status, text)
		}
		for _, secret := range []string{ravi, anna, did, "99889", "records.example"} {
			if strings.Contains(text, secret) {
				t.Errorf("%s shows %s", page, secret)
			}
		}
	}
	w.client.Jar, _ = cookiejar.New(nil)
	status, text := w.post(w.private+"/reveal", "application/x-www-form-urlencoded", url.Values{"numbers": {"show"}, "back": {"/calls"}}.Encode())
	if status != http.StatusSeeOther {
		t.Fatalf("reveal: %d %s", status, text)
	}
	_, text = w.get("/call?id=call-1")
	if gone := missing(text, ravi, anna, did); gone != nil {
		t.Errorf("after revealing, the page lacks %q", gone)
	}
	if strings.Contains(text, "records.example") {
		t.Error("revealing numbers revealed the recording, too")
	}
	_, text = w.post(w.private+"/call/recording", "application/x-www-form-urlencoded", "id=call-1")
	if gone := missing(text, "https://records.example/call-1-"); gone != nil {
		t.Errorf("the link is not shown: %s", text)
	}
	w.post(w.private+"/reveal", "application/x-www-form-urlencoded", "numbers=hide")
	if _, text = w.get("/calls"); strings.Contains(text, ravi) {
		t.Error("masking again had no effect")
	}
}

func TestCallsAreFound(t *testing.T) {
	w := begin(t, nil)
	w.hangUp("call-1", ravi, w.ring("call-1", ravi))
	w.ring("call-2", "9988900000")
	const other = "…0000"
	for query, want := range map[string]struct{ has, lacks string }{
		"q=9988912345":            {"…2345", other},
		"q=%2B91+99889-12345":     {"…2345", other},
		"q=09988912345":           {"…2345", other},
		"q=00919988912345":        {"…2345", other},
		"q=" + anna:               {"as receiver", "No call matches"},
		"q=" + did:                {"as DID", "No call matches"},
		"q=%2B" + did:             {"as DID", "No call matches"},
		"q=9123456789":            {"was never seen", "…2345"},
		"status=answered":         {"…2345", other},
		"status=in_flight":        {other, "…2345"},
		"reason=first_free":       {"…2345", "No call matches"},
		"reason=nonsense":         {"No call matches", "…2345"},
		"source=policy":           {"…2345", "No call matches"},
		"source=fallback":         {"No call matches", "…2345"},
		"period=hour":             {"…2345", "No call matches"},
		"period=custom&to=2020-1": {"is no time", "…2345"},
		"period=custom&from=2026-01-02T00:00&to=2026-01-01T00:00": {"ends before it begins", "…2345"},
		"period=custom&to=2020-01-01T00:00":                       {"No call matches", "…2345"},
		"cursor=nonsense":                                         {"no longer there", "…2345"},
		"ref=nonsense":                                            {"before the server restarted", "…2345"},
	} {
		_, text := w.get("/calls?" + query)
		if !strings.Contains(text, want.has) || strings.Contains(text, want.lacks) {
			t.Errorf("%s: has %q: %v, has %q: %v", query, want.has, strings.Contains(text, want.has), want.lacks, strings.Contains(text, want.lacks))
		}
	}
	r, _ := http.NewRequest(http.MethodGet, w.private+"/calls?q=call-2", nil)
	resp, err := w.client.Do(r)
	w.must(err)
	resp.Body.Close()
	if to := resp.Header.Get("Location"); to != "/call?id=call-2" {
		t.Errorf("a call's id leads to %q", to)
	}
}

func TestCallIsExplained(t *testing.T) {
	w := begin(t, nil)
	w.hangUp("odd/../id //?", ravi, w.ring("odd/../id //?", ravi))
	w.ring("call-2", ravi)
	status, text := w.get("/call?id=" + url.QueryEscape("odd/../id //?"))
	if gone := missing(text, "The policies sent the call to …3210, reason “first free”.", "It was answered and lasted 1 min 23 s.",
		"data.routing.decision", "routing/routing.rego:", "history/callers/…2345", "Initiation came", "Completion came",
		"Show the link", "The same caller's other calls"); status != http.StatusOK || gone != nil {
		t.Errorf("%d, the page lacks %q", status, gone)
	}
	if _, text = w.get("/call?id=call-2"); missing(text, "reason “sticky”", "no completion has come yet", "/call?id=odd%2F..%2Fid&#43;%2F%2F%3F") != nil {
		t.Errorf("the second call: %q", missing(text, "reason “sticky”", "no completion has come yet"))
	}
	if _, text = w.get("/call/history?id=call-2"); missing(text, "data.history.callers.…2345", `&#34;last_answered&#34;`, "…3210", "data.facts.paused.…3210") != nil {
		t.Errorf("the history of then: %s", text)
	}
	if _, text = w.get("/call/explain?id=call-2"); missing(text, "repeated exactly", "sticky") != nil {
		t.Errorf("the explanation: %s", text)
	}
	for _, path := range []string{"/call/history?id=nobody", "/call/explain?id=nobody"} {
		if status, _ = w.get(path); status != http.StatusNotFound {
			t.Errorf("%s: %d", path, status)
		}
	}
	if status, text = w.get("/call?id=nobody"); status != http.StatusNotFound || !strings.Contains(text, "There is no call with this id") {
		t.Errorf("an unknown call: %d %s", status, text)
	}
}

func TestTokens(t *testing.T) {
	w := begin(t, func(o *server.Options) {
		o.Tokens = []access.Token{{Name: "boss", Secret: "admin-token"}, {Name: "guest", Secret: "read-token", ReadOnly: true}}
	})
	for _, path := range []string{"/", "/calls", "/call?id=1", "/strip", "/events"} {
		status, text := w.get(path)
		if status != http.StatusSeeOther && status != http.StatusUnauthorized || strings.Contains(text, "Newest") {
			t.Errorf("%s without a token: %d", path, status)
		}
	}
	if status, _ := w.get("/static/console.css"); status != http.StatusOK {
		t.Error("the sign-in page has no styles")
	}
	if status, _ := w.get("/api/v1/status"); status != http.StatusUnauthorized {
		t.Error("the API is open")
	}
	if status, _ := w.get("/calls/../api/v1/status"); status == http.StatusOK {
		t.Error("a path through the console opens the API")
	}
	if status, text := w.get("/calls", "Authorization", "Bearer read-token"); status != http.StatusOK || !strings.Contains(text, "No calls yet") {
		t.Errorf("a bearer token: %d", status)
	}
	w.client.Jar, _ = cookiejar.New(nil)
	sign := func(token, to string) (int, string) {
		return w.post(w.private+"/login", "application/x-www-form-urlencoded", url.Values{"token": {token}, "to": {to}}.Encode())
	}
	if status, text := sign("wrong", "/calls"); status != http.StatusUnauthorized || !strings.Contains(text, "not known") {
		t.Errorf("a wrong token: %d", status)
	}
	if status, _ := sign("read-token", "/calls"); status != http.StatusSeeOther {
		t.Errorf("a right token: %d", status)
	}
	if status, _ := w.get("/calls"); status != http.StatusOK {
		t.Errorf("signed in: %d", status)
	}
	if status, _ := w.get("/api/v1/status"); status != http.StatusUnauthorized {
		t.Error("the cookie opens the API")
	}
	home, _ := url.Parse(w.private)
	for _, c := range w.client.Jar.Cookies(home) {
		if strings.Contains(c.Value, "token") {
			t.Errorf("the cookie %s carries the token", c.Name)
		}
	}
	if status, _ := w.post(w.private+"/logout", "application/x-www-form-urlencoded", ""); status != http.StatusSeeOther {
		t.Errorf("signing out: %d", status)
	}
	if status, _ := w.get("/calls"); status == http.StatusOK {
		t.Error("still signed in")
	}
}

func TestForeignPagesChangeNothing(t *testing.T) {
	w := begin(t, nil)
	r, _ := http.NewRequest(http.MethodPost, w.private+"/reveal", strings.NewReader("numbers=show"))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Origin", "https://evil.example")
	if status, _ := w.do(r); status != http.StatusForbidden {
		t.Errorf("a foreign page's form: %d", status)
	}
	r, _ = http.NewRequest(http.MethodGet, w.private+"/calls", nil)
	r.Host = "rebound.example"
	if status, _ := w.do(r); status != http.StatusForbidden {
		t.Errorf("a rebound host: %d", status)
	}
}

func TestSignInComesBackHereOnly(t *testing.T) {
	w := begin(t, func(o *server.Options) { o.Tokens = []access.Token{{Name: "boss", Secret: "admin-token"}} })
	for to, want := range map[string]string{
		"/calls?status=answered": "/calls?status=answered", "https://evil.example/": "/", "//evil.example": "/", `/\evil.example`: "/", "": "/",
		"javascript:alert(1)": "/", "/\r\nSet-Cookie: a=b": "/",
	} {
		r, _ := http.NewRequest(http.MethodPost, w.private+"/login", strings.NewReader(url.Values{"token": {"admin-token"}, "to": {to}}.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		resp, err := w.client.Do(r)
		w.must(err)
		resp.Body.Close()
		if got := resp.Header.Get("Location"); got != want {
			t.Errorf("%q leads to %q, want %q", to, got, want)
		}
	}
}
