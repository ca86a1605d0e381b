package server_test

import (
	"fmt"
	"strings"
	"testing"

	"switchboard/engine"
)

type batchAnswer struct {
	Sessions []struct {
		Ref     string
		Status  int
		Session *struct {
			Ref, DID string
			Parties  []string
		}
		Error string
	}
}

func TestBatch(t *testing.T) {
	w, live := beginLive(t, nil)
	live.put(engine.Session{Ref: "old", DID: "918645658689", Parties: [2]string{"9876543210", "9988912345"}})
	live.panics = "broken"
	item := func(ref string) string { return strings.Replace(pair, "{", `{"ref": `+quoted(ref)+`, `, 1) }
	var got batchAnswer
	w.send("POST", w.private+sessions, `{"sessions": [`+strings.Join([]string{
		item("new"), item("old"), item(""), `{"ref": "bad", "parties": []}`, `{"ref": "odd", "partys": []}`, `7`, item("broken"),
		strings.Replace(item("free"), `"did": "+91 86456 58689"`, `"pool": ["918645658689"]`, 1),
	}, ",")+`]}`).decode(200, &got)
	for i, want := range []struct {
		ref    string
		status int
		says   string
	}{
		{"new", 201, ""}, {"old", 200, ""}, {"", 400, "ref: it is empty"}, {"bad", 400, "parties"}, {"odd", 400, `"parties"`},
		{"", 400, "JSON number"}, {"broken", 500, "log"}, {"free", 409, "every DID of the pool"},
	} {
		a := got.Sessions[i]
		if a.Ref != want.ref || a.Status != want.status || !strings.Contains(a.Error, want.says) || (a.Session == nil) == (want.status < 300) ||
			(a.Error == "") != (want.says == "") {
			t.Errorf("%d: %+v, want %+v", i, a, want)
		}
	}
	if s := got.Sessions[0].Session; s.DID != "918645658689" || s.Parties[0] != "9876543210" {
		t.Errorf("stored %+v", s)
	}
	w.wantMetric("switchboard_panics_total", "1")
	w.wantMetric(`switchboard_live_changes_total{action="created",kind="session"}`, "1")
	w.wantMetric(`switchboard_live_changes_total{action="updated",kind="session"}`, "1")
	if strings.Contains(w.log.String(), "9876543210") {
		t.Errorf("the log tells a number:\n%s", w.log)
	}
}

func TestBatchIsWholeOrRefused(t *testing.T) {
	w, live := beginLive(t, nil)
	many := func(n int) string {
		items := make([]string, n)
		for i := range items {
			items[i] = strings.Replace(pair, "{", fmt.Sprintf(`{"ref": "r%d", `, i), 1)
		}
		return `{"sessions": [` + strings.Join(items, ",") + `]}`
	}
	w.send("POST", w.private+sessions, `{"sessions": []}`).isProblem(400, "there are 0")
	w.send("POST", w.private+sessions, many(1001)).isProblem(400, "1 to 1000")
	w.send("POST", w.private+sessions, strings.Replace(many(3), "r2", "r0", 1)).isProblem(400, `sessions[0] and sessions[2] have the same ref "r0"`)
	w.send("POST", w.private+sessions, `{"session": []}`).isProblem(400, `"sessions"`)
	w.send("POST", w.private+sessions, `[]`).isProblem(400, "array")
	if len(live.by) != 0 {
		t.Fatalf("%d sessions were put all the same", len(live.by))
	}
	var got batchAnswer
	w.send("POST", w.private+sessions, many(1000)).decode(200, &got)
	for i, a := range got.Sessions {
		if a.Ref != fmt.Sprintf("r%d", i) || a.Status != 201 {
			t.Fatalf("%d: %+v", i, a)
		}
	}
	if len(live.sessions) != 1000 {
		t.Errorf("%d are stored", len(live.sessions))
	}
	live.fail = engine.ErrUnavailable
	w.send("POST", w.private+sessions, many(2)).decode(200, &got)
	for _, a := range got.Sessions {
		if a.Status != 503 || a.Error == "" {
			t.Errorf("%+v", a)
		}
	}
}
