package hangup_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"switchboard/server/hangup"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const key = "metro-key-0123456789"

// provider emulates the API: calls that it knows can be hung up once.
func provider(t *testing.T, active ...string) *httptest.Server {
	t.Helper()
	running := map[string]bool{}
	for _, id := range active {
		running[id] = true
	}
	fail := func(w http.ResponseWriter, status, code int, reason string) {
		w.WriteHeader(status)
		fmt.Fprintf(w, `{"success": false, "error": {"code": %d, "reason": %q}}`, code, reason)
	}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		var id string
		_, err := fmt.Sscanf(string(body), `{"call_id":%q}`, &id)
		switch {
		case r.Method != http.MethodPost || r.URL.Path != "/v1/external/call/hangup":
			http.NotFound(w, r)
		case r.Header.Get("x-metro-api-key") != key:
			fail(w, 401, 1002, "Invalid API key")
		case err != nil || r.Header.Get("Content-Type") != "application/json":
			fail(w, 400, 1009, "Invalid schema")
		case id == "internal":
			fail(w, 500, 1000, "Internal\n server error")
		case !running[id]:
			fail(w, 200, 1040, "Call details not found")
		default:
			delete(running, id)
			fmt.Fprintf(w, `{"success": true, "response": {"call_id": %q}}`, id)
		}
	}))
	t.Cleanup(srv.Close)
	return srv
}

func client(t *testing.T, o hangup.Options) *hangup.Client {
	t.Helper()
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	if o.Transport == nil {
		o.Transport = transport
	}
	c, err := hangup.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// kind is why a call was not hung up; empty where it was.
func kind(t *testing.T, err error) hangup.Kind {
	t.Helper()
	if err == nil {
		return ""
	}
	var e *hangup.Error
	if !errors.As(err, &e) {
		t.Fatalf("%T %v", err, err)
	}
	if strings.Contains(e.Error(), key) || strings.ContainsAny(e.Error(), "\n") || !strings.HasSuffix(e.Error(), ".") && e.Kind != hangup.NoCall {
		t.Errorf("no sentence: %q", e.Error())
	}
	return e.Kind
}

func TestHangup(t *testing.T) {
	srv := provider(t, "65015fbd9c9a62", `quo"ted`)
	c := client(t, hangup.Options{Base: srv.URL + "/", Key: key})
	for _, step := range []struct {
		id   string
		want hangup.Kind
	}{
		{"65015fbd9c9a62", ""}, {"65015fbd9c9a62", hangup.NoCall}, {`quo"ted`, ""},
		{"never", hangup.NoCall}, {"internal", hangup.Provider},
	} {
		if got := kind(t, c.Hangup(t.Context(), step.id)); got != step.want {
			t.Errorf("%s: %q, want %q", step.id, got, step.want)
		}
	}
	c.SetKey("wrong")
	if got := kind(t, c.Hangup(t.Context(), "x")); got != hangup.BadKey {
		t.Errorf("a wrong key: %q", got)
	}
	c.SetKey("")
	if got := kind(t, c.Hangup(t.Context(), "x")); got != hangup.NoKey {
		t.Errorf("no key: %q", got)
	}
}

func TestWhatTheProviderSaysBecomesASentence(t *testing.T) {
	for body, want := range map[string]hangup.Kind{
		`{"success": true}`: "",
		`{"success": false, "error": {"code": 1000, "reason": "Internal"}}`:     hangup.Provider,
		`{"success": false, "error": {"code": 1002, "reason": "key"}}`:          hangup.BadKey,
		`{"success": false, "error": {"code": 1009, "reason": "schema"}}`:       hangup.BadRequest,
		`{"success": false, "error": {"code": 1040, "reason": "Call details"}}`: hangup.NoCall,
		`{"success": false, "error": {"code": 77}}`:                             hangup.Provider,
		`{"success": false}`: hangup.Unexpected,
		`{}`:                 hangup.Unexpected,
		`<html>`:             hangup.Unexpected,
		``:                   hangup.Unexpected,
		`{"success": false, "error": {"code": 1, "reason": "` + strings.Repeat("x", 1<<17) + `"}}`: hangup.Unexpected, // cut off
	} {
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, body) }))
		c := client(t, hangup.Options{Base: srv.URL, Key: key})
		if got := kind(t, c.Hangup(t.Context(), "x")); got != want {
			t.Errorf("%.60s: %q, want %q", body, got, want)
		}
		srv.Close()
	}
}

func TestTheKeyFollowsNoRedirect(t *testing.T) {
	stolen := make(chan string, 1)
	thief := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { stolen <- r.Header.Get("x-metro-api-key") }))
	defer thief.Close()
	srv := httptest.NewServer(http.RedirectHandler(thief.URL, http.StatusTemporaryRedirect))
	defer srv.Close()
	if got := kind(t, client(t, hangup.Options{Base: srv.URL, Key: key}).Hangup(t.Context(), "x")); got != hangup.Unexpected {
		t.Errorf("a redirect: %q", got)
	}
	select {
	case k := <-stolen:
		t.Errorf("the key %q went elsewhere", k)
	default:
	}
}

func TestAProviderThatDoesNotAnswer(t *testing.T) {
	release := make(chan struct{})
	srv := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release }))
	defer srv.Close()
	defer close(release)
	c := client(t, hangup.Options{Base: srv.URL, Key: key, Timeout: 30 * time.Millisecond})
	if got := kind(t, c.Hangup(t.Context(), "x")); got != hangup.Late {
		t.Errorf("a silent provider: %q", got)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := c.Hangup(ctx, "x"); !errors.Is(err, context.Canceled) {
		t.Errorf("who gave up is told %v", err)
	}
	gone := httptest.NewServer(nil)
	gone.Close()
	if got := kind(t, client(t, hangup.Options{Base: gone.URL, Key: key}).Hangup(t.Context(), "x")); got != hangup.Unreachable {
		t.Errorf("nobody there: %q", got)
	}
}

func TestAddressesThatWouldTellTheKey(t *testing.T) {
	for base, ok := range map[string]bool{
		"": true, "https://incoming-call.alohaa.ai": true, "http://127.0.0.1:1": true, "http://localhost:1": true, "http://[::1]:1/x": true,
		"http://number-masking.alohaa.ai": false, "number-masking.alohaa.ai": false, "ftp://x": false, "https://": false,
		"https://user:pass@x": false, "https://x?key=1": false, "::": false,
	} {
		if _, err := hangup.New(hangup.Options{Base: base}); (err == nil) != ok {
			t.Errorf("%q: %v", base, err)
		}
	}
}
