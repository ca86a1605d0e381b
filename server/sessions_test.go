package server_test

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"switchboard/engine"
	"switchboard/server"
)

const sessions = "/api/v1/sessions"

// pair is a session in another spelling than the canonical one.
const pair = `{"did": "+91 86456 58689", "parties": ["09876543210", 919988912345], "expires": "45m", "data": {"order": 17 }}`

const pairStored = `{"ref":"order/17 A","did":"918645658689","parties":["9876543210","9988912345"],"created":1763802300,` +
	`"expires":1763805000,"last_ended":null,"data":{"order":17}}`

func TestPutSession(t *testing.T) {
	w, live := beginLive(t, nil)
	at := w.private + sessions + "/order%2F17%20A"
	w.send("PUT", at, pair).is(201, pairStored)
	w.send("PUT", at, pair).is(200, pairStored)
	w.send("PUT", at, strings.Replace(pair, "45m", "1h", 1)).is(200, strings.Replace(pairStored, "1763805000", "1763805900", 1))
	w.send("GET", at, "").is(200, strings.Replace(pairStored, "1763805000", "1763805900", 1))

	ended := strings.Replace(pairStored, "1763805000", "1763802300", 1)
	w.send("DELETE", at, "").is(200, ended)
	w.send("DELETE", at, "").is(204, "")
	w.send("DELETE", w.private+sessions+"/never", "").is(204, "")
	w.send("GET", at, "").is(200, ended)
	w.send("GET", w.private+sessions+"/never", "").isProblem(404, `"never"`)
	w.send("PUT", at, pair).is(201, pairStored)

	for action, count := range map[string]string{"created": "2", "updated": "1", "unchanged": "1", "ended": "1"} {
		w.wantMetric(fmt.Sprintf(`switchboard_live_changes_total{action=%q,kind="session"}`, action), count)
	}
	if log := w.log.String(); strings.Count(log, `msg="live data" kind=session`) != 5 || !strings.Contains(log, "action=ended target=\"order/17 A\" by=anonymous") {
		t.Errorf("the log tells it wrongly:\n%s", log)
	}
	if slices.ContainsFunc(live.by, func(by string) bool { return by != "anonymous" }) {
		t.Errorf("changed by %v", live.by)
	}
}

func TestSessionExpires(t *testing.T) {
	w, live := beginLive(t, nil)
	for raw, want := range map[string]time.Time{
		`"90s"`:                       liveNow.Add(90 * time.Second),
		`"2d"`:                        liveNow.Add(48 * time.Hour),
		`"1h30m"`:                     liveNow.Add(90 * time.Minute),
		`"2025-11-22T15:00:00+05:30"`: time.Unix(1763803800, 0),
		`"2025-11-22 15:00"`:          time.Unix(1763803800, 0), // in the server's zone
		`1763803800`:                  time.Unix(1763803800, 0),
		`"1763803800"`:                time.Unix(1763803800, 0),
		`null`:                        {},
	} {
		w.send("PUT", w.private+sessions+"/s", `{"did": "918645658689", "parties": ["9876543210", "9988912345"], "expires": `+raw+`}`)
		live.mu.Lock()
		got := live.sessions["s"]
		live.mu.Unlock()
		if got == nil || want.IsZero() && got.Expires != 0 || !want.IsZero() && got.Expires != want.UnixNano() {
			t.Errorf("%s: %+v, want %v", raw, got, want)
		}
		live.put(engine.Session{Ref: "s", Expires: 1})
	}
	for raw, says := range map[string]string{
		`"45"`:          "unit such as 45m",
		`"-5m"`:         "over already",
		`"0"`:           "over already",
		`"2024-11-22"`:  "over already",
		`1763803800000`: "milliseconds",
		`"soon"`:        `"soon" is no time`,
		`""`:            "no time",
		`true`:          "no time",
		`{"in": "45m"}`: "no time",
		`"2201-01-01"`:  "null for never",
		`"99999d"`:      "no time",
	} {
		w.send("PUT", w.private+sessions+"/t", `{"did": "918645658689", "parties": ["9876543210", "9988912345"], "expires": `+raw+`}`).
			isProblem(400, says).isProblem(400, "expires")
	}
}

