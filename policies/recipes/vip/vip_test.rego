package recipes.vip_test

import data.recipes.vip

# A row: the caller's entry in the list of all DIDs, or in that of this DID; who
# is on a break; whether the DID is closed; and whom the call reaches, "onward"
# where the step has no answer.
cases := {
	"not listed": {"want": "onward"},
	"the account manager": {"all": {"to": asha}, "want": asha},
	"on this DID": {"here": {"to": asha}, "want": asha},
	"this DID before all": {"here": {"to": asha}, "all": {"to": ravi}, "want": asha},
	"the backup": {"all": {"to": asha, "backup": ravi}, "paused": [asha], "want": ravi},
	"no backup": {"all": {"to": asha}, "paused": [asha], "want": "onward"},
	"both on a break": {"all": {"to": asha, "backup": ravi}, "paused": [asha, ravi], "want": "onward"},
	"the backup is not needed": {"all": {"to": asha, "backup": ravi}, "paused": [ravi], "want": asha},
	"closed": {"all": {"to": asha}, "closed": true, "want": "onward"},
	"closed, always open": {"all": {"to": asha, "always_open": true}, "closed": true, "want": asha},
	"closed, always_open is false": {"all": {"to": asha, "always_open": false}, "closed": true, "want": "onward"},
	"the caller is the receiver": {"all": {"to": caller, "backup": ravi}, "want": ravi},
	"the receiver is a DID": {"all": {"to": other, "backup": ravi}, "want": ravi},
	"the receiver is the called DID": {"all": {"to": did}, "want": "onward"},
	"busy": {"all": {"to": asha, "backup": ravi}, "busy": [asha], "want": ravi},
	"everyone is busy": {"all": {"to": asha, "backup": ravi}, "busy": [asha, ravi], "want": "onward"},
	"a caller without a number": {"caller": "", "all": {"to": asha}, "want": "onward"},
	"a masked caller": {"caller": "99889xxxxx", "want": "onward"},
	"anonymous": {"caller": "anonymous", "want": "onward"},
}

test_vip[name] if {
	some name, c in cases
	chosen(c) == c.want
}

test_answer if {
	told := vip.decision with input as call(caller)
		with data.directory as {"dids": {did: {}}, "vip": {caller: {"to": asha}}}
	told == {"call_forwarding_number": asha, "reason": "vip", "tags": {}}
}

test_a_did_that_is_not_in_the_directory if {
	told := vip.decision with input as call(caller)
		with data.directory as {"dids": {}, "vip": {caller: {"to": asha}}}
	told.call_forwarding_number == asha
	told.tags == {"unknown_did": "true"}
}

# Who is passed over, and why.
passed := {
	"nobody": {"all": {"to": asha, "backup": ravi}, "want": []},
	"the backup, who was not needed": {"all": {"to": asha, "backup": ravi}, "paused": [ravi], "want": []},
	"the person": {"all": {"to": asha, "backup": ravi}, "paused": [asha], "want": [{"number": asha, "why": "paused"}]},
}

test_skipped[name] if {
	some name, c in passed
	object.get(answer(c), "skipped", []) == c.want
}

test_both_were_asked_in_vain if {
	attempt({"all": {"to": asha, "backup": ravi}, "paused": [asha], "busy": [ravi]}) == {
		"step": "vip",
		"in_vain": [{"number": asha, "why": "paused"}, {"number": ravi, "why": "busy"}],
	}
}

test_nobody_was_asked if {
	attempt({"all": {"to": asha}, "closed": true, "paused": [asha]}) == "none"
	attempt({}) == "none"
}

test_it_is_not_asked_twice if {
	not vip.in_list({"vip": {caller: {"to": asha}}, "asked": {"vip": true}}) with input as call(caller)
	not vip.in_list({"asked": {"vip": true}}) with input as call(caller) with data.directory.vip as {caller: {"to": asha}}
}

did := "918645658689"

other := "918645658690"

caller := "9988912345"

asha := "9876543210"

ravi := "9876543211"

now := 1763966100

# Monday, 2025-11-24, 12:05.
call(number) := {
	"caller_number": number,
	"did": did,
	"time": {"unix": now, "zone": "Asia/Kolkata", "date": "2025-11-24", "weekday": "monday", "clock": "12:05"},
}

hours := {true: {"sunday": [{"from": "09:30", "to": "18:30"}]}, false: {"monday": [{"from": "09:30", "to": "18:30"}]}}

directory(c) := {
	"vip": list(c, "all"),
	"dids": {
		did: {"vip": list(c, "here"), "max_concurrent": 1, "hours": hours[object.get(c, "closed", false)]},
		other: {},
	},
}

list(c, field) := {object.get(c, "caller", caller): c[field]} if c[field]

else := {}

facts(c) := {"paused": {number: true | some number in object.get(c, "paused", [])}}

history(c) := {"receivers": {number: profile |
	some number in object.get(c, "busy", [])
	profile := {"in_flight": 1, "calls": [{"status": "in_flight", "routed_at": now - 60}]}
}}

answer(c) := decision if {
	decision := vip.decision with input as call(object.get(c, "caller", caller))
		with data.directory as directory(c)
		with data.facts as facts(c)
		with data.history as history(c)
}

default chosen(_) := "onward"

chosen(c) := answer(c).call_forwarding_number

default attempt(_) := "none"

attempt(c) := asked if {
	asked := vip.attempt with input as call(caller)
		with data.directory as directory(c)
		with data.facts as facts(c)
		with data.history as history(c)
}
