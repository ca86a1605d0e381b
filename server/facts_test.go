package server_test

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"

	"switchboard/engine"
	"switchboard/server"
)

const facts = "/api/v1/facts"

func TestFacts(t *testing.T) {
	w, _ := beginLive(t, nil)
	lunch := w.private + facts + "/paused/9876543210"
	stored := `{"collection":"paused","key":"9876543210","value":{"why":"lunch"},"set":1763802300,"expires":1763805000,"by":"anonymous"}`
	w.send("GET", w.private+facts, "").is(200, `{"facts":[],"next":""}`)
	w.send("GET", lunch, "").isProblem(404, "There is no fact")
	w.send("PUT", lunch, `{"value": {"why": "lunch"}, "expires": "45m"}`).is(201, stored)
	w.send("PUT", lunch, `{"value": {"why": "lunch"}, "expires": "45m"}`).is(200, stored)
	w.send("GET", lunch, "").is(200, stored)
	w.send("PUT", w.private+facts+"/override/%2A", `{"value": "9876543211"}`).is(201,
		`{"collection":"override","key":"*","value":"9876543211","set":1763802300,"expires":null,"by":"anonymous"}`)
	w.send("PUT", w.private+facts+"/override/%2A", `{"value": false, "expires": null}`).is200()
	w.send("PUT", w.private+facts+"/a%2Fb/c%2Fd", `{"value": null}`).is(201,
		`{"collection":"a/b","key":"c/d","value":null,"set":1763802300,"expires":null,"by":"anonymous"}`)

	var listed struct{ Facts []struct{ Key string } }
	w.send("GET", w.private+facts, "").decode(200, &listed)
	if len(listed.Facts) != 3 {
		t.Errorf("listed %v", listed)
	}
	w.send("GET", w.private+facts+"/paused", "").is(200, `{"facts":[`+stored+`],"next":""}`)
	w.send("GET", w.private+facts+"/none", "").is(200, `{"facts":[],"next":""}`)

	var page struct {
		Facts []struct{ Collection string }
		Next  string
	}
	w.send("GET", w.private+facts+"?limit=2", "").decode(200, &page)
	if len(page.Facts) != 2 || page.Next == "" {
		t.Errorf("the first page is %+v", page)
	}
	w.send("GET", w.private+facts+"?limit=2&cursor="+url.QueryEscape(page.Next), "").decode(200, &page)
	if len(page.Facts) != 1 || page.Facts[0].Collection != "paused" || page.Next != "" {
		t.Errorf("the last page is %+v", page)
	}
	w.send("GET", w.private+facts+"?limit=0", "").isProblem(400, "limit")

	w.send("DELETE", lunch, "").is(200, `{"status":"deleted"}`)
	w.send("DELETE", lunch, "").is(204, "")
	w.send("GET", lunch, "").isProblem(404, "/facts/paused")
	for action, count := range map[string]string{"created": "3", "updated": "1", "unchanged": "1", "deleted": "1"} {
		w.wantMetric(`switchboard_live_changes_total{action="`+action+`",kind="fact"}`, count)
	}
	log := w.log.String()
	if !strings.Contains(log, "kind=fact action=created target=paused/…3210 by=anonymous") || strings.Contains(log, "9876543210") {
		t.Errorf("the log tells it wrongly:\n%s", log)
	}
}

func TestExpiredFactIsNone(t *testing.T) {
	w, live := beginLive(t, nil)
	live.kept["paused\x009876543210"] = &engine.Fact{Collection: "paused", Key: "9876543210", Value: json.RawMessage("true"), Expires: liveNow.UnixNano()}
	w.send("GET", w.private+facts+"/paused/9876543210", "").isProblem(404, "no fact")
	w.send("PUT", w.private+facts+"/paused/9876543210", `{"value": true}`).decode(201, &struct{}{})
}

