package server_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"switchboard/engine"
)

func TestCallsFilters(t *testing.T) {
	w := begin(t, nil)
	day := time.Date(2025, 11, 22, 0, 0, 0, 0, time.FixedZone("IST", 5*3600+1800))
	for query, want := range map[string]engine.CallFilter{
		"":                                 {},
		"caller=%2B91%2099889%2012345":     {Caller: "9988912345"},
		"caller=+919988912345":             {Caller: "9988912345"}, // an unescaped plus
		"caller=Anonymous":                 {Caller: "anonymous"},
		"did=8645658689":                   {DID: "918645658689"},
		"did=%2B918645658689":              {DID: "918645658689"},
		"receiver=09876543210":             {Receiver: "9876543210"},
		"status=in_flight&source=policy":   {Status: engine.StatusInFlight, Source: engine.SourcePolicy},
		"reason=round_robin":               {Reason: "round_robin"},
		"from=2025-11-22&to=2025-11-23":    {From: day, To: day.AddDate(0, 0, 1)},
		"from=2025-11-22T01:30":            {From: day.Add(90 * time.Minute)},
		"from=2025-11-22T00:00:00+05:30":   {From: day}, // an unescaped plus
		"from=2025-11-22T00:00:00%2B05:30": {From: day},
		"from=2025-11-21T18:30:00Z":        {From: day},
		"to=1763749800":                    {To: day},
		"limit=1000&cursor=abc":            {Limit: 1000, Cursor: "abc"},
	} {
		w.send("GET", w.private+"/api/v1/calls?"+query, "").is(200, `{"calls":[],"next":""}`)
		if want.Limit == 0 {
			want.Limit = engine.DefaultPage
		}
		got := w.store.lastFilter()
		if !got.From.Equal(want.From) || !got.To.Equal(want.To) {
			t.Errorf("%s: from %v to %v, want %v %v", query, got.From, got.To, want.From, want.To)
		}
		got.From, got.To, want.From, want.To = time.Time{}, time.Time{}, time.Time{}, time.Time{}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", query, diff)
		}
	}
}

func TestCallsRefusesWhatItDoesNotUnderstand(t *testing.T) {
	w := begin(t, nil)
	for query, says := range map[string]string{
		"calller=9988912345":      `"caller"`,
		"Caller=9988912345":       `"caller"`,
		"page=2":                  "cursor",
		"status=answred":          `"answered"`,
		"source=robot":            "source",
		"limit=0":                 "limit",
		"limit=1001":              "limit",
		"limit=":                  "limit",
		"limit=ten":               "limit",
		"from=yesterday":          "from",
		"to=2025-13-01":           "to",
		"from=1763749800000":      "milliseconds",
		"to=-5":                   "to",
		"cursor=forged":           "cursor",
		"caller=1&caller=2":       "2 times",
		"caller=%zz":              "query",
		"did=1;caller=2":          "query",
		"explain=true&status=xxx": "explain",
	} {
		w.send("GET", w.private+"/api/v1/calls?"+query, "").isProblem(400, says)
	}
}

func TestCallsPage(t *testing.T) {
	w := begin(t, nil)
	w.store.page = engine.CallPage{Next: "c-2", Calls: []*engine.Call{{
		CallID: "c1", Caller: "9988912345", DID: "918645658689", Receiver: "9876543210", Status: engine.StatusAnswered,
		RoutedAt: 1763802300_500000000, Duration: 69, Reason: "sticky", Source: engine.SourcePolicy}}}
	w.send("GET", w.private+"/api/v1/calls", "").is(200, `{"calls":[{"call_id":"c1","caller_number":"9988912345","did":"918645658689",`+
		`"receiver_number":"9876543210","status":"answered","routed_at":1763802300,"received_at":null,"ended_at":null,"duration_seconds":69,`+
		`"reason":"sticky","source":"policy","hangup_cause":""}],"next":"c-2"}`)
	w.store.fail = errors.New("torn page")
	w.send("GET", w.private+"/api/v1/calls", "").isProblem(500, "log")
	if !strings.Contains(w.log.String(), "torn page") {
		t.Error("the log does not tell why")
	}
	w.store.fail = engine.ErrUnavailable
	w.send("GET", w.private+"/api/v1/calls", "").isProblem(503, "status")
}

