package recipes.skipped_test

import data.routing

# How a call goes on after a step asked for somebody in vain. A row: who is on a
# break; what the DID's entry and the directory add; whom the call reaches, for
# which reason; and who was skipped, in order. The caller talked to asha lately,
# and meena is next in turn.
cases := {
	"sticky": {"want": [asha, "sticky"], "skipped": []},
	"sticky in vain": {"paused": [asha], "want": [meena, "round_robin"], "skipped": [asha]},
	"sticky and the next in turn": {"paused": [asha, meena], "want": [ravi, "round_robin"], "skipped": [asha, meena]},
	"a VIP": {"vip": {"to": lata}, "want": [lata, "vip"], "skipped": []},
	"a VIP's backup": {"vip": {"to": lata, "backup": ravi}, "paused": [lata], "want": [ravi, "vip"], "skipped": [lata]},
	"a VIP in vain": {"vip": {"to": lata}, "paused": [lata], "want": [asha, "sticky"], "skipped": [lata]},
	"a VIP here": {"here": {"to": lata}, "paused": [lata], "want": [asha, "sticky"], "skipped": [lata]},
	"a VIP and sticky in vain": {
		"vip": {"to": lata, "backup": gita}, "paused": [lata, gita, asha],
		"want": [meena, "round_robin"], "skipped": [lata, gita, asha],
	},
	"an override in vain": {"override": caller, "want": [asha, "sticky"], "skipped": [caller]},
	"an override and a VIP in vain": {
		"override": caller, "vip": {"to": lata}, "paused": [lata],
		"want": [asha, "sticky"], "skipped": [caller, lata],
	},
	"a loop in a pair": {"session": did, "want": [asha, "sticky"], "skipped": [did]},
	"everything in vain": {
		"override": caller, "vip": {"to": lata, "always_open": true}, "session": did, "closed": true, "after_hours": other,
		"tried": [asha, ravi], "paused": [lata, meena, asha],
		"want": [ravi, "round_robin"], "skipped": [caller, lata, did, other, asha, ravi, meena],
	},
	"redial": {"tried": [asha], "want": [ravi, "redial"], "skipped": [asha]},
	"redial in vain, to the overflow": {
		"tried": [asha], "paused": [ravi, meena, asha], "overflow": gita,
		"want": [gita, "overflow"], "skipped": [asha, ravi, meena],
	},
	"a VIP in vain, after hours": {
		"vip": {"to": lata, "always_open": true}, "paused": [lata], "closed": true,
		"want": [gita, "after_hours"], "skipped": [lata],
	},
	"the after-hours person is a DID": {
		"closed": true, "after_hours": other,
		"want": [asha, "sticky"], "skipped": [other],
	},
	"a VIP, then a pair": {"vip": {"to": lata}, "paused": [lata], "session": gita, "want": [gita, "pair"], "skipped": [lata]},
	"nobody": {"paused": [asha, ravi, meena], "want": ["", ""], "skipped": []},
	"not in the directory, a session": {"listed": false, "session": gita, "want": [gita, "pair"], "skipped": []},
	"not in the directory, a loop": {"listed": false, "session": did, "want": ["", ""], "skipped": []},
}

test_who_answers[name] if {
	some name, c in cases
	[decided(c).call_forwarding_number, decided(c).reason] == c.want
}

test_who_was_skipped[name] if {
	some name, c in cases
	[person.number | some person in object.get(decided(c), "skipped", [])] == c.skipped
}

test_the_reason_is_told if {
	decided({"paused": [asha]}).skipped == [{"number": asha, "why": "paused"}]
}

test_an_answer_is_whole if {
	decided({"vip": {"to": lata}, "paused": [lata]}) == {
		"call_forwarding_number": asha,
		"reason": "sticky",
		"tags": {},
		"skipped": [{"number": lata, "why": "paused"}],
	}
}

# A caller who is blocked is blocked, whoever was asked for.
test_a_rejection_has_nobody_to_skip if {
	decided({"paused": [asha], "blocked": true}) == {"reject": true, "reason": "blocked"}
}

now := 1763966100

did := "918645658689"

other := "918645658690"

caller := "9988912345"

asha := "9876543210"

ravi := "9876543211"

meena := "9876543212"

lata := "9876543213"

gita := "9876543219"

hours := {true: {"sunday": [{"from": "09:30", "to": "18:30"}]}, false: {"monday": [{"from": "09:30", "to": "18:30"}]}}

directory(c) := {
	"dids": object.union({other: {}}, {did: given({
		"team": [asha, ravi, meena], "sticky_days": 30, "redial": true, "after_hours": object.get(c, "after_hours", gita),
		"hours": hours[object.get(c, "closed", false)],
		"overflow": object.get(c, "overflow", null),
		"vip": one(caller, object.get(c, "here", null)),
	}) |
		object.get(c, "listed", true)
	}),
	"vip": one(caller, object.get(c, "vip", null)),
	"blocklist": {"numbers": {caller: "nuisance" | c.blocked}},
}

given(fields) := {name: value | some name, value in fields; value != null}

one(key, value) := {k: value | some k in [key]; value != null}

call(receiver, status, ago) := {
	"did": did, "receiver_number": receiver, "status": status,
	"routed_at": now - ago, "received_at": null, "ended_at": null,
}

history(c) := {
	"callers": {caller: {"calls": array.concat(
		[call(number, "notanswered", 60) | some number in object.get(c, "tried", [])],
		[call(asha, "answered", 3600)],
	)}},
	"dids": {did: {"last_by_reason": {"round_robin": {"receiver_number": ravi}}}},
}

default decided(_) := {"call_forwarding_number": "", "reason": ""}

decided(c) := decision if {
	decision := routing.decision with input as {
		"caller_number": caller, "did": did,
		"time": {"unix": now, "zone": "Asia/Kolkata", "date": "2025-11-24", "weekday": "monday", "clock": "12:05"},
	}
		with data.directory as directory(c)
		with data.facts as {
			"paused": {number: true | some number in object.get(c, "paused", [])},
			"override": one(did, object.get(c, "override", null)),
		}
		with data.sessions as {did: {caller: [{"parties": [caller, party]} | some party in [c.session]]}}
		with data.history as history(c)
}
