package main

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
)

// playAPI answers every request alike, and tells what was asked.
type playAPI struct {
	status int
	body   string
	asked  string // method, path with query, authorisation, body
}

// switchboardAsks runs the program against the API.
func (p *playAPI) switchboardAsks(t *testing.T, args ...string) (code int, out, errs string) {
	t.Helper()
	t.Chdir(t.TempDir())
	p.asked = ""
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		p.asked = strings.TrimSpace(fmt.Sprintf("%s %s %s %s", r.Method, r.RequestURI, r.Header.Get("Authorization"), body))
		if p.status >= 300 {
			w.Header().Set("Content-Type", "application/problem+json")
		}
		w.WriteHeader(p.status)
		_, _ = io.WriteString(w, p.body)
	}))
	defer s.Close()
	var stdout, stderr bytes.Buffer
	code = run(t.Context(), append(args, "--server", s.URL), stdio{in: os.Stdin, out: &stdout, err: &stderr})
	return code, stdout.String(), stderr.String()
}

const playedSession = `{"ref":"a/b","did":"918645658689","parties":["9876543210","9988912345"],"created":1763802300,"expires":1763805000,"last_ended":null,"data":{"order":17}}`

const playedFact = `{"collection":"paused","key":"9876543210","value":{"why":"lunch"},"set":1763802300,"expires":null,"by":"admin"}`