func detail() *engine.CallDetail {
	return &engine.CallDetail{
		Call: &engine.Call{CallID: "c1", Status: engine.StatusAnswered, Duration: engine.NoDuration},
		Decision: &engine.DecisionRecord{CallID: "c1", RoutedAt: 1763802300_500000000, Tries: 2,
			Decision: engine.Decision{Number: "9876543210", Reason: "sticky", Source: engine.SourcePolicy, Tags: map[string]string{"team": "a"}},
			Evaluation: engine.Evaluation{Revision: "r1", Input: json.RawMessage(`{"did":"918645658689"}`),
				Read: []string{"history/callers/9988912345"}, Fired: []engine.Fired{{Rule: "data.routing.decision", File: "routing/main.rego", Line: 7}}},
			EvalTime: 1500 * time.Microsecond,
			Reply:    engine.Reply{Status: 200, Type: "application/json", Body: []byte(forwarded)},
			Raw:      engine.Payload{Type: "application/json", Body: []byte(`{"did": "918645658689"}`)}},
		Completions: []*engine.Completion{
			{CallID: "c1", Status: engine.StatusNotAnswered, Duration: 0, Raw: engine.Payload{Type: "t", Body: []byte("first")}},
			{CallID: "c1", Status: engine.StatusAnswered, Duration: 69, EndedAt: 1763802400_000000000, Raw: engine.Payload{Type: "t", Body: []byte("second \xff")}},
			{CallID: "c1", Status: engine.StatusOther, Duration: engine.NoDuration, Raw: engine.Payload{Body: []byte("third")}},
		},
	}
}

func TestCallDetail(t *testing.T) {
	w := begin(t, nil)
	w.store.details = map[string]*engine.CallDetail{"c1": detail()}
	var got struct {
		Call     struct{ Status string }
		Decision struct {
			Number   string `json:"call_forwarding_number"`
			Reason   string
			Source   string
			Revision string
			RoutedAt int64 `json:"routed_at"`
			Time     string
			Tries    int
			EvalMS   float64 `json:"eval_ms"`
			Fired    []engine.Fired
			Input    map[string]string
			Reply    struct {
				Status int
				Body   string
			}
		}
		Completion struct {
			Status   string
			Duration *int64 `json:"duration_seconds"`
			EndedAt  *int64 `json:"ended_at"`
			Received *int64 `json:"received_at"`
		}
		Completions []any
		Raw         struct {
			Initiation, Completion struct {
				Type, Body string
				Base64     bool
			}
		}
		Read []string
	}
	w.send("GET", w.private+"/api/v1/calls/c1", "").decode(200, &got)
	d := got.Decision
	if d.Number != "9876543210" || d.Reason != "sticky" || d.Source != "policy" || d.Revision != "r1" || d.RoutedAt != 1763802300 ||
		d.Time != "2025-11-22T09:05:00.5Z" || d.Tries != 2 || d.EvalMS != 1.5 || len(d.Fired) != 1 || d.Input["did"] != "918645658689" ||
		d.Reply.Status != 200 || d.Reply.Body != forwarded {
		t.Errorf("decision %+v", d)
	}
	c := got.Completion
	if c.Status != "answered" || *c.Duration != 69 || *c.EndedAt != 1763802400 || c.Received != nil || len(got.Completions) != 3 {
		t.Errorf("completion %+v of %d", c, len(got.Completions))
	}
	if r := got.Raw; r.Initiation.Body != `{"did": "918645658689"}` || r.Initiation.Base64 || r.Completion.Body != "c2Vjb25kIP8=" || !r.Completion.Base64 {
		t.Errorf("raw %+v", r)
	}
	if !cmp.Equal(got.Read, []string{"history/callers/9988912345"}) {
		t.Errorf("read %v", got.Read)
	}
}

