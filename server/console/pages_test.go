package console_test

import (
	"archive/zip"
	"bytes"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"switchboard/server"
	"switchboard/server/access"
)

// form sends a form as a page does.
func (w *world) form(path string, pairs ...string) (status int, text string) {
	w.t.Helper()
	v := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		v.Add(pairs[i], pairs[i+1])
	}
	return w.post(w.private+path, "application/x-www-form-urlencoded", v.Encode())
}

func TestWhoMayOnlyLookChangesNothing(t *testing.T) {
	w := begin(t, func(o *server.Options) {
		o.Tokens = []access.Token{{Name: "boss", Secret: "admin-token"}, {Name: "guest", Secret: "read-token", ReadOnly: true}}
	})
	w.client.Jar, _ = cookiejar.New(nil)
	w.form("/login", "token", "read-token")
	for _, path := range []string{"/people/pause", "/people/resume", "/people/session", "/people/session/end", "/policies/reload",
		"/policies/rollback", "/system/retry", "/system/discard", "/system/letter/retry", "/system/letter/all", "/system/letter/delete", "/system/forget", "/system/backup"} {
		if status, text := w.form(path, "number", anna, "for", "1h"); status != http.StatusForbidden || !strings.Contains(text, "may look only") {
			t.Errorf("%s: %d", path, status)
		}
		if status, _ := w.get(path); status != http.StatusNotFound && status != http.StatusMethodNotAllowed {
			t.Errorf("GET %s: %d", path, status)
		}
	}
	for _, page := range everyPage[:len(everyPage)-1] {
		if page.name == "call" {
			continue
		}
		_, text := w.get(page.path)
		for _, action := range regexp.MustCompile(`<form[^>]* action="([^"]*)"`).FindAllStringSubmatch(text, -1) {
			switch action[1] {
			case "/reveal", "/logout", "/calls", "/people", "/statistics", "/try/download", "/policies/tests", "/try/replay":
			default:
				t.Errorf("%s offers %s", page.name, action[1])
			}
		}
	}
	if status, text := w.form("/try/ask", "caller", ravi, "did", did); status != http.StatusOK || !strings.Contains(text, "first_free") {
		t.Errorf("asking what would be: %d", status)
	}
}

func TestPeople(t *testing.T) {
	w := begin(t, nil)
	w.ring("call-1", ravi)
	_, text := w.get("/people")
	if gone := missing(text, "2 free", "1 on a call", "0 paused", "on 1 call", "Sample line"); gone != nil {
		t.Errorf("the page lacks %q", gone)
	}
	for name, c := range map[string]struct {
		form []string
		want string
	}{
		"no number": {[]string{"number", "", "for", "1h"}, "it is empty"},
		"no time":   {[]string{"number", bela, "for", "soon"}, "is no time"},
		"an old link": {[]string{"ref", "nonsense", "for", "1h"},
			"older than the server&#39;s last start"},
	} {
		if status, text := w.form("/people/pause", c.form...); status < 400 || !strings.Contains(text, c.want) {
			t.Errorf("%s: %d %s", name, status, text)
		}
	}
	if status, _ := w.form("/people/pause", "number", "+91 98765 43211", "for", "30m", "why", "9988912345 called"); status != http.StatusSeeOther {
		t.Fatalf("pausing: %d", status)
	}
	// Somebody of no team is shown as well, once paused.
	w.form("/people/pause", "number", "9111111111", "for", "30m")
	_, text = w.get("/people?done=paused")
	if gone := missing(text, "2 paused", "…2345 called", "…1111", "the next call goes to somebody else"); gone != nil {
		t.Errorf("the page lacks %q", gone)
	}
	if strings.Contains(text, bela) || strings.Contains(text, ravi) {
		t.Error("a number is not masked")
	}
	w.form("/people/resume", "number", bela)
	if _, text = w.get("/people"); !strings.Contains(text, "1 paused") {
		t.Error("still paused")
	}
}

func TestSessions(t *testing.T) {
	w := begin(t, nil)
	if status, text := w.form("/people/session", "session", "order-1", "first", ravi, "second", ravi, "for", "1h"); status < 400 || !strings.Contains(text, "both are …2345") {
		t.Errorf("a pair of one: %d %s", status, text)
	}
	for _, ref := range []string{"order-1", "order-2"} {
		second := map[string]string{"order-1": "9000000001", "order-2": "9000000002"}[ref]
		if status, text := w.form("/people/session", "session", ref, "first", "+91 99889 1234"+ref[6:], "second", second, "did", did, "for", "1h"); status != http.StatusSeeOther {
			t.Fatalf("%s: %d %s", ref, status, text)
		}
	}
	for query, want := range map[string][2]bool{
		"": {true, true}, "?q=99889+12341": {true, false}, "?q=9000000002": {false, true}, "?q=" + did: {true, true}, "?q=9999999999": {false, false},
	} {
		_, text := w.get("/people" + query)
		if got := [2]bool{strings.Contains(text, "order-1<"), strings.Contains(text, "order-2<")}; got != want {
			t.Errorf("%q shows %v, want %v", query, got, want)
		}
	}
	if status, _ := w.form("/people/session/end", "session", "order-1"); status != http.StatusSeeOther {
		t.Errorf("ending: %d", status)
	}
	if status, text := w.form("/people/session/end", "session", "order-1"); status != http.StatusNotFound {
		t.Errorf("ending again: %d %s", status, text)
	}
	if _, text := w.get("/people?ended=yes"); !strings.Contains(text, "order-1<") || !strings.Contains(text, "ended</span>") {
		t.Error("an ended session is not shown on request")
	}
}

