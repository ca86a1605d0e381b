package policy

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"pgregory.net/rapid"

	"switchboard/engine"
	"switchboard/policies"
)

// people are those who call and who are called, in the tests below.
var people = []string{"9876543210", "9876543211", "9876543212", "9988912345", "9876500000", "1401234567", "+12025550123"}

func person(r *rand.Rand) string { return people[r.IntN(len(people))] }

// TestStarterSetByBothEvaluators asks both evaluators what the starter set makes
// of calls to DIDs with every combination of recipes, over histories, sessions
// and facts made up at random: they agree in everything, reads included.
func TestStarterSetByBothEvaluators(t *testing.T) {
	set := everyRecipe(t)
	reasons := map[string]int{}
	rapid.Check(t, func(rt *rapid.T) {
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(rt, "seed"), 0))
		numbers := testOptions(t).Numbers
		caller := append(people, "", "anonymous", "+442079460000")[r.IntN(len(people)+3)]
		q := engine.Question{
			CallID: fmt.Sprintf("c%d", r.IntN(100)), Caller: numbers.Person(caller), DID: numbers.DID(recipeDID(r.IntN(recipeDIDs + 2))),
			At: callAt.Add(time.Duration(r.IntN(14*24)) * time.Hour),
		}
		q.Caller.Canonical = caller
		view := randomView(r, q)
		fast, sure := bothAnswer(t, set, q, func() engine.View { return view })
		if what := differ(fast, sure); what != "" {
			rt.Fatalf("%+v\nthey differ by %s\nplan: %+v %v %q %v\nOPA:  %+v %v %q %v", q, what,
				fast.Answer, fast.err, fast.Read, fast.Fired, sure.Answer, sure.err, sure.Read, sure.Fired)
		}
		reasons[sure.Answer.Reason]++
	})
	t.Log(reasons)
}

// recipeDIDs is how many DIDs the directory lists.
const recipeDIDs = 60

func recipeDID(i int) string { return fmt.Sprintf("91864565%04d", i) }

// everyRecipe is the starter set with a directory whose entries say different
// things.
func everyRecipe(t *testing.T) *Set {
	t.Helper()
	r := rand.New(rand.NewPCG(1, 2))
	dids := map[string]any{}
	for i := range recipeDIDs {
		dids[recipeDID(i)] = recipeEntry(r)
	}
	directory := map[string]any{
		"dids":    dids,
		"default": map[string]any{"team": people[:2]},
		"teams":   map[string]any{"north": people[1:3], "overseas": people[:1], "newcomers": people[2:4]},
		"vip":     map[string]any{people[3]: map[string]any{"to": people[0], "backup": people[1], "always_open": true}},
		"paused":  map[string]any{people[2]: "on leave"},
		"blocklist": map[string]any{"numbers": map[string]any{people[4]: "nuisance"}, "prefixes": []string{"140"},
			"anonymous": true},
	}
	text, err := json.Marshal(directory)
	if err != nil {
		t.Fatal(err)
	}
	tree, err := FromFS(policies.Files)
	if err != nil {
		t.Fatal(err)
	}
	set, report := Load(t.Context(), tree.Overlay(map[string]string{"directory/data.yaml": string(text)}), testOptions(t), Checks{SkipTests: true})
	if set == nil || !set.Planned() {
		t.Fatal(lines(report.Errors), lines(report.Warnings))
	}
	return set
}

func recipeEntry(r *rand.Rand) map[string]any {
	entry := map[string]any{"team": people[:3]}
	windows := []any{map[string]any{"from": "09:30", "to": "18:30"}, map[string]any{"from": "22:00", "to": "02:00"}}
	for field, value := range map[string]any{
		"sticky_days": r.IntN(40), "velocity": map[string]any{"calls": 1 + r.IntN(4), "minutes": 60}, "override": person(r),
		"pairs": [][]string{{people[3], people[0]}, {people[3], people[1]}}, "cool_off_minutes": 15,
		"no_session_to": []string{"reject", people[1]}[r.IntN(2)], "missed_call": map[string]any{"hours": 24},
		"redial": map[string]any{"minutes": 15}, "overflow": []string{person(r)}, "max_concurrent": 1 + r.IntN(3), "daily_cap": r.IntN(20),
		"wrapup_seconds": 20, "auto_pause": map[string]any{"unanswered": 1 + r.IntN(3), "minutes": 10}, "zone": "Asia/Dubai",
		"regions": map[string]any{"98": "north", "+1": "overseas", "foreign": "overseas", "anonymous": "north"},
		"rollout": map[string]any{"percent": 50, "team": "newcomers"},
		"vip":     map[string]any{people[5]: map[string]any{"to": person(r)}},
		"distribution": []any{map[string]any{"mode": "least_busy"}, map[string]any{"mode": "fixed"},
			map[string]any{"mode": "percent", "weights": map[string]any{people[0]: 50, people[1]: 30, people[2]: 20}}}[r.IntN(3)],
		"holidays": map[string]any{"2025-11-25": "a feast"},
	} {
		if r.IntN(6) == 0 {
			entry[field] = value
		}
	}
	if entry["distribution"] == nil {
		entry["team"] = []any{people[:1], people[:2], "north"}[r.IntN(3)]
	}
	if r.IntN(2) == 0 {
		entry["after_hours"] = person(r)
		hours := map[string]any{}
		for _, day := range weekdays[:1+r.IntN(7)] {
			hours[day] = windows[:1+r.IntN(2)]
		}
		entry["hours"] = hours
	}
	return entry
}

