package server_test

import (
	"net/http"
	"strings"
	"testing"
)

// A number that came to the wrong place in a request is not told back in full:
// errors go to logs of proxies and to tickets.
func TestErrorsTellNoNumberBack(t *testing.T) {
	w := begin(t, nil)
	const number = "9988912399"
	for _, c := range []struct{ method, path, body string }{
		{"GET", "/calls?" + number + "=1", ""},
		{"GET", "/calls?status=" + number, ""},
		{"GET", "/calls?source=%2B91" + number, ""},
		{"GET", "/calls?limit=" + number, ""},
		{"GET", "/calls?from=+91 " + number + "x", ""},
		{"GET", "/calls?to=" + number + "0000", ""},
		{"GET", "/calls/" + number, ""},
		{"GET", "/profiles/callers/" + number, ""},
		{"GET", "/sessions?ended=" + number, ""},
		{"GET", "/sessions/" + number, ""},
		{"GET", "/facts/paused/" + number, ""},
		{"PUT", "/sessions/a", `{"` + number + `": 1}`},
		{"PUT", "/sessions/a", `{"did": "918645658689", "parties": ["9876543210", "9988912345"], "expires": "` + number + ` at noon"}`},
		{"PUT", "/facts/a/b", `{"value": 1, "expires": "` + number + `"}`},
		{"POST", "/route", `{"did": "918645658689", "at": "99889 12399"}`},
		{"POST", "/forget", `{"number": "` + number + `x1"}`},
		{"PUT", "/log-level", `{"level": "` + number + `"}`},
	} {
		url := w.private + "/api/v1" + strings.ReplaceAll(c.path, " ", "%20")
		a := w.send(c.method, url, c.body)
		if a.status < http.StatusBadRequest || a.status >= http.StatusInternalServerError {
			t.Errorf("%s %s %s answered %d", c.method, c.path, c.body, a.status)
		}
		if told := strings.ReplaceAll(a.body, " ", ""); strings.Contains(told, number) {
			t.Errorf("%s %s %s told the number back: %s", c.method, c.path, c.body, a.body)
		}
	}
}
