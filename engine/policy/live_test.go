package policy

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"switchboard/engine"
	"switchboard/engine/policy/mounted"
)

// pairedView has a session for the caller on the called DID, and a fact.
func pairedView() *fakeView {
	v := sampleView(0)
	at := callAt.Add(-time.Hour).UnixNano()
	v.sessions = map[string][]*engine.Session{calledDID + "/" + callerNumber: {
		{Ref: "order-2", DID: calledDID, Parties: [2]string{callerNumber, receiverNumber}, Created: at, Expires: at + int64(2*time.Hour),
			LastEnded: at - 5, Data: json.RawMessage(`{"order": 17, "price": 1.50, "tags": ["a"]}`)},
		{Ref: "order-1", DID: calledDID, Parties: [2]string{"9000000001", callerNumber}, Created: at - 9},
	}}
	v.facts = map[string]*engine.Fact{
		"paused/" + receiverNumber: {Collection: "paused", Key: receiverNumber, Value: json.RawMessage(`{"until": 1763802999, "by": "asha"}`)},
		"plain/on":                 {Collection: "plain", Key: "on", Value: json.RawMessage(`true`)},
		"plain/off":                {Collection: "plain", Key: "off", Value: json.RawMessage(`false`)},
	}
	return v
}

func TestLiveReads(t *testing.T) {
	session := `{"reason": "x", "call_forwarding_number": "9876543210"} if `
	for name, c := range map[string]struct {
		body string
		read []string
		miss bool
	}{
		"a session":        {body: `data.sessions[input.did][input.caller_number][0].ref == "order-2"`, read: []string{"sessions/918645658689/9988912345"}},
		"newest first":     {body: `[s.ref | some s in data.sessions[input.did][input.caller_number]] == ["order-2", "order-1"]`, read: []string{"sessions/918645658689/9988912345"}},
		"the other":        {body: `some s in data.sessions[input.did][input.caller_number]; some n in s.parties; n == "9876543210"`},
		"its data":         {body: `data.sessions[input.did][input.caller_number][0].data.order == 17`},
		"no data":          {body: `data.sessions[input.did][input.caller_number][1].data == {}`},
		"no end":           {body: `data.sessions[input.did][input.caller_number][1].expires == null`},
		"a moment":         {body: `data.sessions[input.did][input.caller_number][0].expires - input.time.unix == 3600`},
		"nobody":           {body: `data.sessions[input.did]["9000000009"]`, miss: true, read: []string{"sessions/918645658689/9000000009"}},
		"not nobody":       {body: `not data.sessions[input.did]["9000000009"]`},
		"none of nobody's": {body: `[s | some s in data.sessions[input.did]["9000000009"]] == []`},
		"a fact":           {body: `data.facts.paused["9876543210"].until > input.time.unix`, read: []string{"facts/paused/9876543210"}},
		"a whole fact":     {body: `data.facts.paused["9876543210"] == {"by": "asha", "until": 1763802999}`},
		"true":             {body: `data.facts.plain.on`, read: []string{"facts/plain/on"}},
		"false":            {body: `data.facts.plain.off == false`},
		"not false":        {body: `not data.facts.plain.off`},
		"no fact":          {body: `data.facts.paused["1"]`, miss: true, read: []string{"facts/paused/1"}},
		"not no fact":      {body: `not data.facts.paused["1"]`},
		"collections":      {body: `some c in ["busy", "paused"]; data.facts[c]["9876543210"].by == "asha"`, read: []string{"facts/busy/9876543210", "facts/paused/9876543210"}},
		"object.get":       {body: `object.get(data.facts.paused["9876543210"], "by", "") == "asha"`},
	} {
		t.Run(name, func(t *testing.T) {
			s := routing(t, "decision := "+session+"{\n\t"+c.body+"\n}\n")
			ev, err := s.Evaluate(t.Context(), testQuestion(), pairedView())
			if missed := errors.Is(err, engine.ErrUndefined); missed != c.miss || err != nil && !missed {
				t.Fatalf("error %v, want undefined: %v", err, c.miss)
			}
			if c.read != nil && !slices.Equal(ev.Read, c.read) {
				t.Errorf("read %q, want %q", ev.Read, c.read)
			}
			for _, r := range ev.Read {
				if strings.Count(r, "/") != 2 {
					t.Errorf("%q is no entry", r)
				}
			}
		})
	}
}

