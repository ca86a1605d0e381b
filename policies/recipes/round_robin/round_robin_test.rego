package recipes.round_robin_test

import data.recipes.distribution
import data.recipes.round_robin

did := "918645658689"

history(last) := {"dids": {did: {"last_by_reason": {
	"round_robin": {"receiver_number": last},
	"sticky": {"receiver_number": "9876543212"},
}}}}

# Whose turn it is in this team after last, for this caller.
turn(team, last, caller) := answer.call_forwarding_number if {
	answer := distribution.decision with input as {"caller_number": caller, "did": did}
		with data.directory as {"dids": {did: {"team": team}}}
		with data.history as history(last)
}

team := ["9876543210", "9876543211", "9876543212"]

test_answer if {
	answer := distribution.decision with input as {"caller_number": "9988912345", "did": did}
		with data.directory as {"dids": {did: {"team": team}}}
		with data.history as history("9876543210")
	answer == {"call_forwarding_number": "9876543211", "reason": "round_robin", "tags": {}}
}

test_everybody_in_turn if {
	turn(team, "9876543210", "9988912345") == "9876543211"
	turn(team, "9876543211", "9988912345") == "9876543212"
	turn(team, "9876543212", "9988912345") == "9876543210"
}

test_the_first_call_goes_to_the_first if {
	every past in [{}, {"dids": {}}, {"dids": {did: {"last_by_reason": {}}}}] {
		"9876543210" == distribution.decision.call_forwarding_number with data.history as past
			with input as {"caller_number": "9988912345", "did": did}
			with data.directory as {"dids": {did: {"team": team}}}
	}
}

test_other_reasons_do_not_turn_the_rotation if {
	distribution.decision.call_forwarding_number == "9876543210" with input as {"caller_number": "9988912345", "did": did}
		with data.directory as {"dids": {did: {"team": team}}}
		with data.history as {"dids": {did: {"last_by_reason": {"sticky": {"receiver_number": "9876543210"}}}}}
}

test_other_dids_do_not_turn_the_rotation if {
	distribution.decision.call_forwarding_number == "9876543210" with input as {"caller_number": "9988912345", "did": "918645658690"}
		with data.directory as {"dids": {"918645658690": {"team": team}}}
		with data.history as history("9876543210")
}

test_a_removed_agent if turn(team, "9876540000", "9988912345") == "9876543210"

test_the_caller_is_passed_over if {
	turn(team, "9876543210", "9876543211") == "9876543212"
	turn(team, "9876543211", "9876543212") == "9876543210"
}

test_dids_are_passed_over if turn([did, "9876543211"], "9876543211", "9988912345") == "9876543211"

test_a_team_of_one if {
	turn(["9876543210"], "9876543210", "9988912345") == "9876543210"
	not turn(["9876543210"], "9876543210", "9876543210")
}

test_an_empty_team if not turn([], "9876543210", "9988912345")

# The directory's test refuses it; here it only must not fail.
test_a_member_listed_twice if {
	turn(["9876543210", "9876543210", "9876543211"], "9876543211", "9988912345") == "9876543210"
}

test_callers_masked_or_withheld if {
	turn(team, "9876543210", "") == "9876543211"
	turn(team, "9876543210", "anonymous") == "9876543211"
	turn(team, "9876543210", "98765xxxxx") == "9876543211"
}

test_a_did_that_is_not_in_the_directory if {
	call := {"caller_number": "9988912345", "did": did}
	not distribution.decision with input as call with data.directory as {"dids": {}} with data.history as {}
	answer := distribution.decision with input as call with data.history as history("9876543210")
		with data.directory as {"dids": {}, "default": {"team": team}}
	answer.call_forwarding_number == "9876543211"
	answer.tags == {"unknown_did": "true"}
}

# North is a team of data.directory.teams that a region or a rollout chose.
test_a_chosen_team_has_a_rotation_of_its_own if {
	past := {"dids": {did: {"last_by_reason": {
		"round_robin": {"receiver_number": "9876543210"},
		"round_robin_north": {"receiver_number": "9876543211"},
	}}}}
	answer := distribution.decision with input as {"caller_number": "9988912345", "did": did}
		with data.directory as {"dids": {did: {"team": team}}, "teams": {"north": ["9876543210", "9876543211", "9876543213"]}}
		with data.routing.team as "north"
		with data.history as past
	answer.call_forwarding_number == "9876543213"
	answer.reason == "round_robin_north"
}

test_the_order_goes_around if {
	round_robin.order == ["9876543212", "9876543210", "9876543211"] with input as {"did": did}
		with data.directory as {"dids": {did: {"team": team}}}
		with data.history as history("9876543211")
	round_robin.order == team with input as {"did": did}
		with data.directory as {"dids": {did: {"team": team}}}
		with data.history as history("9876543212")
}
