package server_test

import (
	"strings"
	"testing"

	"switchboard/server"
)

func TestPrivateHostAndOrigin(t *testing.T) {
	w := begin(t, func(o *server.Options) { o.Hosts = []string{"switchboard.internal"} })
	w.sets.report.OK = true
	own := strings.TrimPrefix(w.private, "http://")
	port := own[strings.LastIndexByte(own, ':'):]
	for _, c := range []struct {
		name          string
		headers       []string
		reads, writes int
	}{
		{"plain", nil, 200, 200},
		{"localhost", []string{"Host: localhost" + port}, 200, 200},
		{"no port", []string{"Host: localhost"}, 200, 200},
		{"IPv6 loopback", []string{"Host: [::1]" + port}, 200, 200},
		{"upper case, dot", []string{"Host: LOCALHOST." + port}, 200, 200},
		{"configured", []string{"Host: Switchboard.internal" + port}, 200, 200},
		{"rebound name", []string{"Host: evil.example" + port}, 403, 403},
		{"a name that begins well", []string{"Host: localhost.evil.example"}, 403, 403},
		{"another address", []string{"Host: 192.0.2.1" + port}, 403, 403},
		{"any address", []string{"Host: 0.0.0.0" + port}, 403, 403},
		{"own page", []string{"Origin: " + w.private}, 200, 200},
		{"own page by name", []string{"Host: localhost" + port, "Origin: http://localhost" + port}, 200, 200},
		{"another page", []string{"Origin: https://evil.example"}, 200, 403},
		{"another port", []string{"Origin: http://127.0.0.1:1"}, 200, 403},
		{"no page", []string{"Origin: null"}, 200, 403},
		{"no scheme", []string{"Origin: " + own}, 200, 403},
		{"two origins", []string{"Origin: " + w.private, "Origin: https://evil.example"}, 200, 403},
		{"cross-site", []string{"Sec-Fetch-Site: cross-site"}, 200, 403},
		{"same-site", []string{"Sec-Fetch-Site: same-site"}, 200, 403},
		{"same-origin", []string{"Sec-Fetch-Site: same-origin", "Origin: " + w.private}, 200, 200},
		{"typed in", []string{"Sec-Fetch-Site: none"}, 200, 200},
		{"contradiction", []string{"Sec-Fetch-Site: same-origin", "Origin: https://evil.example"}, 200, 403},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, path := range []string{"/api/v1/calls", "/metrics", "/api/v1/policies"} {
				if a := w.send("GET", w.private+path, "", c.headers...); a.status != c.reads {
					t.Errorf("GET %s %d, want %d: %s", path, a.status, c.reads, a.body)
				}
			}
			for _, m := range [][2]string{{"POST", "/api/v1/policies/reload"}, {"POST", "/api/v1/route"}, {"DELETE", "/api/v1/quarantine/x"}} {
				a := w.send(m[0], w.private+m[1], `{"did": "918645658689"}`, c.headers...)
				if (a.status == 403) != (c.writes == 403) {
					t.Errorf("%s %s %d, want %d: %s", m[0], m[1], a.status, c.writes, a.body)
				}
				if a.status == 403 {
					a.isProblem(403, "")
				}
			}
		})
	}
}

// With a token a browser's page has nothing to send, so reads may come under
// any name; changes are checked all the same.
func TestPrivateHostBehindAToken(t *testing.T) {
	w := begin(t, func(o *server.Options) { o.Tokens = tokens("admin", "") })
	const token = "Authorization: Bearer admin"
	w.send("GET", w.private+"/metrics", "", token, "Host: prometheus-sees-me-as.example").is200()
	w.send("POST", w.private+"/api/v1/policies/reload", "", token, "Host: other.example").isProblem(403, "other.example")
	w.send("POST", w.private+"/api/v1/policies/reload", "", token, "Origin: https://evil.example").isProblem(403, "origin")
}

func TestPrivateUnknownPaths(t *testing.T) {
	w := begin(t, nil)
	for _, path := range []string{"/api", "/api/v1", "/api/v1/", "/api/v1/nothing", "/api/v1/status/", initiation, "/debug/pprof/"} {
		w.send("GET", w.private+path, "").isProblem(404, "")
	}
	if a := w.send("DELETE", w.private+"/api/v1/status", "").isProblem(405, "GET"); a.header.Get("Allow") != "GET" {
		t.Errorf("Allow %q", a.header.Get("Allow"))
	}
	a := w.send("GET", w.private+"/", "").is200()
	if !strings.Contains(a.body, "Newest calls") || a.header.Get("Cache-Control") != "no-store" || a.header.Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("answered %v %s", a.header, a.body)
	}
}