func TestPutSessionRefuses(t *testing.T) {
	w, live := beginLive(t, nil)
	w.sets.pool = []string{"918645658689"}
	good := func(field, value string) string {
		fields := map[string]string{"did": `"918645658690"`, "parties": `["9876543210", "9988912345"]`, "expires": `"45m"`}
		fields[field] = value
		var parts []string
		for name, v := range fields {
			if v != "" {
				parts = append(parts, quoted(name)+": "+v)
			}
		}
		return "{" + strings.Join(parts, ", ") + "}"
	}
	for _, c := range []struct {
		field, value string
		status       int
		says         string
	}{
		{"expires", "", 400, "expires: it is missing"},
		{"parties", "", 400, "parties: there are 0"},
		{"parties", `["9876543210"]`, 400, "parties: there are 1"},
		{"parties", `"9876543210"`, 400, "parties"},
		{"parties", `["9876543210", ""]`, 400, "parties[1]: it is empty"},
		{"parties", `["9876543210", "98765xxxxx"]`, 400, "parties[1]"},
		{"parties", `["123", "9876543210"]`, 400, "parties[0]"},
		{"parties", `["9876543210", "+91 98765-43210"]`, 400, "both are …3210"},
		{"parties", `["9876543210", "8645658689"]`, 400, "parties[1]: …8689 is a DID"},
		{"parties", `["9876543210", "8645658690"]`, 400, "did: …8690 is one of the parties"},
		{"did", `""`, 400, "did: it is empty"},
		{"did", `"12"`, 400, `did: "12" is no number`},
		{"did", `"` + strings.Repeat("9", 500) + `"`, 400, "did:"},
		{"pool", `["918645658689"]`, 400, "pool: it is for sessions without did"},
		{"data", `[1]`, 400, "data: it must be an object"},
		{"data", `{"a": 1e999}`, 400, "data: a number in it is out of range"},
		{"data", "{\"a\": \"\xff\"}", 400, "data: it is not UTF-8"},
		{"data", `{"a": "` + strings.Repeat("x", engine.MaxSessionData) + `"}`, 413, "data: it has"},
		{"data", `{"a": "` + strings.Repeat("x", 64<<10) + `"}`, 413, "65536"},
		{"party", `"9876543210"`, 400, `"parties"`},
	} {
		w.send("PUT", w.private+sessions+"/s", good(c.field, c.value)).isProblem(c.status, c.says)
	}
	w.send("PUT", w.private+sessions+"/s", "").isProblem(400, "empty")
	if doc, err := described(); err != nil {
		t.Error(err)
	} else if put := doc.Paths.Value(sessions + "/{ref}").Put.RequestBody.Value.Content["application/json"]; !slices.Contains(put.Schema.Value.Required, "expires") {
		t.Error("the description does not say that a session must have an end, or null")
	}
	w.send("PUT", w.private+sessions+"/s?dry=1", pair).isProblem(400, "dry")
	for ref, says := range map[string]string{
		strings.Repeat("x", 257): "257 bytes", "a\tb": "no text", "\xff": "no text", " a": "blank",
	} {
		w.send("PUT", w.private+sessions+"/"+url.PathEscape(ref), pair).isProblem(400, says).isProblem(400, "ref:")
	}
	if len(live.by) > 0 {
		t.Errorf("%d of them reached the store", len(live.by))
	}
	w.send("PUT", w.private+sessions+"/"+strings.Repeat("x", 256), pair).decode(201, &struct{}{})
	w.send("PATCH", w.private+sessions+"/s", pair).isProblem(405, "PUT")
}