func TestStatistics(t *testing.T) {
	w := begin(t, nil)
	if _, text := w.get("/statistics"); !strings.Contains(text, "No calls in this period") {
		t.Error("nothing is said of an empty history")
	}
	w.hangUp("call-1", ravi, w.ring("call-1", ravi))
	w.ring("call-2", "9988900000")
	_, text := w.get("/statistics")
	if gone := missing(text, "100.0 %", "1 min 23 s", "first_free", "…8689", "By hour and weekday", `data-a="2" data-b="1"`); gone != nil {
		t.Errorf("the page lacks %q", gone)
	}
	link := regexp.MustCompile(`/statistics\?as=receiver[^"]*`).FindString(text)
	if _, text = w.get(strings.ReplaceAll(link, "&amp;", "&")); !strings.Contains(text, "Of receiver <b>") {
		t.Errorf("%q does not lead to a receiver's statistics", link)
	}
	for table, want := range map[string]string{
		"days": "date,offered,answered,unanswered,other,open,rejected,unrouted,talk_seconds\n", "hours": "weekday,hour,",
		"dids": "…8689,2,1,0,0,1,0,0,83\n", "receivers": "…3210,2,1,0,0,1,0,0,83\n", "reasons": "first_free,2,1,0,0,1,0,0,83\n",
	} {
		if status, text := w.get("/statistics/table?period=all&table=" + table); status != http.StatusOK || !strings.Contains(text, want) {
			t.Errorf("%s: %d %s", table, status, text)
		}
	}
	if status, _ := w.get("/statistics/table?table=nonsense"); status != http.StatusNotFound {
		t.Errorf("a table that there is not: %d", status)
	}
	if status, _ := w.get("/statistics?ref=nonsense"); status != http.StatusGone {
		t.Errorf("an old link: %d", status)
	}
}

func TestTry(t *testing.T) {
	w := begin(t, nil)
	ask := func(pairs ...string) string {
		status, text := w.form("/try/ask", pairs...)
		if status != http.StatusOK {
			t.Errorf("%q: %d %s", pairs, status, text)
		}
		return text
	}
	if text := ask("caller", ravi, "did", did); missing(text, "…3210", "first_free", "data.routing.decision", "Every step") != nil {
		t.Errorf("the answer: %s", text)
	}
	if text := ask("caller", ravi); !strings.Contains(text, "Choose the line") {
		t.Errorf("without a DID: %s", text)
	}
	if text := ask("caller", ravi, "did", did, "at", "yesterday"); !strings.Contains(text, "is no time") {
		t.Errorf("a wrong time: %s", text)
	}
	if text := ask("caller", ravi, "did", did, "history", "{"); !strings.Contains(text, "history is not JSON") {
		t.Errorf("a wrong history: %s", text)
	}
	history := `{"callers": {"9988912345": {"last_answered": {"receiver_number": "9876543212"}}}}`
	if text := ask("caller", ravi, "did", did, "history", history); missing(text, "…3212", "sticky") != nil {
		t.Errorf("a history of their own: %s", text)
	}
	broken := []string{"path", "routing/more.rego", "text", "package routing\r\n\r\nbroken := {\r\n"}
	if text := ask(append(broken, "caller", ravi, "did", did)...); missing(text, "do not load", "routing/more.rego:") != nil {
		t.Errorf("a broken edit: %s", text)
	}
	if _, text := w.form("/try/replay", "revision", "0123456789abcdef"); !strings.Contains(text, "no such revision") {
		t.Errorf("a replay of no revision: %s", text)
	}
	if _, text := w.form("/try/replay", broken...); missing(text, "do not load", "routing/more.rego:") != nil {
		t.Errorf("a replay of a broken edit: %s", text)
	}
	_, text := w.form("/try/check", "path", "routing/never_test.rego", "text", "package routing_test\r\n\r\ntest_never if {\r\n\tfalse\r\n}\r\n")
	if missing(text, "it would be refused", "test_never", "1 test failed") != nil {
		t.Errorf("a failing test: %s", text)
	}
	for _, path := range []string{"../secret.rego", "/etc/passwd.rego", "routing/readme.md", ""} {
		if status, _ := w.form("/try/edit", "file", path); status != http.StatusBadRequest {
			t.Errorf("opening %q: %d", path, status)
		}
	}
	if got := w.ring("call-1", ravi); got != anna {
		t.Errorf("trying changed what serves: rang %s", got)
	}
}

