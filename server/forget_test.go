package server_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"switchboard/engine"
)

func TestForget(t *testing.T) {
	w := begin(t, nil)
	w.store.erased = engine.Erasure{Calls: 3, Records: 7, Sessions: 1, Revisions: []string{"r0"}}
	w.sets.status.Files = map[string][]byte{
		"directory/data.yaml": []byte("a: 1\nblocked: [\"+91 99889 12345\"]\n"), "x.rego": []byte("package x\n"),
	}
	for _, spelling := range []string{`"9988912345"`, `9988912345`, `"+91 99889 12345"`, `"09988912345"`, `"00919988912345"`} {
		var got struct {
			Calls, Records int
			Revisions      []string
			Policies, Next []string
		}
		w.send("POST", w.private+"/api/v1/forget", `{"number": `+spelling+`}`).decode(200, &got)
		if got.Calls != 3 || got.Records != 7 || len(got.Revisions) != 1 || len(got.Next) != 3 {
			t.Errorf("%s: %+v", spelling, got)
		}
		if d := cmp.Diff([]string{"directory/data.yaml:2"}, got.Policies); d != "" {
			t.Error(d)
		}
	}
	if d := cmp.Diff(strings.Repeat("9988912345 anonymous;", 5), w.store.forgotten); d != "" {
		t.Error(d)
	}
	if log := w.log.String(); strings.Contains(log, "99889") || !strings.Contains(log, "a person was erased") {
		t.Errorf("the log says %s", log)
	}
	w.store.erased, w.sets.status.Files = engine.Erasure{}, nil
	w.send("POST", w.private+"/api/v1/forget", `{"number": "9988912345"}`).
		is(200, `{"calls":0,"records":0,"sessions":0,"facts":0,"quarantined":0,"revisions":[],"policies":[],"next":[]}`)
}

func TestForgetRefuses(t *testing.T) {
	w := begin(t, nil)
	w.sets.pool = []string{"918645658689"}
	w.store.profiles = map[string]*engine.Profile{"dids/918645658690": {}}
	for body, want := range map[string]struct {
		status int
		says   string
	}{
		`{"number": "99889xxxxx"}`:      {400, "no telephone number"},
		`{"number": ""}`:                {400, "no telephone number"},
		`{}`:                            {400, "no telephone number"},
		`{"nummer": "9988912345"}`:      {400, `Did you mean \"number\"`},
		`[]`:                            {400, "JSON object"},
		`{"number": "918645658689"}`:    {409, "your own DIDs"},
		`{"number": "+91 86456 58690"}`: {409, "your own DIDs"},
	} {
		got := w.send("POST", w.private+"/api/v1/forget", body)
		says, _ := json.Marshal(want.says)
		if got.status != want.status || !strings.Contains(got.body, strings.Trim(want.says, `"`)) {
			t.Errorf("%s: %d %s, want %d %s", body, got.status, got.body, want.status, says)
		}
	}
	w.store.fail = fmt.Errorf("not all of it: %w", engine.ErrUnavailable)
	w.send("POST", w.private+"/api/v1/forget", `{"number": "9988912345"}`).isProblem(503, "Try again")
	if w.store.forgotten != "" {
		t.Errorf("erased all the same: %s", w.store.forgotten)
	}
}
