package recipes.pair_test

import data.recipes.pair

# A row: the open sessions of the caller on this DID, newest first, each by the
# counterpart; the DID's entry; who called whom how many seconds ago; and whom
# the call reaches, "onward" where the step has no answer.
cases := {
	"no session": {"want": "onward"},
	"a session": {"sessions": [courier], "want": courier},
	"the other way round": {"caller": courier, "sessions": [customer], "want": customer},
	"no session, with a place to go": {"entry": {"no_session_to": desk}, "want": desk},
	"no session, rejected": {"entry": {"no_session_to": "reject"}, "want": "reject"},
	"a session goes first": {"sessions": [courier], "entry": {"no_session_to": desk}, "want": courier},
	"several, never talked": {"sessions": [baker, courier], "want": baker},
	"several, talked to the older": {"sessions": [baker, courier], "calls": [[customer, courier, 60]], "want": courier},
	"several, the older rang": {"sessions": [baker, courier], "calls": [[courier, customer, 60]], "want": courier},
	"several, the newest call counts": {
		"sessions": [baker, courier],
		"calls": [[customer, courier, 90], [baker, customer, 60]],
		"want": baker,
	},
	"several, the newest call counts, the other way": {
		"sessions": [baker, courier],
		"calls": [[customer, courier, 60], [baker, customer, 90]],
		"want": courier,
	},
	"several, a call with a stranger": {"sessions": [baker, courier], "calls": [[customer, desk, 60]], "want": baker},
	"two orders of the same two": {"sessions": [courier, courier], "want": courier},
	"a fixed pair": {"entry": {"pairs": [[customer, courier]]}, "want": courier},
	"a fixed pair, the other way round": {"entry": {"pairs": [[courier, customer]]}, "want": courier},
	"a fixed pair of others": {"entry": {"pairs": [[baker, courier]]}, "want": "onward"},
	"a session before a fixed pair": {"sessions": [baker], "entry": {"pairs": [[customer, courier]]}, "want": baker},
	"several fixed pairs": {"entry": {"pairs": [[customer, courier], [customer, baker]]}, "want": courier},
	"a session with oneself": {"sessions": [customer], "want": "onward"},
	"the counterpart is the DID": {"sessions": [did], "want": "onward"},
	"the counterpart is another DID": {"sessions": [other], "want": "onward"},
	"a loop, with a place to go": {"sessions": [did], "entry": {"no_session_to": desk}, "want": desk},
	"the place to go calls": {"caller": desk, "entry": {"no_session_to": desk}, "want": "onward"},
	"cooling off for 4:59": {"sessions": [courier], "ended": 299, "entry": {"cool_off_minutes": 5}, "want": "onward"},
	"cooling off for 5:00": {"sessions": [courier], "ended": 300, "entry": {"cool_off_minutes": 5}, "want": courier},
	"cooling off, with a place to go": {
		"sessions": [courier], "ended": 10,
		"entry": {"cool_off_minutes": 5, "no_session_to": desk},
		"want": desk,
	},
	"no cool-off wanted": {"sessions": [courier], "ended": 10, "want": courier},
	"nothing ended before": {"sessions": [courier], "entry": {"cool_off_minutes": 5}, "want": courier},
	"a caller without a number": {"caller": "", "want": "onward"},
	"without a number, with a place to go": {"caller": "", "entry": {"no_session_to": desk}, "want": desk},
	"a masked caller": {"caller": "99889xxxxx", "entry": {"pairs": [[customer, courier]]}, "want": "onward"},
	"not in the directory": {"entry": null, "want": "onward"},
	"not in the directory, a session": {"entry": null, "sessions": [courier], "want": courier},
}

test_pair[name] if {
	some name, c in cases
	chosen(c) == c.want
}

tagged := {
	"a session": {"sessions": [courier], "want": {}},
	"several, never talked": {"sessions": [baker, courier], "want": {"ambiguous": "true"}},
	"several, talked": {"sessions": [baker, courier], "calls": [[customer, courier, 60]], "want": {}},
	"two orders of the same two": {"sessions": [courier, courier], "want": {}},
	"not in the directory": {"entry": null, "sessions": [courier], "want": {"unknown_did": "true"}},
	"not in the directory, several": {
		"entry": null, "sessions": [baker, courier],
		"want": {"unknown_did": "true", "ambiguous": "true"},
	},
	"a place to go": {"entry": {"no_session_to": desk}, "want": {}},
}