// What is downloaded are the files that differ, as they were typed.
func TestDownloadOfEdits(t *testing.T) {
	w := begin(t, nil)
	if status, _ := w.form("/try/download", "path", "routing/routing.rego", "text", set["routing/routing.rego"]); status != http.StatusBadRequest {
		t.Errorf("nothing edited: %d", status)
	}
	status, body := w.form("/try/download", "path", "routing/routing.rego", "text", strings.ReplaceAll(set["routing/routing.rego"], "\n", "\r\n"),
		"path", "routing/lunch.rego", "text", "package routing\r\n\r\nlunch := true\r\n")
	if status != http.StatusOK {
		t.Fatalf("%d %s", status, body)
	}
	archive, err := zip.NewReader(bytes.NewReader([]byte(body)), int64(len(body)))
	w.must(err)
	if len(archive.File) != 1 || archive.File[0].Name != "routing/lunch.rego" {
		t.Fatalf("the archive holds %d files", len(archive.File))
	}
	f, err := archive.File[0].Open()
	w.must(err)
	text, err := io.ReadAll(f)
	w.must(err)
	if string(text) != "package routing\n\nlunch := true\n" {
		t.Errorf("%q", text)
	}
}

func TestSystem(t *testing.T) {
	w := begin(t, nil)
	w.hangUp("call-1", ravi, w.ring("call-1", ravi))
	if status, text := w.form("/system/forget", "number", ravi); status != http.StatusBadRequest || !strings.Contains(text, "Tick the box") {
		t.Errorf("forgetting unasked: %d %s", status, text)
	}
	if status, text := w.form("/system/forget", "number", "99889 12345", "sure", "yes"); status != http.StatusOK || missing(text, "The person is erased", "db compact") != nil {
		t.Errorf("forgetting: %d %s", status, text)
	}
	if _, text := w.get("/calls?q=" + ravi); !strings.Contains(text, "was never seen") {
		t.Error("still there")
	}
	status, body := w.form("/system/backup")
	if status != http.StatusOK || len(body) < 1024 {
		t.Errorf("the backup: %d, %d bytes", status, len(body))
	}
	if _, text := w.get("/system/audit"); missing(text, "backup", "policies.activate") != nil {
		t.Error("the backup is not in the audit trail")
	}
}

func TestRevisions(t *testing.T) {
	w := begin(t, nil)
	first := w.manager.Status().Revision
	w.save("routing/lunch.rego", "package routing\n\nlunch := true\n")
	w.manager.Reload(t.Context(), "test")
	_, text := w.get("/policies?revision=" + first)
	if gone := missing(text, "What it would change", "routing/lunch.rego", "removed", "Roll back to it"); gone != nil {
		t.Errorf("the page lacks %q", gone)
	}
	if _, text = w.form("/policies/tests", "revision", first); missing(text, "1 test passed", "They cover", "routing/routing.rego") != nil {
		t.Errorf("the tests of a revision: %s", text)
	}
	if status, _ := w.form("/policies/tests", "revision", "nonsense"); status != http.StatusNotFound {
		t.Errorf("the tests of no revision: %d", status)
	}
	if status, _ := w.get("/policies?revision=nonsense"); status != http.StatusNotFound {
		t.Errorf("an unknown revision: %d", status)
	}
	if status, _ := w.form("/policies/rollback", "revision", "0123456789"); status != http.StatusNotFound {
		t.Errorf("a rollback to an unknown revision: %d", status)
	}
	w.save("routing/lunch.rego", "package routing\n\nlunch := {\n")
	if status, _ := w.form("/policies/reload"); status != http.StatusSeeOther {
		t.Errorf("a reload: %d", status)
	}
	if _, text := w.get("/policies"); missing(text, "refused", "routing/lunch.rego:") != nil {
		t.Error("the report of the reload is not shown")
	}
}

// An address that asks for what no page offers is told so: else the page would
// look as if nothing had been asked for.
func TestAddressesThatAskForWhatIsNotOffered(t *testing.T) {
	w := begin(t, nil)
	for path, want := range map[string]string{
		"/calls?status=bogus": "no state", "/calls?source=nobody": "no source", "/calls?period=fortnight": "no period", "/statistics?period=fortnight": "no period",
	} {
		if status, text := w.get(path); status != http.StatusBadRequest || !strings.Contains(text, want) {
			t.Errorf("%s: %d", path, status)
		}
	}
	for _, path := range []string{"/calls?status=answered&source=policy&period=week", "/calls?status=&source=&period=", "/statistics?period=all", "/statistics?period=custom"} {
		if status, _ := w.get(path); status != http.StatusOK {
			t.Errorf("%s: %d", path, status)
		}
	}
}
