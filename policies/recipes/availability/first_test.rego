package recipes.availability_first_test

import data.recipes.availability

# A row: what stands against each of the team, in order, "" where nothing does;
# who is chosen, and who was passed over.
cases := {
	"the first": {"team": ["", "", ""], "want": "a1", "passed": []},
	"the second": {"team": ["paused", "", ""], "want": "a2", "passed": [{"number": "a1", "why": "paused"}]},
	"nobody looks further": {"team": ["", "paused", "busy"], "want": "a1", "passed": []},
	"the last": {
		"team": ["paused", "busy", ""], "want": "a3",
		"passed": [{"number": "a1", "why": "paused"}, {"number": "a2", "why": "busy"}],
	},
	"everyone is busy": {
		"team": ["busy", "busy"], "want": "nobody",
		"passed": [{"number": "a1", "why": "busy"}, {"number": "a2", "why": "busy"}],
	},
	"paused for missed calls": {"team": ["auto_paused", ""], "want": "a2", "passed": [{"number": "a1", "why": "auto_paused"}]},
	"everyone is": {"team": ["auto_paused", "auto_paused"], "want": "a1", "passed": [{"number": "a2", "why": "auto_paused"}]},
	"everyone else is on a break": {
		"team": ["paused", "auto_paused", "busy"], "want": "a2",
		"passed": [{"number": "a1", "why": "paused"}, {"number": "a3", "why": "busy"}],
	},
	"nobody at all": {"team": [], "want": "nobody", "passed": []},
}

test_first[name] if {
	some name, c in cases
	first(c) == c.want
}

test_passed_over[name] if {
	some name, c in cases
	passed_over(c) == c.passed
}

now := 1763966100

call := {"caller_number": "9988912345", "did": "918645658689", "time": {"unix": now, "date": "2025-11-24"}}

entry := {"max_concurrent": 1, "auto_pause": {"unanswered": 1}}

names(c) := [sprintf("a%d", [i + 1]) | some i, _ in c.team]

facts(c) := {sprintf("a%d", [i + 1]): true | some i, why in c.team; why == "paused"}

profiles := {
	"busy": {"in_flight": 1, "calls": [{"status": "in_flight", "routed_at": now - 60}]},
	"auto_paused": {"in_flight": 0, "unanswered_streak": 1, "calls": [{
		"status": "notanswered", "routed_at": now - 60, "received_at": null, "ended_at": null,
	}]},
}

history(c) := {sprintf("a%d", [i + 1]): profiles[why] | some i, why in c.team}

default first(_) := "nobody"

first(c) := number if {
	number := availability.first(names(c)) with input as call
		with data.directory as {"dids": {call.did: entry}}
		with data.facts.paused as facts(c)
		with data.history.receivers as history(c)
}

passed_over(c) := list if {
	list := availability.passed_over(names(c)) with input as call
		with data.directory as {"dids": {call.did: entry}}
		with data.facts.paused as facts(c)
		with data.history.receivers as history(c)
}