test_tags[name] if {
	some name, c in tagged
	answer(c).tags == c.want
}

test_reasons if {
	answer({"sessions": [courier]}).reason == "pair"
	answer({"entry": {"no_session_to": desk}}).reason == "no_session"
	answer({"entry": {"no_session_to": "reject"}}) == {"reject": true, "reason": "no_session"}
}

# What the server shows of a session, as it stands in data.sessions.
test_a_whole_session if {
	pair.counterpart == courier with input as call(customer)
		with data.sessions as {did: {customer: [{
			"ref": "order-1", "did": did, "parties": [customer, courier],
			"created": now - 60, "expires": null, "last_ended": null, "data": {},
		}]}}
}

test_other_dids_have_other_sessions if {
	not pair.decision with input as call(customer)
		with data.directory as {"dids": {}}
		with data.sessions as {other: {customer: [{"parties": [customer, courier]}]}}
}

test_a_call_on_another_did_says_nothing if {
	sessions := {did: {customer: [{"parties": [customer, baker]}, {"parties": [customer, courier]}]}}
	elsewhere := {"did": other, "receiver_number": courier, "routed_at": now - 60, "received_at": null, "ended_at": null}
	pair.counterpart == baker with input as call(customer) with data.sessions as sessions
		with data.history as {"callers": {customer: {"calls": [elsewhere]}}}
}

test_who_was_asked_in_vain if {
	loop := {did: {customer: [{"parties": [customer, did]}]}}
	asked := pair.attempt with input as call(customer) with data.sessions as loop
		with data.directory as {"dids": {}}
	asked == {"step": "pair", "in_vain": [{"number": did, "why": "did"}]}
	not pair.attempt with input as call(customer) with data.directory as {"dids": {}}
}

# For calls that the step is no matter of, the line in routing.rego costs one read.
test_whom_it_concerns if {
	pair.concerns({}) with input as call(customer) with data.sessions as {did: {customer: [{"parties": [customer, courier]}]}}
	pair.concerns({"pairs": []}) with input as call(customer)
	pair.concerns({"no_session_to": desk}) with input as call(customer)
	not pair.concerns({}) with input as call(customer)
	not pair.concerns({"no_session_to": desk, "asked": {"pair": true}}) with input as call(customer)
}

did := "918645658689"

other := "918645658690"

customer := "9988912345"

courier := "9876543210"

baker := "9876543211"

desk := "9876543219"

now := 1763966100

call(number) := {"caller_number": number, "did": did, "time": {"unix": now}}

sessions(c) := {did: {caller: [session |
	caller := object.get(c, "caller", customer)
	some counterpart in object.get(c, "sessions", [])
	session := {
		"parties": [counterpart, caller],
		"last_ended": last_ended(c),
	}
] |
	some caller in [object.get(c, "caller", customer)]
}}

last_ended(c) := now - c.ended if c.ended

else := null

directory(c) := {"dids": object.union(
	{other: {}},
	{did: entry | some entry in [object.get(c, "entry", {})]; entry != null},
)}

# Calls of one number, as the caller (0) or as the receiver (1).
history(c, side) := {number: {"calls": [past |
	some made in object.get(c, "calls", [])
	made[side] == number
	past := {
		"did": did, "caller_number": made[0], "receiver_number": made[1],
		"routed_at": now - made[2], "received_at": null, "ended_at": null,
	}
]} |
	some number in [customer]
}

answer(c) := decision if {
	decision := pair.decision with input as call(object.get(c, "caller", customer))
		with data.directory as directory(c)
		with data.sessions as sessions(c)
		with data.history as {"callers": history(c, 0), "receivers": history(c, 1)}
}

default chosen(_) := "onward"

chosen(c) := answer(c).call_forwarding_number

chosen(c) := "reject" if answer(c).reject
