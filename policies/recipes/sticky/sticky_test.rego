package recipes.sticky_test

import data.recipes.sticky

now := 1763802300

did := "918645658689"

entry := {"team": ["9876543210", "9876543211"], "sticky_days": 30}

call(caller) := {"caller_number": caller, "did": did, "time": {"unix": now}}

ended(receiver, ago) := {
	"did": did,
	"status": "answered",
	"receiver_number": receiver,
	"routed_at": now - ago,
	"received_at": now - ago,
	"ended_at": now - ago,
}

day := 86400

# The receiver chosen for a caller with these earlier calls, newest first.
chosen(calls) := answer.call_forwarding_number if {
	answer := sticky.decision with input as call("9988912345")
		with data.directory as {"dids": {did: entry}}
		with data.history as {"callers": {"9988912345": {"calls": calls}}}
}

test_the_same_person_again if {
	answer := sticky.decision with input as call("9988912345")
		with data.directory as {"dids": {did: entry}}
		with data.history as {"callers": {"9988912345": {"calls": [ended("9876543211", 60)]}}}
	answer == {"call_forwarding_number": "9876543211", "reason": "sticky", "tags": {}}
}

test_the_newest_answered_call_counts if {
	chosen([ended("9876543211", day), ended("9876543210", 2 * day)]) == "9876543211"
}

test_calls_that_were_not_answered_do_not_count if {
	missed := object.union(ended("9876543210", 60), {"status": "notanswered"})
	ringing := object.union(ended("9876543210", 30), {"status": "in_flight", "ended_at": null})
	chosen([ringing, missed, ended("9876543211", day)]) == "9876543211"
	not chosen([ringing, missed])
}

test_calls_on_other_dids_do_not_count if {
	other := object.union(ended("9876543210", 60), {"did": "918645658690"})
	chosen([other, ended("9876543211", day)]) == "9876543211"
	not chosen([other])
}

test_within_sticky_days if {
	chosen([ended("9876543211", 30 * day)]) == "9876543211"
	not chosen([ended("9876543211", (30 * day) + 1)])
}

test_an_older_call_does_not_step_in_for_the_newest if {
	not chosen([ended("9876540000", day), ended("9876543211", 2 * day)])
}

test_times_may_be_unknown if {
	orphan := object.union(ended("9876543211", 60), {"routed_at": null, "ended_at": null})
	chosen([orphan]) == "9876543211"
	undated := object.union(orphan, {"received_at": null})
	not chosen([undated])
}

test_a_removed_agent if not chosen([ended("9876540000", 60)])

test_a_masked_receiver if not chosen([ended("98765xxxxx", 60)])

test_off_without_sticky_days if {
	calls := {"callers": {"9988912345": {"calls": [ended("9876543211", 60)]}}}
	not sticky.decision with input as call("9988912345") with data.history as calls
		with data.directory as {"dids": {did: {"team": entry.team}}}
	not sticky.decision with input as call("9988912345") with data.history as calls
		with data.directory as {"dids": {did: {"team": entry.team, "sticky_days": 0}}}
}

test_last_answered_saves_reading_the_calls if {
	sticky.receiver == "9876543211" with input as call("9988912345")
		with data.directory as {"dids": {did: entry}}
		with data.history as {"callers": {"9988912345": {"calls": [], "last_answered": ended("9876543211", 60)}}}
}

test_last_answered_on_another_did if {
	other := object.union(ended("9876543210", 60), {"did": "918645658690"})
	profile := {"calls": [other, ended("9876543211", day)], "last_answered": other}
	sticky.receiver == "9876543211" with input as call("9988912345")
		with data.directory as {"dids": {did: entry}}
		with data.history as {"callers": {"9988912345": profile}}
}

test_the_caller_is_the_receiver if {
	not sticky.decision with input as call("9876543211")
		with data.directory as {"dids": {did: entry}}
		with data.history as {"callers": {"9876543211": {"calls": [ended("9876543211", 60)]}}}
}

test_the_receiver_is_a_did if {
	dids := {did: {"team": ["918645658690"], "sticky_days": 30}, "918645658690": entry}
	not sticky.decision with input as call("9988912345")
		with data.directory as {"dids": dids}
		with data.history as {"callers": {"9988912345": {"calls": [ended("918645658690", 60)]}}}
}

test_callers_never_seen_masked_or_withheld if {
	history := {"callers": {"9988912345": {"calls": [ended("9876543211", 60)]}}}
	every caller in ["9988900000", "99889xxxxx", "anonymous", ""] {
		not sticky.decision with input as call(caller) with data.history as history
			with data.directory as {"dids": {did: entry}}
	}
}

test_a_did_that_is_not_in_the_directory if {
	history := {"callers": {"9988912345": {"calls": [ended("9876543211", 60)]}}}
	not sticky.decision with input as call("9988912345") with data.history as history
		with data.directory as {"dids": {}}
	answer := sticky.decision with input as call("9988912345") with data.history as history
		with data.directory as {"dids": {}, "default": entry}
	answer.tags == {"unknown_did": "true"}
}

# A row: what stands against the receiver, and whether they are asked in vain.
against := {
	"nothing": {"entry": {}, "want": "nobody"},
	"on a break": {"paused": true, "want": "paused"},
	"back from a break": {"paused": false, "want": "nobody"},
	"busy": {"entry": {"max_concurrent": 1}, "profile": talking, "want": "busy"},
	"not limited": {"entry": {}, "profile": talking, "want": "nobody"},
	"writing up the last call": {"entry": {"wrapup_seconds": 60}, "profile": {"last_answered": {"ended_at": now}}, "want": "nobody"},
	"left the team": {"entry": {"team": ["9876543210"]}, "paused": true, "want": "nobody"},
}

test_availability[name] if {
	some name, c in against
	in_vain(c) == c.want
}

talking := {"in_flight": 1, "calls": [{"status": "in_flight", "routed_at": now - 60}]}

default in_vain(_) := "nobody"

in_vain(c) := asked.in_vain[0].why if {
	asked := sticky.attempt with input as call("9988912345")
		with data.directory as {"dids": {did: object.union(entry, object.get(c, "entry", {}))}}
		with data.facts.paused as {"9876543211": object.get(c, "paused", false)}
		with data.history as {
			"callers": {"9988912345": {"calls": [ended("9876543211", 60)]}},
			"receivers": {"9876543211": object.get(c, "profile", {})},
		}
}

# Region or rollout may have moved the caller to another team.
test_the_chosen_team_counts if {
	history := {"callers": {"9988912345": {"calls": [ended("9876543211", 60)]}}}
	every name, members in {"same": ["9876543211"], "other": ["9876543210"]} {
		stays := name == "same"
		answered := stuck(history, {name: members}, name)
		answered == stays
	}
}

default stuck(_, _, _) := false

stuck(history, teams, chosen) if {
	sticky.decision with input as call("9988912345")
		with data.directory as {"dids": {did: entry}, "teams": teams}
		with data.routing.team as chosen
		with data.history as history
}
