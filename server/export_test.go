package server_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"switchboard/engine"
	"switchboard/server"
)

// pages hands calls out a page at a time, by cursor; fail breaks off at a page.
func pages(w *world, calls, perPage, failAt int) {
	w.store.paging = func(f engine.CallFilter) (engine.CallPage, error) {
		from := 0
		if f.Cursor != "" {
			if _, err := fmt.Sscan(f.Cursor, &from); err != nil {
				return engine.CallPage{}, err
			}
		}
		if failAt > 0 && from >= failAt {
			return engine.CallPage{}, errors.New("torn page")
		}
		var page engine.CallPage
		for i := from; i < min(from+perPage, calls); i++ {
			page.Calls = append(page.Calls, &engine.Call{CallID: fmt.Sprint("c", i), Duration: engine.NoDuration, Status: engine.StatusInFlight})
		}
		if from+perPage < calls {
			page.Next = fmt.Sprint(from + perPage)
		}
		return page, nil
	}
}

func TestExportsGoPageByPage(t *testing.T) {
	live := newFakeLive()
	w := begin(t, func(o *server.Options) { o.Live = live })
	pages(w, 25, 10, 0)
	got := w.send("GET", w.private+"/api/v1/calls.csv?caller=%2B919988912345&status=in_flight", "").is200()
	if lines := strings.Count(got.body, "\r\n"); lines != 26 || !strings.HasPrefix(got.body, "call_id,at,") || !strings.Contains(got.body, "\r\nc24,") {
		t.Errorf("%d lines:\n%s", lines, got.body)
	}
	if h := got.header; !strings.HasPrefix(h.Get("Content-Type"), "text/csv") || !strings.Contains(h.Get("Content-Disposition"), ".csv") || h.Get("Cache-Control") != "no-store" {
		t.Errorf("headers %v", h)
	}
	f := w.store.lastFilter()
	if f.Caller != "9988912345" || f.Status != engine.StatusInFlight || f.Limit != engine.MaxPage || f.Cursor != "20" {
		t.Errorf("the last page was asked for with %+v", f)
	}
	got = w.send("GET", w.private+"/api/v1/calls.ndjson", "").is200()
	if n := strings.Count(got.body, "\n"); n != 25 || got.header.Get("Content-Type") != "application/x-ndjson" {
		t.Errorf("%d lines of %s", n, got.header.Get("Content-Type"))
	}
	// Who took them, and which, stands in the audit trail, without the number.
	if noted := live.noted(); len(noted) != 2 || noted[0] != "anonymous calls.export csv" || string(live.entries[0].After) != `{"caller":"+…2345","status":"in_flight"}` {
		t.Errorf("noted %q, %s", noted, live.entries[0].After)
	}
}

func TestExportsThatFail(t *testing.T) {
	w := begin(t, nil)
	for query, says := range map[string]string{"limit=3": "no query parameter", "cursor=x": "no query parameter", "status=x": "no status", "from=soon": "no time"} {
		w.send("GET", w.private+"/api/v1/calls.csv?"+query, "").isProblem(400, says)
	}
	w.store.fail = errors.New("torn page")
	w.send("GET", w.private+"/api/v1/calls.ndjson", "").isProblem(500, "log")
	w.store.fail = nil

	pages(w, 30, 10, 20) // half an answer is out: it must not look whole
	res, err := w.client.Get(w.private + "/api/v1/calls.csv")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err == nil || res.StatusCode != http.StatusOK || !strings.Contains(string(body), "c19") {
		t.Errorf("an export that broke off read as %d, %d bytes, %v", res.StatusCode, len(body), err)
	}
}
