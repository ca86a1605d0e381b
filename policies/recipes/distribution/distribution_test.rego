package recipes.distribution_test

import data.recipes.distribution

# A row: the mode, what else matters, and whom the call reaches of asha, ravi and
# meena, in the order of the list; "onward" where the step has no answer.
#   last      the receiver of the rotation's last call
#   paused    who is on a break
#   missed    who has missed three calls in a row, a minute ago (auto_pause is on)
#   chosen    a team that a region or a rollout chose
cases := {
	"round robin is the default": {"last": asha, "want": ravi},
	"round robin, the first call": {"mode": "round_robin", "want": asha},
	"round robin, in turn": {"mode": "round_robin", "last": ravi, "want": meena},
	"round robin, around": {"mode": "round_robin", "last": meena, "want": asha},
	"round robin, a removed agent": {"mode": "round_robin", "last": gone, "want": asha},
	"round robin, one on a break": {"mode": "round_robin", "last": asha, "paused": [ravi], "want": meena},
	"round robin, around two on a break": {"mode": "round_robin", "last": asha, "paused": [ravi, meena], "want": asha},
	"round robin, the caller's turn": {"mode": "round_robin", "last": asha, "caller": ravi, "want": meena},
	"round robin, a DID's turn": {"mode": "round_robin", "team": [other, ravi], "want": ravi},
	"round robin, nobody": {"mode": "round_robin", "team": [], "want": "onward"},
	"round robin, all on a break": {"mode": "round_robin", "paused": [asha, ravi, meena], "want": "onward"},
	"round robin, all missed calls": {"mode": "round_robin", "last": asha, "missed": [asha, ravi, meena], "want": ravi},
	"round robin, some missed calls": {"mode": "round_robin", "last": asha, "missed": [ravi, meena], "want": asha},
	"round robin, the rest is on a break": {"mode": "round_robin", "last": asha, "missed": [ravi, meena], "paused": [asha], "want": ravi},
	"round robin, a team of one": {"mode": "round_robin", "team": [asha], "last": asha, "want": asha},
	"round robin, a team of one who calls": {"mode": "round_robin", "team": [asha], "caller": asha, "want": "onward"},
	"round robin, a chosen team": {"mode": "round_robin", "last": ravi, "chosen": "north", "want": lata},
	"fixed": {"mode": "fixed", "last": asha, "want": asha},
	"fixed, the first on a break": {"mode": "fixed", "paused": [asha], "want": ravi},
	"fixed, all on a break": {"mode": "fixed", "paused": [asha, ravi, meena], "want": "onward"},
	"fixed, the caller is the first": {"mode": "fixed", "caller": asha, "want": ravi},
	"fixed, a chosen team": {"mode": "fixed", "chosen": "north", "want": lata},
	"fixed, nobody": {"mode": "fixed", "team": [], "want": "onward"},
	"fixed, a caller without a number": {"mode": "fixed", "caller": "", "want": asha},
	"fixed, a masked caller": {"mode": "fixed", "caller": "99889xxxxx", "want": asha},
	"least busy, nobody ever called": {"mode": "least_busy", "want": asha},
	"least busy, the first on a break": {"mode": "least_busy", "paused": [asha], "want": ravi},
	"least busy, all on a break": {"mode": "least_busy", "paused": [asha, ravi, meena], "want": "onward"},
	"least busy, nobody": {"mode": "least_busy", "team": [], "want": "onward"},
	"percent, equal parts": {"mode": "percent", "want": asha},
	"percent, nobody": {"mode": "percent", "team": [], "want": "onward"},
	"percent, all on a break": {"mode": "percent", "paused": [asha, ravi, meena], "want": "onward"},
	"an unknown mode is round robin": {"mode": "fastest", "last": asha, "want": ravi},
	"not in the directory": {"entry": null, "want": "onward"},
}

test_distribution[name] if {
	some name, c in cases
	chosen(c) == c.want
}