func TestPutFactRefuses(t *testing.T) {
	w, live := beginLive(t, nil)
	for body, says := range map[string]string{
		`{}`:                                "value: it is missing",
		`{"expires": "45m"}`:                "value: it is missing",
		`{"value": true, "expires": "1"}`:   "expires",
		`{"value": 1e999}`:                  "out of range",
		"{\"value\": \"\xff\"}":             "UTF-8",
		`{"value": true, "expire": "45m"}`:  `"expires"`,
		`{"value": tru}`:                    "not the JSON",
		`{"value": true} {"value": "false"`: "goes on",
	} {
		w.send("PUT", w.private+facts+"/paused/9876543210", body).isProblem(400, says)
	}
	full := strings.Repeat("x", engine.MaxFactValue-2)
	w.send("PUT", w.private+facts+"/paused/big", `{"value": "`+full+`x"}`).isProblem(413, "value: it has 65537 bytes")
	w.send("PUT", w.private+facts+"/paused/big", `{"value": "`+strings.Repeat(full, 3)+`"}`).isProblem(413, "larger")
	for path, says := range map[string]string{
		"/" + url.PathEscape("a\nb") + "/k":     "collection: it holds",
		"/paused/" + url.PathEscape(" k"):       "key: \" k\" begins",
		"/paused/" + strings.Repeat("k", 129):   "key: it has 129",
		"/" + strings.Repeat("c", 129) + "/k":   "collection: it has 129",
		"/paused/%2B91%2098765%2043210":         "another spelling",
		"/paused/" + url.PathEscape("+98abc\t"): "key: it holds",
	} {
		w.send("PUT", w.private+facts+path, `{"value": true}`).isProblem(400, says)
	}
	if len(live.by) > 0 {
		t.Errorf("%d of them reached the store", len(live.by))
	}
	w.send("PUT", w.private+facts+"/paused/big", `{"value":    "`+full+`"}`).decode(201, &struct{}{})
	w.send("PUT", w.private+facts+"/paused/%2B14155552671", `{"value": true}`).decode(201, &struct{}{})
}

func TestAudit(t *testing.T) {
	w, live := beginLive(t, nil)
	w.send("GET", w.private+"/api/v1/audit", "").is(200, `{"entries":[],"next":""}`)
	if live.limit != engine.DefaultPage {
		t.Errorf("asked for %d", live.limit)
	}
	live.entries = []engine.AuditEntry{{At: liveNow.UnixNano(), By: "admin", Action: "put", Target: "facts/paused/9876543210", After: json.RawMessage("true")}}
	live.next = "older"
	w.send("GET", w.private+"/api/v1/audit?limit=3", "").is(200,
		`{"entries":[{"at":"2025-11-22T09:05:00Z","by":"admin","action":"put","target":"facts/paused/9876543210","before":null,"after":true}],"next":"older"}`)
	if live.limit != 3 {
		t.Errorf("asked for %d", live.limit)
	}
	w.send("GET", w.private+"/api/v1/audit?cursor=older", "").is200()
	w.send("GET", w.private+"/api/v1/audit?cursor=mine", "").isProblem(400, "cursor")
	w.send("GET", w.private+"/api/v1/audit?limit=0", "").isProblem(400, "limit")
	w.send("GET", w.private+"/api/v1/audit?by=me", "").isProblem(400, "by")
}

func TestWhoChangesLiveData(t *testing.T) {
	w, live := beginLive(t, func(o *server.Options) { o.Tokens = tokens("root", "eyes") })
	at := w.private + facts + "/paused/9876543210"
	w.send("PUT", at, `{"value": true}`).isProblem(401, "token")
	w.send("PUT", at, `{"value": true}`, "Authorization: Bearer eyes").isProblem(403, "admin")
	w.send("DELETE", at, "", "Authorization: Bearer eyes").isProblem(403, "admin")
	w.send("PUT", at, `{"value": true}`, "Authorization: Bearer root", "Origin: http://evil.example").isProblem(403, "origin")
	if len(live.by) != 0 {
		t.Fatalf("changed by %v", live.by)
	}
	w.send("PUT", at, `{"value": true}`, "Authorization: Bearer root").decode(201, &struct{}{})
	w.send("GET", at, "", "Authorization: Bearer eyes").is200()
	if len(live.by) != 1 || live.by[0] != "admin" {
		t.Errorf("changed by %v", live.by)
	}
}
