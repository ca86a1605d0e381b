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
