package server_test

import (
	"errors"
	"testing"

	"switchboard/engine"
)

const quarantine = "/api/v1/quarantine"

func TestQuarantineList(t *testing.T) {
	w := begin(t, nil)
	w.send("GET", w.private+quarantine, "").is(200, `{"items":[]}`)
	w.store.items = map[string]engine.QuarantineItem{
		"q1": {ID: "q1", At: 1763802300_000000000, Kind: "initiation", Cause: "no_did", Count: 3, Raw: engine.Payload{Type: "query", Body: []byte("a=<b>")}},
		"q2": {ID: "q2", At: 1763802300_500000000, Kind: "completion", Cause: "syntax", Count: 1, Raw: engine.Payload{Body: []byte("\xff")}},
	}
	w.send("GET", w.private+quarantine, "").is(200, `{"items":[`+
		`{"id":"q1","at":"2025-11-22T09:05:00Z","kind":"initiation","cause":"no_did","count":3,"type":"query","body":"a=<b>"},`+
		`{"id":"q2","at":"2025-11-22T09:05:00.5Z","kind":"completion","cause":"syntax","count":1,"body":"/w==","base64":true}]}`)
	w.send("GET", w.private+quarantine+"?limit=5", "").isProblem(400, `"limit"`)
}

func TestQuarantineRetry(t *testing.T) {
	w := begin(t, nil)
	at := int64(1763802300_000000000)
	w.store.items = map[string]engine.QuarantineItem{
		"good":  {ID: "good", At: at, Kind: "completion", Raw: engine.Payload{Type: "application/x-www-form-urlencoded", Body: []byte("call_id=c1&call_status=answered")}},
		"bad":   {ID: "bad", At: at, Kind: "completion", Raw: engine.Payload{Body: []byte(`{"call_status": "answered"}`)}},
		"start": {ID: "start", At: at, Kind: "initiation", Raw: engine.Payload{Body: []byte(`{"did": "918645658689"}`)}},
	}
	w.send("POST", w.private+quarantine+"/start/retry", "").isProblem(409, "over")
	w.send("POST", w.private+quarantine+"/bad/retry", "").isProblem(422, "call_id")
	w.send("POST", w.private+quarantine+"/none/retry", "").isProblem(404, `"none"`)
	w.store.fail = engine.ErrUnavailable
	w.send("POST", w.private+quarantine+"/good/retry", "").isProblem(503, "")
	if len(w.store.items) != 3 {
		t.Fatalf("%d items left: one was dropped", len(w.store.items))
	}

	w.store.fail = nil
	w.store.result = engine.Updated
	w.send("POST", w.private+quarantine+"/good/retry", "").is(200, `{"status":"updated"}`)
	if len(w.store.items) != 2 || len(w.store.completions) != 1 {
		t.Fatalf("%d items, %d completions", len(w.store.items), len(w.store.completions))
	}
	if c := w.store.completions[0]; c.CallID != "c1" || c.Status != engine.StatusAnswered || c.Arrived != at {
		t.Errorf("completed %+v; it arrived when it first came", c)
	}
	w.wantMetric(`switchboard_completions_total{result="updated",status="answered"}`, "1")
	w.send("POST", w.private+quarantine+"/good/retry", "").isProblem(404, `"good"`)
}

func TestQuarantineDelete(t *testing.T) {
	w := begin(t, nil)
	w.store.items = map[string]engine.QuarantineItem{"a/b": {ID: "a/b"}}
	w.send("DELETE", w.private+quarantine+"/a%2Fb", "").is(204, "")
	w.send("DELETE", w.private+quarantine+"/a%2Fb", "").isProblem(404, `"a/b"`)
	w.store.fail = errors.New("torn page")
	w.send("DELETE", w.private+quarantine+"/a%2Fb", "").isProblem(500, "")
}