reasons := {
	"the default": {"want": "round_robin"},
	"round robin": {"mode": "round_robin", "want": "round_robin"},
	"a chosen team's rotation": {"mode": "round_robin", "chosen": "north", "want": "round_robin_north"},
	"fixed": {"mode": "fixed", "want": "fixed"},
	"least busy": {"mode": "least_busy", "want": "least_busy"},
	"percent": {"mode": "percent", "chosen": "north", "want": "percent"},
}

test_reasons[name] if {
	some name, c in reasons
	answer(c).reason == c.want
}

passed := {
	"nobody": {"last": asha, "paused": [asha], "want": []},
	"nobody, fixed": {"mode": "fixed", "paused": [ravi], "want": []},
	"one": {"last": asha, "paused": [ravi], "want": [{"number": ravi, "why": "paused"}]},
	"fixed": {"mode": "fixed", "caller": asha, "paused": [ravi], "want": [
		{"number": asha, "why": "caller"},
		{"number": ravi, "why": "paused"},
	]},
	"the rest missed calls": {"last": asha, "missed": [asha, ravi, meena], "want": [
		{"number": meena, "why": "auto_paused"},
		{"number": asha, "why": "auto_paused"},
	]},
	"no team": {"team": [], "want": []},
}

test_skipped[name] if {
	some name, c in passed
	skipped(c) == c.want
}

test_all_were_passed_over if {
	distribution.passed == [{"number": ravi, "why": "paused"}, {"number": asha, "why": "caller"}] with input as call(asha)
		with data.directory as {"dids": {did: {"team": [ravi, asha]}}}
		with data.facts.paused as {ravi: true}
}

test_the_default_entry if {
	unlisted := distribution.decision with input as call(caller)
		with data.directory as {"dids": {}, "default": {"team": [asha]}}
	unlisted == {"call_forwarding_number": asha, "reason": "round_robin", "tags": {"unknown_did": "true"}}
}

test_other_reasons_and_dids_do_not_turn_the_rotation if {
	distribution.decision.call_forwarding_number == asha with input as call(caller)
		with data.directory as {"dids": {did: {"team": [asha, ravi]}}}
		with data.history.dids as {
			did: {"last_by_reason": {"sticky": {"receiver_number": asha}}},
			other: {"last_by_reason": {"round_robin": {"receiver_number": asha}}},
		}
}

# The directory's test refuses it; here it only must not fail.
test_a_member_listed_twice if {
	chosen({"team": [asha, asha, ravi], "last": ravi, "want": ""}) == asha
}

now := 1763966100

did := "918645658689"

other := "918645658690"

caller := "9988912345"

asha := "9876543210"

ravi := "9876543211"

meena := "9876543212"

lata := "9876543213"

gone := "9876540000"

call(number) := {
	"caller_number": number, "did": did, "bucket": 0, "caller_bucket": 0,
	"time": {"unix": now, "date": "2025-11-24"},
}

entries(c) := {other: {}} if c.entry == null

else := {other: {}, did: object.union(
	{"team": object.get(c, "team", [asha, ravi, meena]), "auto_pause": true},
	{"distribution": {"mode": c.mode} | c.mode},
)}

history(c) := {
	"dids": {did: {"last_by_reason": {"round_robin": {"receiver_number": object.get(c, "last", "nobody")}}}},
	"receivers": {number: {"unanswered_streak": 3, "calls": [{
		"status": "notanswered", "routed_at": now - 60, "received_at": null, "ended_at": null,
	}]} |
		some number in object.get(c, "missed", [])
	},
}

answer(c) := decision if {
	decision := distribution.decision with input as call(object.get(c, "caller", caller))
		with data.directory as {"dids": entries(c), "teams": {"north": [lata, ravi]}}
		with data.facts.paused as {number: true | some number in object.get(c, "paused", [])}
		with data.history as history(c)
		with data.routing.team as object.get(c, "chosen", "")
}

default chosen(_) := "onward"

chosen(c) := answer(c).call_forwarding_number

default skipped(_) := []

skipped(c) := answer(c).skipped
