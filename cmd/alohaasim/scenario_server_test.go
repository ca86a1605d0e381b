package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// scenarioServer keeps the promises of every scenario, but for one that it
// breaks: bend.
type scenarioServer struct {
	scenario string
	bend     promise

	mu       sync.Mutex
	bent     bool
	sessions map[string]*fakeSession
	paused   map[string]bool
	spoke    map[string]string // by caller
	holds    map[string]int    // calls in flight by agent
	turn     int
	records  map[string]*fakeRecord
	sources  map[string]int
	tokens   []string
}

type fakeSession struct {
	did     string
	parties [2]string
	expires time.Time
}

type fakeRecord struct {
	number, reason, source, caller string
	decided                        bool
}

func newScenarioServer(scenario string, bend promise) *scenarioServer {
	return &scenarioServer{scenario: scenario, bend: bend, sessions: map[string]*fakeSession{}, paused: map[string]bool{},
		spoke: map[string]string{}, holds: map[string]int{}, records: map[string]*fakeRecord{}, sources: map[string]int{}}
}

// once reports whether this is the moment to break that promise.
func (s *scenarioServer) once(p promise) bool {
	if s.bend != p || s.bent {
		return false
	}
	s.bent = true
	return true
}

func (s *scenarioServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	w.Header().Set("Content-Type", jsonType)
	body, _ := io.ReadAll(r.Body)
	resource, name, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/api/v1/"), "/")
	if strings.HasPrefix(r.URL.Path, "/api/v1/") {
		s.tokens = append(s.tokens, r.Header.Get("Authorization"))
	}
	switch {
	case r.URL.Path == initiationPath:
		in, _ := decodePayload(r, body)
		s.initiate(w, in["call_id"], in["caller_number"], "91"+in["did"])
	case r.URL.Path == completionPath:
		in, _ := decodePayload(r, body)
		s.complete(w, in["call_id"], in["call_status"])
	case r.URL.Path == "/metrics":
		for source, n := range s.sources {
			fmt.Fprintf(w, "switchboard_decisions_total{cause=\"\",source=%q} %d\n", source, n)
		}
		fmt.Fprintln(w, "switchboard_decisions_total{cause=\"error\",source=\"none\"} 0\nswitchboard_uptime_seconds 7")
	case resource == "sessions":
		s.session(w, r.Method, name, body)
	case resource == "facts":
		agent := strings.TrimPrefix(name, "paused/")
		w.WriteHeader(map[bool]int{true: http.StatusOK, false: map[string]int{"PUT": http.StatusCreated, "DELETE": http.StatusNoContent}[r.Method]}[s.paused[agent]])
		s.paused[agent] = r.Method == http.MethodPut
	case resource == "route":
		s.whatIf(w, body)
	case resource == "calls":
		s.call(w, name)
	default:
		w.WriteHeader(http.StatusNotFound)
	}
}

func (s *scenarioServer) initiate(w http.ResponseWriter, id, caller, did string) {
	rec := s.records[id]
	if rec == nil {
		rec = &fakeRecord{caller: caller, source: "policy"}
		switch s.scenario {
		case "delivery":
			rec.number, rec.reason = s.pair(caller, did)
		case "sales":
			rec.number, rec.reason = s.sell(caller)
		default:
			rec.number, rec.reason = s.support()
		}
		if s.bend == policiesIdle {
			rec.source = "shed"
		}
		if rec.number == "" {
			rec.source = "rejected"
		}
		s.records[id] = rec
		s.sources[rec.source]++
		s.holds[rec.number]++
		if s.once(miscounted) {
			s.sources["shed"]++
		}
	}
	switch {
	case s.once(answerStatus):
		w.WriteHeader(http.StatusServiceUnavailable)
	case rec.number == "":
		w.WriteHeader(http.StatusForbidden)
	default:
		fmt.Fprintf(w, `{"response": {"call_forwarding_number": %q, "call_timeout": 0}}`, rec.number)
	}
}

// pair routes as the starter policies do with testdata/scenarios/delivery.yaml.
func (s *scenarioServer) pair(caller, did string) (number, reason string) {
	number, reason = deliveryDIDs[did], "no_session"
	for _, session := range s.sessions {
		i := slices.Index(session.parties[:], caller)
		live := time.Now().Before(session.expires)
		if i < 0 || session.did != did {
			continue
		}
		if live && !s.once(pairApart) || !live && s.once(pairLingers) {
			return session.parties[1-i], "pair"
		}
		if !live && s.once(endedAnswer) {
			return "9000000001", "no_session"
		}
	}
	return number, reason
}

