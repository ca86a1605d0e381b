package recipes.overflow_test

import data.recipes.overflow

# A row: the DID's overflow, who is on a break, and whom the call reaches,
# "onward" where the step has no answer.
cases := {
	"none": {"want": "onward"},
	"a number": {"overflow": desk, "want": desk},
	"a list": {"overflow": [desk, night], "want": desk},
	"the first is on a break": {"overflow": [desk, night], "paused": [desk], "want": night},
	"everyone is on a break": {"overflow": [desk, night], "paused": [desk, night], "want": "onward"},
	"the number is on a break": {"overflow": desk, "paused": [desk], "want": "onward"},
	"an empty list": {"overflow": [], "want": "onward"},
	"the caller is the receiver": {"overflow": caller, "want": "onward"},
	"the caller is the first": {"overflow": [caller, night], "want": night},
	"the receiver is the DID": {"overflow": did, "want": "onward"},
	"the receiver is another DID": {"overflow": [other, desk], "want": desk},
	"a removed agent, who does not matter here": {"overflow": gone, "want": gone},
	"an answering service is never busy": {"overflow": desk, "busy": [desk], "want": desk},
	"a caller without a number": {"overflow": desk, "caller": "", "want": desk},
	"a masked caller": {"overflow": desk, "caller": "99889xxxxx", "want": desk},
}

test_overflow[name] if {
	some name, c in cases
	chosen(c) == c.want
}

test_answer if {
	told := overflow.decision with input as call(caller) with data.directory as {"dids": {did: {"overflow": desk}}}
	told == {"call_forwarding_number": desk, "reason": "overflow", "tags": {}}
}

# Who is passed over before the number.
passed := {
	"nobody": {"overflow": [desk, night], "paused": [night], "want": []},
	"the first": {"overflow": [desk, night], "paused": [desk], "want": [{"number": desk, "why": "paused"}]},
	"the caller": {"overflow": [caller, night], "want": [{"number": caller, "why": "caller"}]},
	"the team": {"team": [asha], "overflow": desk, "paused": [asha], "want": [{"number": asha, "why": "paused"}]},
	"the team, then the first": {
		"team": [asha], "overflow": [night, desk], "paused": [asha, night],
		"want": [{"number": asha, "why": "paused"}, {"number": night, "why": "paused"}],
	},
	"an empty team": {"team": [], "overflow": desk, "want": []},
	"a team that could": {"team": [asha], "overflow": desk, "want": []},
}

test_skipped[name] if {
	some name, c in passed
	object.get(answer(c), "skipped", []) == c.want
}

test_a_did_that_is_not_in_the_directory if {
	not overflow.decision with input as call(caller) with data.directory as {"dids": {}}
	told := overflow.decision with input as call(caller)
		with data.directory as {"dids": {}, "default": {"overflow": desk}}
	told.tags == {"unknown_did": "true"}
}

test_reasons_for_a_break_are_told if {
	told := overflow.decision with input as call(caller)
		with data.directory as {"dids": {did: {"overflow": [desk, night]}}}
		with data.facts.paused as {desk: {"why": "fire drill"}}
	told.skipped == [{"number": desk, "why": "paused: fire drill"}]
}

now := 1763966100

did := "918645658689"

other := "918645658690"

caller := "9988912345"

desk := "9876543218"

night := "9876543219"

gone := "9876540000"

asha := "9876543210"

call(number) := {"caller_number": number, "did": did, "time": {"unix": now}}

default chosen(_) := "onward"

chosen(c) := answer(c).call_forwarding_number

answer(c) := decision if {
	entry := {field: value |
		some field, value in {"max_concurrent": 1, "overflow": object.get(c, "overflow", null), "team": object.get(c, "team", null)}
		value != null
	}
	decision := overflow.decision with input as call(object.get(c, "caller", caller))
		with data.directory as {"dids": {did: entry, other: {}}}
		with data.facts.paused as {number: true | some number in object.get(c, "paused", [])}
		with data.history.receivers as {number: profile |
			some number in object.get(c, "busy", [])
			profile := {"in_flight": 1, "calls": [{"status": "in_flight", "routed_at": now - 60}]}
		}
}
