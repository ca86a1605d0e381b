package recipes.rollout_test

import data.recipes.rollout

# A row: the caller's bucket (0-9999), the percentage, and the team.
cases := {
	"nobody": {"bucket": 0, "percent": 0, "want": "own"},
	"everybody": {"bucket": 9999, "percent": 100, "want": "new"},
	"the first": {"bucket": 0, "percent": 10, "want": "new"},
	"the last who is in": {"bucket": 999, "percent": 10, "want": "new"},
	"the first who is not": {"bucket": 1000, "percent": 10, "want": "own"},
	"half a percent, in": {"bucket": 49, "percent": 0.5, "want": "new"},
	"half a percent, out": {"bucket": 50, "percent": 0.5, "want": "own"},
}

test_rollout[name] if {
	some name, c in cases
	team(c.bucket, {"rollout": {"percent": c.percent, "team": "new"}}) == c.want
}

test_off if team(0, {"team": []}) == "own"

test_without_a_team if team(0, {"rollout": {"percent": 100}}) == "own"

test_a_did_that_is_not_in_the_directory if {
	entry := {"rollout": {"percent": 10, "team": "new"}}
	not rollout.team with input as call(0) with data.directory as {"dids": {}}
	rollout.team == "new" with input as call(0) with data.directory as {"dids": {}, "default": entry}
}

# Their bucket is that of the call: a share of the calls, then, which is right too.
test_callers_without_a_number_have_a_bucket_too if {
	rollout.team == "new" with input as object.union(call(7), {"caller_number": ""})
		with data.directory as {"dids": {did: {"rollout": {"percent": 10, "team": "new"}}}}
}

did := "918645658689"

call(bucket) := {"caller_number": "9988912345", "did": did, "caller_bucket": bucket, "bucket": 9999 - bucket}

default team(_, _) := "own"

team(bucket, entry) := name if {
	name := rollout.team with input as call(bucket) with data.directory as {"dids": {did: entry}}
}
