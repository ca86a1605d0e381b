package server_test

import (
	"fmt"
	"strings"
	"testing"

	"switchboard/engine"
)

func TestImport(t *testing.T) {
	w := begin(t, nil)
	body := `{"call_id": "a", "caller_number": "09988912345", "call_status": "answered"}` + "\n\n" +
		`{"caller_number": "9988912345"}` + "\n" + `{"call_id": "` + strings.Repeat("x", engine.MaxBody) + `"}` + "\n" + `{"call_id": "b"}`
	var got struct {
		Stored, Updated, Duplicate int
		Rejected                   []struct {
			Line int
			Why  string
		}
	}
	answer := w.send("POST", w.private+"/api/v1/import", body)
	answer.decode(200, &got)
	if got.Stored != 2 || len(got.Rejected) != 2 || strings.Contains(answer.body, "99889") {
		t.Errorf("%+v", got)
	}
	if len(got.Rejected) == 2 && got.Rejected[0].Line != 3 {
		t.Errorf("not in the order of the lines: %+v", got.Rejected)
	}
	for _, r := range got.Rejected {
		if want := map[int]string{3: "names no call", 4: "longer than"}[r.Line]; want == "" || !strings.Contains(r.Why, want) {
			t.Errorf("line %d: %s", r.Line, r.Why)
		}
	}
	if len(w.store.completions) != 2 || len(w.store.quarantined()) != 0 {
		t.Errorf("%d reports, %d in quarantine", len(w.store.completions), len(w.store.quarantined()))
	}
	w.send("POST", w.private+"/api/v1/import?relay=true", `{"call_id": "c"}`).is200()
	w.send("POST", w.private+"/api/v1/import?relay=false", `{"call_id": "d"}`).is200()
	quiet := ""
	for _, c := range w.store.completions {
		quiet += fmt.Sprint(c.CallID, c.Quiet, " ")
	}
	if !strings.Contains(quiet, "atrue") || !strings.Contains(quiet, "cfalse") || !strings.Contains(quiet, "dtrue") {
		t.Errorf("what is not to be relayed: %s", quiet)
	}
	w.store.result = engine.Duplicate
	w.send("POST", w.private+"/api/v1/import", `{"call_id": "a"}`).is(200, `{"stored":0,"updated":0,"duplicate":1,"rejected":[]}`)
	w.send("POST", w.private+"/api/v1/import", "").is(200, `{"stored":0,"updated":0,"duplicate":0,"rejected":[]}`)
}

func TestImportRefuses(t *testing.T) {
	w := begin(t, nil)
	w.send("POST", w.private+"/api/v1/import", strings.Repeat("{\"call_id\":\"a\"}\n", 1001)).isProblem(413, "several requests")
	w.send("POST", w.private+"/api/v1/import", strings.Repeat(strings.Repeat(" ", 1<<16)+"\n", 300)).isProblem(413, "several requests")
	w.send("POST", w.private+"/api/v1/import?x=1", "").isProblem(400, "no query parameter")
	w.send("POST", w.private+"/api/v1/import?relay=yes", "").isProblem(400, "true or false")
	if len(w.store.completions) != 0 {
		t.Errorf("%d reports were taken", len(w.store.completions))
	}
	w.store.fail = engine.ErrUnavailable
	w.send("POST", w.private+"/api/v1/import", `{"call_id": "a"}`).isProblem(503, "Try again")
}
