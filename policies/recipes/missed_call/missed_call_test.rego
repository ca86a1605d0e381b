package recipes.missed_call_test

import data.recipes.missed_call

# A row: the earlier calls on this DID, newest first, as [caller, receiver, status,
# seconds ago]; the DID's missed_call; who calls now, the agent asha where nothing
# is said; and whom the call reaches, "onward" where the step has no answer.
cases := {
	"nothing missed": {"calls": [], "want": "onward"},
	"missed": {"calls": [[kiran, asha, "notanswered", 60]], "want": kiran},
	"off": {"calls": [[kiran, asha, "notanswered", 60]], "missed_call": false, "want": "onward"},
	"answered": {"calls": [[kiran, asha, "answered", 60]], "want": "onward"},
	"still ringing": {"calls": [[kiran, asha, "in_flight", 60]], "want": "onward"},
	"the newest": {"calls": [[lata, asha, "notanswered", 60], [kiran, asha, "notanswered", 90]], "want": lata},
	"answered since, by the agent": {
		"calls": [[kiran, asha, "answered", 30], [kiran, asha, "notanswered", 60]],
		"want": "onward",
	},
	"answered since, by another": {
		"calls": [[kiran, ravi, "answered", 30], [kiran, asha, "notanswered", 60]],
		"want": "onward",
	},
	"answered before": {
		"calls": [[kiran, asha, "notanswered", 30], [kiran, asha, "answered", 60]],
		"want": kiran,
	},
	"called back since": {
		"calls": [[asha, kiran, "answered", 30], [kiran, asha, "notanswered", 60]],
		"want": "onward",
	},
	"called back in vain": {
		"calls": [[asha, kiran, "notanswered", 30], [kiran, asha, "notanswered", 60]],
		"want": kiran,
	},
	"the newest is done, the one before is not": {
		"calls": [[lata, ravi, "answered", 30], [lata, asha, "notanswered", 60], [kiran, asha, "notanswered", 90]],
		"want": kiran,
	},
	"missed by another agent": {"calls": [[kiran, ravi, "notanswered", 60]], "want": "onward"},
	"23:59:59 ago": {"calls": [[kiran, asha, "notanswered", 86399]], "want": kiran},
	"24:00:00 ago": {"calls": [[kiran, asha, "notanswered", 86400]], "want": "onward"},
	"59:59 ago of an hour": {"calls": [[kiran, asha, "notanswered", 3599]], "missed_call": {"hours": 1}, "want": kiran},
	"60:00 ago of an hour": {"calls": [[kiran, asha, "notanswered", 3600]], "missed_call": {"hours": 1}, "want": "onward"},
	"not an agent": {"caller": gone, "calls": [[kiran, gone, "notanswered", 60]], "want": "onward"},
	"the agent rang themselves": {"calls": [[asha, asha, "notanswered", 60]], "want": "onward"},
	"the missed caller is a DID": {"calls": [[other, asha, "notanswered", 60]], "want": "onward"},
	"a masked caller was missed": {"calls": [["99889xxxxx", asha, "notanswered", 60]], "want": "onward"},
	"a caller without a number was missed": {"calls": [["", asha, "notanswered", 60]], "want": "onward"},
	"somebody without a number calls": {"caller": "", "calls": [[kiran, asha, "notanswered", 60]], "want": "onward"},
	"a customer calls": {"caller": kiran, "calls": [[kiran, asha, "notanswered", 60]], "want": "onward"},
	"everyone is on a break": {"calls": [[kiran, asha, "notanswered", 60]], "paused": [asha, ravi], "want": kiran},
}

test_missed_call[name] if {
	some name, c in cases
	chosen(c) == c.want
}

test_answer if {
	answer := missed_call.decision with input as call(asha)
		with data.directory as {"dids": {did: {"team": [asha], "missed_call": true}}}
		with data.history as history([[kiran, asha, "notanswered", 60]], did)
	answer == {"call_forwarding_number": kiran, "reason": "missed_call", "tags": {}}
}

test_calls_on_other_dids_do_not_count if {
	not missed_call.decision with input as call(asha)
		with data.directory as {"dids": {did: {"team": [asha], "missed_call": true}}}
		with data.history as history([[kiran, asha, "notanswered", 60]], other)
}

test_a_did_that_is_not_in_the_directory if {
	past := history([[kiran, asha, "notanswered", 60]], did)
	not missed_call.decision with input as call(asha) with data.directory as {"dids": {}} with data.history as past
	answer := missed_call.decision with input as call(asha) with data.history as past
		with data.directory as {"dids": {}, "default": {"team": [asha], "missed_call": true}}
	answer.tags == {"unknown_did": "true"}
}

test_a_receiver_who_is_a_did if {
	not missed_call.decision with input as call(other)
		with data.directory as {"dids": {did: {"team": [other], "missed_call": true}, other: {}}}
		with data.history as history([[other, other, "notanswered", 60]], did)
}

now := 1763966100

did := "918645658689"

other := "918645658690"

kiran := "9988912345"

lata := "9988912346"

asha := "9876543210"

ravi := "9876543211"

gone := "9876540000"

call(number) := {"caller_number": number, "did": did, "time": {"unix": now}}

past(made, line) := {
	"did": line, "caller_number": made[0], "receiver_number": made[1], "status": made[2],
	"routed_at": now - made[3], "received_at": null, "ended_at": null,
}

# Masked callers have no profile, as in the server.
history(calls, line) := {
	"callers": {number: {"calls": [past(made, line) | some made in calls; made[0] == number]} |
		some i
		number := calls[i][0]
		regex.match(`^[0-9]+$`, number)
	},
	"receivers": {number: {"calls": [past(made, line) | some made in calls; made[1] == number]} |
		some i
		number := calls[i][1]
	},
}

default chosen(_) := "onward"

chosen(c) := answer.call_forwarding_number if {
	entry := {"team": [asha, ravi], "missed_call": object.get(c, "missed_call", true)}
	answer := missed_call.decision with input as call(object.get(c, "caller", asha))
		with data.directory as {"dids": {did: entry, other: {}}}
		with data.facts.paused as {number: true | some number in object.get(c, "paused", [])}
		with data.history as history(c.calls, did)
}
