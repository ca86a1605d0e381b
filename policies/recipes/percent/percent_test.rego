package recipes.percent_test

import data.recipes.distribution

# A row: the shares of asha, ravi and meena in percent, the bucket (0-9999), who is
# on a break, and whom the call reaches.
cases := {
	"the first": {"shares": [50, 30, 20], "bucket": 0, "want": asha},
	"the last of the first": {"shares": [50, 30, 20], "bucket": 4999, "want": asha},
	"the first of the second": {"shares": [50, 30, 20], "bucket": 5000, "want": ravi},
	"the last of the second": {"shares": [50, 30, 20], "bucket": 7999, "want": ravi},
	"the first of the third": {"shares": [50, 30, 20], "bucket": 8000, "want": meena},
	"the last": {"shares": [50, 30, 20], "bucket": 9999, "want": meena},
	"half a percent": {"shares": [0.5, 0.5, 99], "bucket": 49, "want": asha},
	"the second half": {"shares": [0.5, 0.5, 99], "bucket": 50, "want": ravi},
	"all for one": {"shares": [0, 100, 0], "bucket": 0, "want": ravi},
	"all for one, who is on a break": {"shares": [0, 100, 0], "bucket": 0, "paused": [ravi], "want": "onward"},
	"no share, no call": {"shares": [50, 0, 50], "bucket": 0, "paused": [asha], "want": meena},
	"the next takes over": {"shares": [50, 30, 20], "bucket": 0, "paused": [asha], "want": ravi},
	"around the list": {"shares": [50, 30, 20], "bucket": 9999, "paused": [meena], "want": asha},
	"others keep theirs": {"shares": [50, 30, 20], "bucket": 8000, "paused": [asha], "want": meena},
	"the sum is short": {"shares": [10, 10, 10], "bucket": 9999, "want": asha},
	"equal parts, the first": {"bucket": 3333, "want": asha},
	"equal parts, the second": {"bucket": 3334, "want": ravi},
	"equal parts, the last": {"bucket": 9999, "want": meena},
}

test_percent[name] if {
	some name, c in cases
	chosen(c) == c.want
}

test_the_caller_or_the_call if {
	by_caller := object.union(call(9999), {"caller_bucket": 0})
	distribution.decision.call_forwarding_number == asha with input as by_caller with data.directory as {"dids": {did: entry({"shares": [50, 50, 0]})}}
	by_call := object.union(call(0), {"bucket": 9999})
	distribution.decision.call_forwarding_number == ravi with input as by_call
		with data.directory as {"dids": {did: {
			"team": team,
			"distribution": {"mode": "percent", "key": "call", "weights": {asha: 50, ravi: 50}},
		}}}
}

test_a_removed_agent_leaves_their_share_to_the_first if {
	entry := {"team": [asha, meena], "distribution": {"mode": "percent", "weights": {asha: 50, ravi: 30, meena: 20}}}
	distribution.decision.call_forwarding_number == meena with input as call(6999) with data.directory as {"dids": {did: entry}}
	distribution.decision.call_forwarding_number == asha with input as call(7000) with data.directory as {"dids": {did: entry}}
}

test_a_chosen_team_without_shares_has_equal_ones if {
	distribution.decision.call_forwarding_number == "9876543213" with input as call(9999)
		with data.directory as {"dids": {did: entry({"shares": [50, 30, 20]})}, "teams": {"north": ["9876543214", "9876543213"]}}
		with data.routing.team as "north"
}

test_a_did_that_is_not_in_the_directory if {
	not distribution.decision with input as call(0) with data.directory as {"dids": {}}
	answer := distribution.decision with input as call(0)
		with data.directory as {"dids": {}, "default": entry({"shares": [100, 0, 0]})}
	answer == {"call_forwarding_number": asha, "reason": "percent", "tags": {"unknown_did": "true"}}
}

did := "918645658689"

asha := "9876543210"

ravi := "9876543211"

meena := "9876543212"

team := [asha, ravi, meena]

call(bucket) := {"caller_number": "9988912345", "did": did, "caller_bucket": bucket, "bucket": bucket}

entry(c) := {"team": team, "distribution": {
	"mode": "percent",
	"weights": {number: share | some i, number in team; share := c.shares[i]},
}}

default chosen(_) := "onward"

chosen(c) := number if {
	number := distribution.decision.call_forwarding_number with input as call(c.bucket)
		with data.directory as {"dids": {did: entry(c)}}
		with data.facts.paused as {number: true | some number in object.get(c, "paused", [])}
}