// sell routes as the starter policies do with testdata/scenarios/sales.yaml.
func (s *scenarioServer) sell(caller string) (number, reason string) {
	if agent := s.spoke[caller]; slices.Contains(salesTeam, agent) && !s.paused[agent] {
		if s.once(stickyLost) {
			agent = salesTeam[(slices.Index(salesTeam, agent)+1)%len(salesTeam)]
		}
		return agent, "sticky"
	}
	if s.once(teamMissed) {
		return "9000000001", "round_robin"
	}
	for range salesTeam {
		agent := salesTeam[s.turn%len(salesTeam)]
		s.turn++
		if s.paused[agent] && !s.once(pausedRung) {
			continue
		}
		if s.once(rotationUnfair) {
			agent = salesTeam[s.turn%len(salesTeam)]
		}
		return agent, "round_robin"
	}
	if s.once(overflowMissed) {
		return salesAfterHours, "overflow"
	}
	return salesOverflow, "overflow"
}

// support routes as the starter policies do with testdata/scenarios/overload.yaml.
func (s *scenarioServer) support() (number, reason string) {
	for i, agent := range supportTeam {
		if s.holds[agent] < callsPerAgent && !(s.bend == overflowEarly && i == 0) || s.holds[agent] == callsPerAgent && s.once(overCapacity) {
			return agent, "least_busy"
		}
	}
	if s.once(turnedAway) {
		return "", "overflow"
	}
	return supportOverflow, "overflow"
}

func (s *scenarioServer) complete(w http.ResponseWriter, id, status string) {
	rec := s.records[id]
	result := "duplicate"
	if !rec.decided {
		rec.decided, result = true, "stored"
		s.holds[rec.number]--
		if status == "answered" {
			s.spoke[rec.caller] = rec.number
		}
	}
	fmt.Fprintf(w, `{"status": %q}`, result)
}

func (s *scenarioServer) session(w http.ResponseWriter, method, ref string, body []byte) {
	known := s.sessions[ref]
	if method == http.MethodDelete {
		known.expires = time.Time{}
		return
	}
	var in struct {
		Parties [2]string
		Expires string
	}
	_ = json.Unmarshal(body, &in)
	lasts, _ := time.ParseDuration(in.Expires)
	if known == nil {
		known = &fakeSession{parties: in.Parties, did: s.free(in.Parties)}
		switch {
		case known.did == "" && s.once(poolOverbooked):
			known.did = "918645658689"
		case known.did == "":
			w.WriteHeader(http.StatusConflict)
			return
		case s.once(apiRefused):
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		s.sessions[ref] = known
		w.WriteHeader(http.StatusCreated)
	} else if s.once(orderMoved) {
		known = &fakeSession{did: "918645658691"}
		if s.sessions[ref].did == known.did {
			known.did = "918645658690"
		}
	}
	known.expires = time.Now().Add(lasts)
	fmt.Fprintf(w, `{"did": %q, "expires": %d}`, known.did, known.expires.Unix())
}

// free is a DID on which nobody of the two has a session, "" for none.
func (s *scenarioServer) free(parties [2]string) string {
	taken := map[string]bool{}
	for _, session := range s.sessions {
		if session.parties[1] == parties[1] && time.Now().Before(session.expires) {
			taken[session.did] = true
		}
	}
	for _, did := range []string{"918645658689", "918645658690", "918645658691"} {
		if !taken[did] || s.once(didShared) {
			return did
		}
	}
	return ""
}

func (s *scenarioServer) whatIf(w http.ResponseWriter, body []byte) {
	var in struct{ At string }
	_ = json.Unmarshal(body, &in)
	for _, moment := range officeTimes {
		if moment.at != in.At {
			continue
		}
		number, reason := salesAfterHours, "after_hours"
		if moment.open && !s.once(openMissed) || !moment.open && s.once(closedRung) {
			number, reason = salesTeam[0], "round_robin"
		}
		fmt.Fprintf(w, `{"decision": {"call_forwarding_number": %q, "reason": %q}}`, number, reason)
	}
}

func (s *scenarioServer) call(w http.ResponseWriter, id string) {
	rec := *s.records[id]
	switch {
	case s.once(callNotKept):
		w.WriteHeader(http.StatusNotFound)
		return
	case s.once(recordDiffer):
		rec.number = "9000000002"
	}
	fmt.Fprintf(w, `{"call": {}, "decision": {"reject": %t, "call_forwarding_number": %q, "reason": %q, "source": %q, "skipped": [{"number": "1", "why": "busy"}]}}`,
		rec.number == "", rec.number, rec.reason, rec.source)
}