func TestCallDetailPartsThatNeverCame(t *testing.T) {
	w := begin(t, nil)
	erased := engine.Completion{CallID: "erased", Status: engine.StatusOther, Raw: engine.Payload{Type: "application/json"}}
	w.store.details = map[string]*engine.CallDetail{"bare": {}, "orphan": {Completions: detail().Completions[:1]}, "erased": {Completions: []*engine.Completion{&erased}}}
	if a := w.send("GET", w.private+"/api/v1/calls/erased", ""); !strings.Contains(a.body, `"raw":{"initiation":null,"completion":null}`) {
		t.Errorf("a payload that a person was erased from: %s", a.body)
	}
	w.send("GET", w.private+"/api/v1/calls/bare", "").is(200,
		`{"call":null,"decision":null,"completion":null,"raw":{"initiation":null,"completion":null},"read":[]}`)
	a := w.send("GET", w.private+"/api/v1/calls/orphan", "")
	if !strings.Contains(a.body, `"decision":null`) || !strings.Contains(a.body, `"completion":{"call_id":"c1"`) || !strings.Contains(a.body, `"initiation":null`) {
		t.Errorf("answered %s", a.body)
	}
	w.send("GET", w.private+"/api/v1/calls/c9", "").isProblem(404, `"c9"`)
	w.send("GET", w.private+"/api/v1/calls/", "").isProblem(404, "")
	w.send("GET", w.private+"/api/v1/calls/bare?x=1", "").isProblem(400, `"x"`)
}

// A call_id is whatever the provider makes up.
func TestCallIDsAreOpaque(t *testing.T) {
	w := begin(t, nil)
	w.store.details = map[string]*engine.CallDetail{}
	for escaped, id := range map[string]string{
		"a%2Fb": "a/b", "a%2Fexplain": "a/explain", "a+b": "a+b", "a%2Bb": "a+b", "a%20b": "a b", "100%25": "100%", "%2525": "%25",
		"a%3Fb%23c": "a?b#c", "%2E%2E": "..", "..": "..", "%F0%9F%93%9E": "📞", ":call_id": ":call_id", "*": "*", "a%00b": "a\x00b", "~AB": "~AB",
	} {
		w.store.details[id] = &engine.CallDetail{Call: &engine.Call{CallID: id}}
		var got struct {
			Call struct {
				CallID string `json:"call_id"`
			}
		}
		conn := w.dialTo(w.private)
		conn.write("GET /api/v1/calls/" + escaped + " HTTP/1.1\r\nHost: localhost\r\n\r\n")
		conn.answer("GET").decode(200, &got)
		if got.Call.CallID != id {
			t.Errorf("%s is call %q, want %q", escaped, got.Call.CallID, id)
		}
	}
}

func TestProfiles(t *testing.T) {
	w := begin(t, nil)
	p := &engine.Profile{InFlight: 1}
	w.store.profiles = map[string]*engine.Profile{"callers/9988912345": p, "receivers/+14155552671": p, "dids/918645658689": p}
	for _, path := range []string{"callers/9988912345", "callers/%2B91%2099889%2012345", "callers/+919988912345", "receivers/+14155552671",
		"receivers/%2B14155552671", "dids/918645658689", "dids/8645658689"} {
		w.send("GET", w.private+"/api/v1/profiles/"+path, "").is(200, `{"calls":[],"in_flight":1,"unanswered_streak":0,`+
			`"totals":{"offered":0,"answered":0,"unanswered":0,"other":0,"expired":0,"talk_seconds":0},"days":{},"last_by_reason":{}}`)
	}
	w.send("GET", w.private+"/api/v1/profiles/callers/9988912346", "").isProblem(404, "…2346 was never seen")
	w.send("GET", w.private+"/api/v1/profiles/callers/99889xxxxx", "").isProblem(404, "no phone number")
	w.send("GET", w.private+"/api/v1/profiles/agents/9988912345", "").isProblem(404, "receivers")
}