// What a policy sees of a session is what the API shows.
func TestSessionsAreShownAsJSON(t *testing.T) {
	v := pairedView()
	list := v.sessions[calledDID+"/"+callerNumber]
	value, err := sessionsValue(list)
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(list)
	if err != nil {
		t.Fatal(err)
	}
	want, err := jsonValue(text)
	if err != nil {
		t.Fatal(err)
	}
	if value.Compare(want) != 0 {
		t.Errorf("policies see %v, the API shows %v", value, want)
	}
	var doc any
	if err := json.Unmarshal(text, &doc); err != nil {
		t.Fatal(err)
	}
	for _, s := range doc.([]any) {
		fields := s.(map[string]any)
		if !slices.Equal(sortedKeys(fields), mounted.SessionShape.Names()) {
			t.Errorf("a session has %q, the lint knows %q", sortedKeys(fields), mounted.SessionShape.Names())
		}
	}
}

// One entry is asked for once, however many fields a policy looks at.
func TestLiveEntriesAreAskedForOnce(t *testing.T) {
	s := routing(t, `decision := {"reject": true} if {
	data.sessions[input.did][input.caller_number][0].ref == "order-2"
	data.sessions[input.did][input.caller_number][1].ref == "order-1"
	data.facts.paused["9876543210"].by == "asha"
	data.facts.paused["9876543210"].until > 1
}
`)
	v := pairedView()
	if _, err := s.Evaluate(t.Context(), testQuestion(), v); err != nil {
		t.Fatal(err)
	}
	want := []string{"sessions/918645658689/9988912345", "facts/paused/9876543210"}
	if !slices.Equal(v.asked, want) {
		t.Errorf("asked %q, want %q", v.asked, want)
	}
}

func TestLiveReadsFail(t *testing.T) {
	s := routing(t, "decision := {\"reject\": true} if not data.sessions[input.did][input.caller_number]\n")
	v := pairedView()
	v.err = engine.ErrConflict
	if _, err := s.Evaluate(t.Context(), testQuestion(), v); !errors.Is(err, engine.ErrConflict) {
		t.Errorf("a conflict comes as %v", err)
	}
	v = pairedView()
	v.facts["paused/1"] = &engine.Fact{Value: json.RawMessage(`{`)}
	s = routing(t, "decision := {\"reject\": true} if not data.facts.paused[\"1\"]\n")
	if _, err := s.Evaluate(t.Context(), testQuestion(), v); err == nil || !strings.Contains(err.Error(), "paused/1") {
		t.Errorf("a broken fact comes as %v", err)
	}
}

// What the lint can't see is refused when a call comes.
func TestLiveWholeReadsAreRefused(t *testing.T) {
	for body, want := range map[string]string{
		`some s in data.sessions[input.did]`: `data.sessions["918645658689"] cannot be read as a whole`,
		`count(data.sessions) > 0`:           "data.sessions cannot be read as a whole; read it by key: data.sessions[did][number]",
		`some k, v in data.facts.paused`:     `data.facts["paused"] cannot be read as a whole; read it by key: data.facts["paused"][key]`,
	} {
		s := routing(t, "decision := {\"reject\": true} if {\n\t"+body+"\n}\n")
		if _, err := s.Evaluate(t.Context(), testQuestion(), pairedView()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %q", body, err, want)
		}
	}
}

// Tests of a set replace live data as they replace the history.
func TestLiveDataAreMockedWithWith(t *testing.T) {
	tree := goodTree().Overlay(map[string]string{
		"routing/routing.rego": `package routing

decision := {"call_forwarding_number": other} if {
	some s in data.sessions[input.did][input.caller_number]
	some other in s.parties
	other != input.caller_number
	not data.facts.paused[other]
}

decision := {"reject": true} if not data.sessions[input.did][input.caller_number]
`,
		"routing/routing_test.rego": `package routing_test

sessions := {"918645658689": {"9988912345": [{"ref": "o", "parties": ["9988912345", "9876543210"]}]}}

call := {"did": "918645658689", "caller_number": "9988912345"}

test_paired if {
	data.routing.decision.call_forwarding_number == "9876543210" with input as call with data.sessions as sessions with data.facts as {}
}

test_paused if {
	not data.routing.decision with input as call with data.sessions as sessions with data.facts as {"paused": {"9876543210": true}}
}

test_nobody if {
	data.routing.decision.reject with input as call with data.sessions as {} with data.facts as {}
}
`,
	})
	_, report := Load(t.Context(), tree, testOptions(t), Checks{})
	if !report.OK || report.Tests.Passed != 3 {
		t.Errorf("%d tests passed; %q", report.Tests.Passed, lines(report.Errors))
	}
}
