package server_test

import (
	"strings"
	"testing"

	"switchboard/engine"
	"switchboard/server"
)

// fakeRelay has dead letters in a list.
type fakeRelay struct {
	targets []engine.RelayTarget
	dead    []engine.DeadLetter
	asked   []any
	fail    error
	did     []string
}

func (r *fakeRelay) Targets() []engine.RelayTarget { return r.targets }

func (r *fakeRelay) Dead(only, target string, seq uint64, limit int) ([]engine.DeadLetter, error) {
	r.asked = []any{only, target, seq, limit}
	return r.dead[:min(limit, len(r.dead))], r.fail
}

func (r *fakeRelay) Retry(target string, seq uint64) (bool, error) { return r.do("retry", target, seq) }

func (r *fakeRelay) Delete(target string, seq uint64) (bool, error) {
	return r.do("delete", target, seq)
}

func (r *fakeRelay) do(what, target string, seq uint64) (bool, error) {
	for _, d := range r.dead {
		if d.Target == target && d.Letter.Seq == seq {
			r.did = append(r.did, what)
			return true, r.fail
		}
	}
	return false, nil
}

const relayPath, deadPath = "/api/v1/relay", "/api/v1/relay/dead"

func beginRelay(t *testing.T) (*world, *fakeRelay) {
	r := &fakeRelay{
		targets: []engine.RelayTarget{
			{ID: "crm", Kind: engine.RelayCalls, URL: "https://crm.example.com/", State: engine.RelayPaused, Waiting: 3, Unread: 7, Dead: 1,
				Delivered: 5, Failed: 2, Oldest: 1763802300_000000000, LastError: "503 Service Unavailable", NextAttempt: 1763802360_000000000},
			{ID: "old", Kind: engine.RelayCalls, State: engine.RelayRemoved, Dead: 1},
		},
		dead: []engine.DeadLetter{
			{Target: "crm", Letter: engine.RelayLetter{RelayEntry: engine.RelayEntry{Seq: 41, CallID: "c1", At: 1763802300_000000000},
				Attempts: 2, First: 1763802301_000000000, Died: 1763802302_000000000, Status: 400, Error: "400 Bad Request"}},
			{Target: "old", Letter: engine.RelayLetter{RelayEntry: engine.RelayEntry{Seq: 7, CallID: "c0"}, Gone: true}},
		},
	}
	return begin(t, func(o *server.Options) { o.Relay = r }), r
}

func TestRelayStatus(t *testing.T) {
	w, _ := beginRelay(t)
	var got struct {
		Targets []struct {
			ID, State, Oldest string
			Unread            int `json:"unread_records"`
			Age               int `json:"oldest_age_seconds"`
			Next              *string
		}
	}
	w.send("GET", w.private+relayPath, "").decode(200, &got)
	if len(got.Targets) != 2 || got.Targets[0].Unread != 7 || got.Targets[0].Oldest != "2025-11-22T09:05:00Z" || got.Targets[0].Age <= 0 || got.Targets[1].State != "removed" {
		t.Errorf("got %+v", got)
	}
	w.send("GET", w.private+relayPath+"?target=crm", "").isProblem(400, "target")
}

func TestRelayDeadLetters(t *testing.T) {
	w, r := beginRelay(t)
	w.send("GET", w.private+deadPath, "").is(200, `{"letters":[`+
		`{"id":"crm.41","target":"crm","call_id":"c1","sequence":41,"at":"2025-11-22T09:05:00Z","attempts":2,`+
		`"first_attempt":"2025-11-22T09:05:01Z","given_up":"2025-11-22T09:05:02Z","status":400,"error":"400 Bad Request","gone":false},`+
		`{"id":"old.7","target":"old","call_id":"c0","sequence":7,"at":null,"attempts":0,`+
		`"first_attempt":null,"given_up":null,"status":0,"error":"","gone":true}],"next":""}`)
	page := w.send("GET", w.private+deadPath+"?target=crm&limit=1", "").is200()
	if !strings.Contains(page.body, `"next":"crm.41"`) {
		t.Errorf("a full page: %s", page.body)
	}
	w.send("GET", w.private+deadPath+"?limit=1&cursor=crm.41", "").is200()
	if want := []any{"", "crm", uint64(41), 1}; r.asked[1] != want[1] || r.asked[2] != want[2] || r.asked[3] != want[3] {
		t.Errorf("asked for %v", r.asked)
	}
	for _, bad := range []string{"crm", "crm.x", ".4", "crm.0"} {
		w.send("GET", w.private+deadPath+"?cursor="+bad, "").isProblem(400, "cursor")
	}
	w.send("GET", w.private+deadPath+"?limit=0", "").isProblem(400, "limit")
}

func TestRelayRetryAndDelete(t *testing.T) {
	w, r := beginRelay(t)
	w.send("POST", w.private+deadPath+"/crm.41/retry", "").is(202, `{"id":"crm.41","status":"waiting"}`)
	w.send("DELETE", w.private+deadPath+"/crm.41", "").is(204, "")
	for _, id := range []string{"crm.42", "crm", "crm.-1", "nobody.41"} {
		w.send("POST", w.private+deadPath+"/"+id+"/retry", "").isProblem(404, id)
		w.send("DELETE", w.private+deadPath+"/"+id, "").isProblem(404, id)
	}
	r.fail = engine.ErrTargetUnknown
	w.send("POST", w.private+deadPath+"/old.7/retry", "").isProblem(409, "--relay")
	r.fail = engine.ErrLetterGone
	w.send("POST", w.private+deadPath+"/old.7/retry", "").isProblem(409, "delete the letter")
	r.fail = engine.ErrUnavailable
	w.send("DELETE", w.private+deadPath+"/old.7", "").isProblem(503, "")
	var trail struct {
		Entries []struct{ Action, Target string }
	}
	w.send("GET", w.private+"/api/v1/audit", "").decode(200, &trail)
	if e := trail.Entries; len(e) != 2 || e[0].Action != "relay.retry" || e[1].Action != "relay.delete" || e[0].Target != "crm.41" {
		t.Errorf("audit trail %+v", e)
	}
	if len(r.did) != 5 {
		t.Errorf("did %v", r.did)
	}
}

func TestAServerWithoutRelay(t *testing.T) {
	w := begin(t, nil)
	w.send("GET", w.private+relayPath, "").is(200, `{"targets":[]}`)
	w.send("GET", w.private+deadPath, "").is(200, `{"letters":[],"next":""}`)
	w.send("POST", w.private+deadPath+"/crm.1/retry", "").isProblem(404, "crm.1")
	w.send("DELETE", w.private+deadPath+"/crm.1", "").isProblem(404, "crm.1")
}