func TestSessionTakesADIDOfThePool(t *testing.T) {
	w, live := beginLive(t, nil)
	put := func(ref, more string) answer {
		return w.send("PUT", w.private+sessions+"/"+ref, `{"parties": ["9876543210", "9988912345"], "expires": "45m"`+more+`}`)
	}
	put("a", "").isProblem(400, "lists no DID that could be taken")
	put("a", `, "pool": []`).isProblem(400, "pool: it lists 0")
	put("a", `, "pool": ["918645658690", "1"]`).isProblem(400, "pool[1]")
	put("a", `, "pool": ["8645658690", 918645658690, "+918645658691"]`).decode(201, &struct{}{})
	w.sets.pool = []string{"918645658690", "918645658692"}
	var got struct{ DID string }
	put("b", `, "did": null, "pool": null`).decode(201, &got)
	if got.DID != "918645658692" {
		t.Errorf("took %s, where one of the two has a session on the other", got.DID)
	}
	put("c", "").isProblem(409, "did: every DID of the pool")
	want := [][]string{{"918645658690", "918645658691"}, w.sets.pool, w.sets.pool}
	if diff := cmp.Diff(want, live.pools); diff != "" {
		t.Error(diff)
	}
	// What is there keeps its DID, also where no pool is left.
	w.sets.pool = nil
	put("b", "").decode(200, &got)
	if got.DID != "918645658692" {
		t.Errorf("extended onto %s", got.DID)
	}
}

func TestSessionsList(t *testing.T) {
	w, live := beginLive(t, nil)
	w.send("GET", w.private+sessions, "").is(200, `{"sessions":[],"next":""}`)
	live.next = "abc"
	live.put(engine.Session{Ref: "x", DID: "918645658689", Parties: [2]string{"9876543210", "9988912345"}, Created: liveNow.UnixNano()})
	w.send("GET", w.private+sessions, "").is(200, `{"sessions":[{"ref":"x","did":"918645658689","parties":["9876543210","9988912345"],`+
		`"created":1763802300,"expires":null,"last_ended":null,"data":{}}],"next":"abc"}`)
	for query, want := range map[string]engine.SessionFilter{
		"":                              {},
		"party=+919988912345":           {Party: "9988912345"},
		"party=%2B91%2099889%2012345":   {Party: "9988912345"},
		"did=8645658689&ended=true":     {DID: "918645658689", Ended: true},
		"ended=false&limit=7&cursor=ab": {Limit: 7, Cursor: "ab"},
	} {
		w.send("GET", w.private+sessions+"?"+query, "").is200()
		if want.Limit == 0 {
			want.Limit = engine.DefaultPage
		}
		if diff := cmp.Diff(want, live.lastFilter()); diff != "" {
			t.Errorf("%s: %s", query, diff)
		}
	}
	for query, says := range map[string]string{
		"caller=9988912345": "party", "ended=maybe": "ended", "limit=0": "limit", "limit=1001": "limit", "cursor=forged": "cursor",
	} {
		w.send("GET", w.private+sessions+"?"+query, "").isProblem(400, says)
	}
}

func TestLiveDataThatCannotBeStored(t *testing.T) {
	w, live := beginLive(t, func(o *server.Options) { o.CompletionTimeout = 20 * time.Millisecond })
	for err, want := range map[error]int{
		engine.ErrUnavailable: 503, fmt.Errorf("1000000 sessions are open: %w", engine.ErrTooMany): 409, errors.New("boom"): 500,
		&engine.BadInputError{Why: "the ref is taken"}: 400,
	} {
		live.fail = err
		w.send("PUT", w.private+sessions+"/s", pair).isProblem(want, "")
		w.send("DELETE", w.private+sessions+"/s", "").isProblem(want, "")
		w.send("GET", w.private+sessions+"/s", "").isProblem(want, "")
		w.send("GET", w.private+sessions, "").isProblem(want, "")
		w.send("PUT", w.private+facts+"/paused/9876543210", `{"value": true}`).isProblem(want, "")
		w.send("DELETE", w.private+facts+"/paused/9876543210", "").isProblem(want, "")
		w.send("GET", w.private+facts, "").isProblem(want, "")
		w.send("GET", w.private+"/api/v1/audit", "").isProblem(want, "")
	}
	live.fail, live.stuck = nil, true
	w.send("PUT", w.private+sessions+"/s", pair).isProblem(503, "store")
	w.send("PUT", w.private+facts+"/paused/9876543210", `{"value": true}`).isProblem(503, "store")
}
