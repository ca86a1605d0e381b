package server_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// Nothing that is sent to the private API makes it fail: it answers, or refuses
// with a sentence, and in the shape that its description promises.
func FuzzPrivateAPI(f *testing.F) {
	for _, seed := range []struct{ method, target, body string }{
		{"GET", "calls?caller=%2B91%2099889%2012345&from=2025-11-22&limit=5", ""},
		{"GET", "calls?from=%zz&limit=0x5&cursor=%00", ""},
		{"GET", "calls/%2F%00/explain?did=1", ""},
		{"GET", "calls.csv?status=in_flight", ""},
		{"GET", "profiles/callers/%E0%A4%A", ""},
		{"GET", "stats?from=1763802300&to=1&top=-1", ""},
		{"PUT", "sessions/order-17", `{"parties": ["9876543210", "+91 99889 12345"], "did": "918645658689", "expires": "45m", "data": {"a": [1]}}`},
		{"PUT", "sessions/a", `{"parties": [null, {}], "expires": 1e400}`},
		{"POST", "sessions", `{"sessions": [{"ref": "a"}, {"ref": "a"}, null]}`},
		{"PUT", "facts/paused/9876543210", `{"value": {"why": "lunch"}, "expires": null}`},
		{"PUT", "facts/a/b", "{\"value\": \"\xff\", \"value\": 1}"},
		{"POST", "route", `{"caller_number": "9988912345", "did": "918645658689", "at": "2025-11-22T14:35:00+05:30", "history": {}, "policies": {"../x": ""}}`},
		{"POST", "replay", `{"from": "2025-11-22", "limit": -1, "policies": []}`},
		{"POST", "forget", `{"number": "1-800-FLOWERS"}`},
		{"POST", "import", "{\"call_id\": \"a\"}\n\n[1]\nnull\n"},
		{"PUT", "log-level", `{"level": "DEBUG+3"}`},
		{"DELETE", "quarantine/..%2F..", ""},
		{"POST", "policies/%20/rollback", "{}"},
	} {
		f.Add(seed.method, seed.target, []byte(seed.body))
	}
	f.Fuzz(func(t *testing.T, method, target string, body []byte) {
		switch method {
		case http.MethodGet, http.MethodPut, http.MethodPost, http.MethodDelete:
		default:
			t.Skip("of no interest: 405")
		}
		// Events are streamed without end; what a URL can't hold a client can't send.
		if _, err := url.Parse("/api/v1/" + target); err != nil || strings.Contains(target, "events") || strings.ContainsFunc(target, func(r rune) bool { return r <= ' ' || r == 0x7f }) {
			t.Skip("of no interest")
		}
		w := begin(t, nil)
		a := w.send(method, w.private+"/api/v1/"+target, string(body))
		if a.status >= http.StatusInternalServerError && a.status != http.StatusNotImplemented {
			t.Fatalf("answered %d %s", a.status, a.body)
		}
		var problem struct{ Detail string }
		if a.status >= http.StatusBadRequest && (json.Unmarshal([]byte(a.body), &problem) != nil || len(problem.Detail) < 10) {
			t.Fatalf("refused with %d %q", a.status, a.body)
		}
	})
}
