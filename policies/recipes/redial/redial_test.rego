package recipes.redial_test

import data.recipes.redial

# A row: the caller's earlier calls on this DID, newest first, as [receiver,
# status, seconds ago]; the DID's redial and overflow; who is on a break; and whom
# the call reaches, "onward" where the step has no answer.
cases := {
	"a first call": {"calls": [], "want": "onward"},
	"not answered": {"calls": [[asha, "notanswered", 60]], "want": ravi},
	"answered": {"calls": [[asha, "answered", 60]], "want": "onward"},
	"off": {"calls": [[asha, "notanswered", 60]], "redial": false, "want": "onward"},
	"still in flight": {"calls": [[asha, "in_flight", 5]], "want": ravi},
	"ended otherwise": {"calls": [[asha, "other", 60]], "want": ravi},
	"never reported": {"calls": [[asha, "expired", 60]], "want": ravi},
	"the first of the list is next": {"calls": [[ravi, "notanswered", 60]], "want": asha},
	"two tried": {"calls": [[ravi, "notanswered", 30], [asha, "notanswered", 60]], "want": meena},
	"one tried twice": {"calls": [[asha, "notanswered", 30], [asha, "notanswered", 60]], "want": ravi},
	"all tried": {"calls": all_of_them, "overflow": desk, "want": desk},
	"all tried, no overflow": {"calls": all_of_them, "want": "onward"},
	"answered in between": {
		"calls": [[ravi, "notanswered", 30], [meena, "answered", 60], [asha, "notanswered", 90]],
		"want": asha,
	},
	"answered, and rung back": {"calls": [[asha, "answered", 30], [ravi, "notanswered", 60]], "want": "onward"},
	"14:59 ago": {"calls": [[asha, "notanswered", 899]], "want": ravi},
	"15:00 ago": {"calls": [[asha, "notanswered", 900]], "want": "onward"},
	"59 seconds of a minute": {"calls": [[asha, "notanswered", 59]], "redial": {"minutes": 1}, "want": ravi},
	"60 seconds of a minute": {"calls": [[asha, "notanswered", 60]], "redial": {"minutes": 1}, "want": "onward"},
	"one tried lately, one long ago": {
		"calls": [[ravi, "notanswered", 60], [asha, "notanswered", 1000]],
		"want": asha,
	},
	"a removed agent was tried": {"calls": [[gone, "notanswered", 60]], "want": "onward"},
	"the next is on a break": {"calls": [[asha, "notanswered", 60]], "paused": [ravi], "want": meena},
	"all others are on a break": {"calls": [[asha, "notanswered", 60]], "paused": [ravi, meena], "want": "onward"},
	"the others are on a break, with an overflow": {
		"calls": [[asha, "notanswered", 60]], "paused": [ravi, meena], "overflow": desk,
		"want": "onward",
	},
	"the next is the caller": {"caller": ravi, "calls": [[asha, "notanswered", 60]], "want": meena},
	"the next is a DID": {"team": [asha, other, meena], "calls": [[asha, "notanswered", 60]], "want": meena},
	"a caller without a number": {"caller": "", "calls": [[asha, "notanswered", 60]], "want": "onward"},
	"a masked caller": {"caller": "99889xxxxx", "calls": [[asha, "notanswered", 60]], "want": "onward"},
}

test_redial[name] if {
	some name, c in cases
	chosen(c) == c.want
}

passed := {
	"one tried": {"calls": [[asha, "notanswered", 60]], "want": [{"number": asha, "why": "tried"}]},
	"one tried, one on a break": {
		"calls": [[asha, "notanswered", 60]], "paused": [ravi],
		"want": [{"number": asha, "why": "tried"}, {"number": ravi, "why": "paused"}],
	},
	"all tried": {
		"calls": all_of_them, "overflow": desk,
		"want": [{"number": asha, "why": "tried"}, {"number": ravi, "why": "tried"}, {"number": meena, "why": "tried"}],
	},
}

test_skipped[name] if {
	some name, c in passed
	answer(c).skipped == c.want
}

test_all_were_asked_in_vain if {
	asked := redial.attempt with input as call(caller)
		with data.directory as {"dids": {did: {"team": [asha, ravi], "redial": true}}}
		with data.facts.paused as {ravi: true}
		with data.history as history(caller, [[asha, "notanswered", 60]])
	asked == {"step": "redial", "in_vain": [{"number": asha, "why": "tried"}, {"number": ravi, "why": "paused"}]}
}

test_nobody_was_asked if {
	not redial.attempt with input as call(caller) with data.directory as {"dids": {did: {"team": [asha], "redial": true}}}
}

test_reasons if {
	answer({"calls": [[asha, "notanswered", 60]]}).reason == "redial"
	answer({"calls": all_of_them, "overflow": desk}).reason == "overflow"
}

test_other_dids_do_not_count if {
	elsewhere := {"did": other, "receiver_number": asha, "status": "notanswered", "routed_at": now - 60}
	not redial.decision with input as call(caller)
		with data.directory as {"dids": {did: {"team": [asha, ravi], "redial": true}}}
		with data.history as {"callers": {caller: {"calls": [elsewhere]}}}
}

test_a_time_that_is_unknown if {
	orphan := {"did": did, "receiver_number": asha, "status": "notanswered", "routed_at": null}
	not redial.decision with input as call(caller)
		with data.directory as {"dids": {did: {"team": [asha, ravi], "redial": true}}}
		with data.history as {"callers": {caller: {"calls": [orphan]}}}
}

test_a_did_that_is_not_in_the_directory if {
	past := history(caller, [[asha, "notanswered", 60]])
	not redial.decision with input as call(caller) with data.directory as {"dids": {}} with data.history as past
	unlisted := redial.decision with input as call(caller) with data.history as past
		with data.directory as {"dids": {}, "default": {"team": [asha, ravi], "redial": true}}
	unlisted.call_forwarding_number == ravi
	unlisted.tags == {"unknown_did": "true"}
}

all_of_them := [[meena, "notanswered", 20], [ravi, "notanswered", 40], [asha, "notanswered", 60]]

now := 1763966100

did := "918645658689"

other := "918645658690"

caller := "9988912345"

asha := "9876543210"

ravi := "9876543211"

meena := "9876543212"

gone := "9876540000"

desk := "9876543219"

call(number) := {"caller_number": number, "did": did, "time": {"unix": now, "date": "2025-11-24"}}

# A caller without a number has no profile.
history(number, calls) := {"callers": {caller: {"calls": [
{"did": did, "receiver_number": c[0], "status": c[1], "routed_at": now - c[2]} |
	some c in calls
]} |
	some caller in [number]
	regex.match(`^[0-9]+$`, caller)
}}

entry(c) := {field: value |
	some field, value in {
		"team": object.get(c, "team", [asha, ravi, meena]),
		"redial": object.get(c, "redial", true),
		"overflow": object.get(c, "overflow", null),
	}
	value != null
}

answer(c) := decision if {
	decision := redial.decision with input as call(object.get(c, "caller", caller))
		with data.directory as {"dids": {did: entry(c), other: {}}}
		with data.facts.paused as {number: true | some number in object.get(c, "paused", [])}
		with data.history as history(object.get(c, "caller", caller), c.calls)
}

default chosen(_) := "onward"

chosen(c) := answer(c).call_forwarding_number