func TestLiveCommands(t *testing.T) {
	problem := `{"status": 409, "detail": "did: every DID of the pool has a session."}`
	for _, c := range []struct {
		name   string
		args   []string
		status int
		body   string
		asks   string
		code   int
		prints string // of both streams
	}{
		{"list", []string{"sessions", "list"}, 200, `{"sessions":[` + playedSession + `],"next":"abc"}`, "GET /api/v1/sessions?limit=50", 0,
			"REF  DID           PARTY       PARTY       CREATED              EXPIRES              DATA\n" +
				"a/b  918645658689  9876543210  9988912345  2025-11-22 14:35:00  2025-11-22 15:20:00  {\"order\":17}\n" +
				"more: --cursor abc\n"},
		{"list filtered", []string{"sessions", "list", "--did", "+918645658689", "--party", "09876543210", "--ended", "--limit", "2", "--cursor", "abc", "--token", "T"},
			200, `{"sessions":[],"next":""}`, "GET /api/v1/sessions?cursor=abc&did=%2B918645658689&ended=true&limit=2&party=09876543210 Bearer T", 0,
			"REF  DID  PARTY  PARTY  CREATED  EXPIRES  DATA\n"},
		{"list as JSON", []string{"sessions", "list", "--json"}, 200, `{"sessions":[],"next":""}`, "GET /api/v1/sessions?limit=50", 0, "{\n  \"sessions\": [],\n  \"next\": \"\"\n}\n"},
		{"put", []string{"sessions", "put", "a/b", "--did", "8645658689", "--party", "+919876543210", "--party", "9988912345", "--expires", "45m", "--data", `{"order": 17}`}, 201, playedSession,
			`PUT /api/v1/sessions/a%2Fb  {"data":{"order":17},"did":"8645658689","expires":"45m","parties":["+919876543210","9988912345"]}`, 0,
			"put a/b: 9876543210 and 9988912345 reach each other over 918645658689, until 2025-11-22 15:20:00\n"},
		{"put for ever, from a pool", []string{"sessions", "put", "a", "--party", "1", "--party", "2", "--expires", "never", "--pool", "3,4", "--timezone", "UTC"}, 200, playedSession,
			`PUT /api/v1/sessions/a  {"expires":null,"parties":["1","2"],"pool":["3","4"]}`, 0,
			"changed a/b: 9876543210 and 9988912345 reach each other over 918645658689, until 2025-11-22 09:50:00\n"},
		{"put refused", []string{"sessions", "put", "a", "--party", "1", "--party", "2", "--expires", ""}, 409, problem,
			`PUT /api/v1/sessions/a  {"expires":"","parties":["1","2"]}`, 1, "switchboard: did: every DID of the pool has a session.\n"},
		{"put nonsense", []string{"sessions", "put", "a", "--party", "1", "--expires", "1h", "--data", "order"}, 0, "", "", 1,
			"switchboard: --data order is no JSON; write an object such as '{\"order\": \"A-17\"}'\n"},
		{"delete", []string{"sessions", "delete", "a/b"}, 200, playedSession, "DELETE /api/v1/sessions/a%2Fb", 0, "ended a/b\n"},
		{"delete nothing", []string{"sessions", "delete", "a"}, 204, "", "DELETE /api/v1/sessions/a", 0, "there is no session a; nothing was changed\n"},

		{"facts", []string{"facts", "list"}, 200, `{"facts":[` + playedFact + `]}`, "GET /api/v1/facts?limit=50", 0,
			"COLLECTION  KEY         SET                  EXPIRES  BY     VALUE\n" +
				"paused      9876543210  2025-11-22 14:35:00  never    admin  {\"why\":\"lunch\"}\n"},
		{"facts of one collection", []string{"facts", "list", "a/b", "--json"}, 200, `{"facts":[]}`, "GET /api/v1/facts/a%2Fb?limit=50", 0, "{\n  \"facts\": []\n}\n"},
		{"fact", []string{"facts", "put", "paused", "9876543210", `{"why": "lunch"}`}, 201, playedFact,
			`PUT /api/v1/facts/paused/9876543210  {"expires":null,"value":{"why":"lunch"}}`, 0, "put paused 9876543210: {\"why\":\"lunch\"}, until it is deleted\n"},
		{"fact for a while", []string{"facts", "put", "override", "*", `"9876543211"`, "--expires", "2d"}, 200, playedFact,
			`PUT /api/v1/facts/override/%2A  {"expires":"2d","value":"9876543211"}`, 0, "changed paused 9876543210: {\"why\":\"lunch\"}, until it is deleted\n"},
		{"fact that is no JSON", []string{"facts", "put", "paused", "9876543210", "lunch"}, 0, "", "", 1,
			"switchboard: VALUE lunch is no JSON; write true, '\"a text\"' or '{\"why\": \"lunch\"}'\n"},
		{"fact taken back", []string{"facts", "delete", "paused", "9876543210"}, 200, `{"status":"deleted"}`, "DELETE /api/v1/facts/paused/9876543210", 0, "deleted paused 9876543210\n"},
		{"fact that was none", []string{"facts", "delete", "paused", "9"}, 204, "", "DELETE /api/v1/facts/paused/9", 0, "there is no fact paused 9; nothing was changed\n"},
		{"no such zone", []string{"facts", "list", "--timezone", "Mars"}, 0, "", "", 1, "switchboard: --timezone \"Mars\" is not a zone that is known; write an IANA name such as Asia/Kolkata\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			api := &playAPI{status: c.status, body: c.body}
			code, out, errs := api.switchboardAsks(t, c.args...)
			if got := strings.TrimSpace(strings.ReplaceAll(api.asked, "  ", " ")); got != strings.ReplaceAll(c.asks, "  ", " ") {
				t.Errorf("asked %s\n want %s", api.asked, c.asks)
			}
			if code != c.code || out+errs != c.prints {
				t.Errorf("exit code %d, prints\n%s%s\nwant %d\n%s", code, out, errs, c.code, c.prints)
			}
		})
	}
}

func TestLiveCommandsWithoutServer(t *testing.T) {
	t.Chdir(t.TempDir())
	closed := httptest.NewServer(http.NotFoundHandler())
	closed.Close()
	var out, errs bytes.Buffer
	code := run(t.Context(), []string{"sessions", "list", "--server", closed.URL}, stdio{out: &out, err: &errs})
	if code != exitUsage || !strings.Contains(errs.String(), "no server answers at "+closed.URL) || strings.Contains(errs.String(), "--db") {
		t.Errorf("exit code %d: %s", code, errs.String())
	}
}
