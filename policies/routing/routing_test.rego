package routing_test

import data.routing

# How the steps work together, on a small directory of its own: an edit of
# directory/data.yaml does not break these tests. What each step does alone is
# tested beside it.

did := "918645658689"

directory := {
	"dids": {did: {
		"team": ["9876543210", "9876543211"],
		"sticky_days": 30,
		"hours": {"monday": [{"from": "09:30", "to": "18:30"}]},
		"after_hours": "9876543219",
	}},
	"blocklist": {"numbers": {"9876500000": "nuisance"}},
}

at(clock) := {
	"unix": 1763952000,
	"zone": "Asia/Kolkata",
	"date": "2025-11-24",
	"weekday": "monday",
	"clock": clock,
}

call(caller, clock) := {"caller_number": caller, "did": did, "time": at(clock)}

# 9988912345 talked to the second of the team an hour ago; it is the second's
# turn as well, unless the rotation stands elsewhere.
history := {
	"callers": {"9988912345": {"calls": [{
		"did": did,
		"status": "answered",
		"receiver_number": "9876543211",
		"routed_at": 1763948400,
		"received_at": 1763948400,
		"ended_at": 1763948460,
	}]}},
	"dids": {did: {"last_by_reason": {"round_robin": {"receiver_number": "9876543211"}}}},
}

decided(caller, clock) := decision if {
	decision := routing.decision with input as call(caller, clock)
		with data.directory as directory
		with data.history as history
}

test_a_new_caller_reaches_the_next_in_turn if {
	decision := decided("9988900000", "12:00")
	decision.call_forwarding_number == "9876543210"
	decision.reason == "round_robin"
}

test_a_known_caller_reaches_the_same_person if {
	decision := decided("9988912345", "12:00")
	decision.call_forwarding_number == "9876543211"
	decision.reason == "sticky"
}

test_closed_goes_before_sticky if {
	decision := decided("9988912345", "18:30")
	decision.call_forwarding_number == "9876543219"
	decision.reason == "after_hours"
}

test_blocked_goes_before_closed if {
	decided("9876500000", "12:00").reason == "blocked"
	decided("9876500000", "18:30").reason == "blocked"
}

test_the_after_hours_person_reaches_the_team if {
	decision := decided("9876543219", "23:00")
	decision.reason == "round_robin"
}

test_a_withheld_number_is_routed if decided("", "12:00").reason == "round_robin"

test_the_one_whose_turn_it_is_calls if {
	decided("9876543210", "12:00").call_forwarding_number == "9876543211"
}

test_an_unlisted_did_is_left_to_the_fallback if {
	not routing.decision with input as object.union(call("9988912345", "12:00"), {"did": "919999999999"})
		with data.directory as directory
		with data.history as history
}

test_an_unlisted_did_has_the_default_entry if {
	decision := routing.decision with input as object.union(call("9988912345", "12:00"), {"did": "919999999999"})
		with data.directory as object.union(directory, {"default": {"team": ["9876543215"]}})
		with data.history as history
	decision == {
		"call_forwarding_number": "9876543215",
		"reason": "round_robin",
		"tags": {"unknown_did": "true"},
	}
}

test_an_empty_team_is_left_to_the_fallback if {
	not routing.decision with input as call("9988912345", "12:00")
		with data.directory as {"dids": {did: {"team": []}}}
		with data.history as history
}

# The order, with every step configured: each row is what is true of a call, and
# the reason of the answer. To see what would happen to another call, add a row.
order := {
	"nothing special": {"want": "round_robin"},
	"known": {"known": true, "want": "sticky"},
	"known, but not answered just now": {"known": true, "tried": true, "want": "redial"},
	"closed, not answered just now": {"tried": true, "clock": "23:00", "want": "after_hours"},
	"an agent who missed a call": {"caller": "9876543210", "missed": true, "want": "missed_call"},
	"an agent who missed a call, closed": {"caller": "9876543210", "missed": true, "clock": "23:00", "want": "missed_call"},
	"an agent in a session": {"caller": "9876543210", "missed": true, "session": true, "want": "pair"},
	"in a session": {"known": true, "session": true, "clock": "23:00", "want": "pair"},
	"a VIP": {"known": true, "vip": true, "want": "vip"},
	"a VIP, closed": {"vip": true, "clock": "23:00", "want": "after_hours"},
	"a VIP in a session": {"session": true, "vip": true, "want": "vip"},
	"a VIP, overridden": {"vip": true, "override": true, "want": "override"},
	"overridden, closed": {"override": true, "clock": "23:00", "want": "override"},
	"calls too often": {"often": true, "override": true, "want": "velocity"},
	"a VIP who calls too often": {"often": true, "vip": true, "want": "vip"},
	"blocked": {"blocked": true, "override": true, "session": true, "want": "blocked"},
	"blocked, and calls too often": {"blocked": true, "often": true, "want": "blocked"},
	"a VIP who is blocked": {"blocked": true, "vip": true, "want": "vip"},
	"everyone is on a break": {"away": true, "want": "overflow"},
	"known, everyone is on a break": {"known": true, "away": true, "want": "overflow"},
	"everyone is on a break, closed": {"away": true, "clock": "23:00", "want": "after_hours"},
	"of a region": {"region": true, "want": "round_robin_north"},
	"of a rollout": {"rollout": true, "want": "round_robin_newcomers"},
	"of both": {"region": true, "rollout": true, "want": "round_robin_north"},
}

test_order[name] if {
	some name, c in order
	reason(c) == c.want
}

reason(c) := decision.reason if {
	caller := object.get(c, "caller", "9988912345")
	decision := routing.decision with input as object.union(
		call(caller, object.get(c, "clock", "12:00")),
		{"bucket": 0, "caller_bucket": 0},
	)
		with data.directory as {
			"dids": {did: object.union(
				object.remove(directory.dids[did], ["sticky_days"]),
				{
					"sticky_days": 30, "redial": true, "missed_call": true, "overflow": "9876543218",
					"velocity": {"calls": 3, "minutes": 10},
					"regions": {"99": "north" | c.region},
					"rollout": {"team": "newcomers", "percent": percent(c)},
				},
			)},
			"teams": {"north": ["9876543213"], "newcomers": ["9876543214"]},
			"vip": {caller: {"to": "9876543215"} | c.vip},
			"blocklist": {"numbers": {caller: "nuisance" | c.blocked}},
		}
		with data.facts as {
			"override": {did: "9876543216" | c.override},
			"paused": {number: true | c.away; some number in ["9876543210", "9876543211"]},
		}
		with data.sessions as {did: {caller: [{"parties": [caller, "9988912349"]} | c.session]}}
		with data.history as {
			"callers": {
				caller: {"calls": array.concat(
					array.concat(
						[past(caller, "9876543219", "answered", ago) | c.often; some ago in [30, 60, 90]],
						[past(caller, "9876543210", "notanswered", 60) | c.tried],
					),
					[past(caller, "9876543211", "answered", 3600) | c.known],
				)},
				"9988912348": {"calls": []},
			},
			"receivers": {"9876543210": {"calls": [past("9988912348", "9876543210", "notanswered", 600) | c.missed]}},
		}
}

percent(c) := 100 if c.rollout

else := 0

past(caller, receiver, status, ago) := {
	"did": did, "caller_number": caller, "receiver_number": receiver, "status": status,
	"routed_at": 1763952000 - ago, "received_at": null, "ended_at": null,
}