// randomView is a history in which everybody has talked to everybody lately.
func randomView(r *rand.Rand, q engine.Question) *fakeView {
	v := &fakeView{
		profiles: map[engine.ProfileKind]map[string]*engine.Profile{engine.Callers: {}, engine.Receivers: {}, engine.DIDs: {}},
		calls:    map[string]*engine.Call{}, sessions: map[string][]*engine.Session{}, facts: map[string]*engine.Fact{},
	}
	for _, p := range people {
		if r.IntN(2) == 0 {
			v.profiles[engine.Callers][p] = randomProfile(r, q)
		}
		if r.IntN(2) == 0 {
			v.profiles[engine.Receivers][p] = randomProfile(r, q)
		}
		if r.IntN(8) == 0 {
			v.facts["paused/"+p] = &engine.Fact{Value: json.RawMessage([]string{`true`, `"lunch"`, `{"why": "lunch"}`, `{"until": 1}`, `false`}[r.IntN(5)])}
		}
	}
	v.profiles[engine.DIDs][q.DID.Canonical] = randomProfile(r, q)
	if r.IntN(8) == 0 {
		v.facts["override/"+[]string{"*", q.DID.Canonical}[r.IntN(2)]] = &engine.Fact{Value: json.RawMessage([]string{`"9876543211"`, `{"to": "9876543210"}`, `false`}[r.IntN(3)])}
	}
	if r.IntN(3) == 0 {
		for range 1 + r.IntN(3) {
			s := &engine.Session{Ref: "order", DID: q.DID.Canonical, Parties: [2]string{q.Caller.Canonical, person(r)},
				Created: q.At.Add(-time.Hour).UnixNano(), Expires: q.At.Add(time.Hour).UnixNano()}
			if r.IntN(3) == 0 {
				s.LastEnded = q.At.Add(-time.Duration(r.IntN(30)) * time.Minute).UnixNano()
			}
			key := q.DID.Canonical + "/" + q.Caller.Canonical
			v.sessions[key] = append(v.sessions[key], s)
		}
	}
	return v
}

func randomProfile(r *rand.Rand, q engine.Question) *engine.Profile {
	p := &engine.Profile{InFlight: int64(r.IntN(3)), UnansweredStreak: int64(r.IntN(5)), LastByReason: map[string]*engine.Call{}}
	p.Totals = engine.Totals{Offered: int64(r.IntN(30)), Answered: int64(r.IntN(20))}
	p.Days = []engine.Day{{Date: q.At.In(kolkata).Format(time.DateOnly), Totals: p.Totals}}
	statuses := []engine.Status{engine.StatusAnswered, engine.StatusNotAnswered, engine.StatusInFlight, engine.StatusOther}
	for i := range r.IntN(5) {
		routed := q.At.Add(-time.Duration(1+r.IntN(40)+i*40) * time.Minute).UnixNano()
		call := &engine.Call{CallID: fmt.Sprintf("h%d", i), Caller: person(r), DID: q.DID.Canonical, Receiver: person(r), Status: statuses[r.IntN(4)],
			RoutedAt: routed, Duration: engine.NoDuration, Reason: []string{"round_robin", "sticky", "round_robin_north"}[r.IntN(3)],
			Source: engine.SourcePolicy, HangupCause: []string{"", "initiator_cancel"}[r.IntN(2)]}
		if call.Status != engine.StatusInFlight {
			call.EndedAt, call.Duration = routed+int64(30*time.Second), 30
		}
		p.Calls = append(p.Calls, call)
		if p.LastOffered == nil {
			p.LastOffered = call
		}
		if p.LastAnswered == nil && call.Status == engine.StatusAnswered {
			p.LastAnswered = call
		}
		if p.LastByReason[call.Reason] == nil {
			p.LastByReason[call.Reason] = call
		}
	}
	return p
}
