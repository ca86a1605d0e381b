package recipes.region_test

import data.recipes.region
import data.routing

regions := {
	"98": "north",
	"9876": "sales",
	"9876543210": "owner",
	"+1": "america",
	"+1202": "washington",
	"foreign": "abroad",
	"anonymous": "desk",
}

# A row: the caller and the team, "own" where no region is theirs.
cases := {
	"a prefix": {"caller": "9812345678", "want": "north"},
	"the longest prefix": {"caller": "9876599999", "want": "sales"},
	"a whole number": {"caller": "9876543210", "want": "owner"},
	"no prefix": {"caller": "9988912345", "want": "own"},
	"the prefix inside": {"caller": "9198123456", "want": "own"},
	"a foreign prefix": {"caller": "+13055550123", "want": "america"},
	"the longest foreign prefix": {"caller": "+12025550123", "want": "washington"},
	"abroad": {"caller": "+447700900123", "want": "abroad"},
	"abroad, with our prefix behind the plus": {"caller": "+9812345678", "want": "abroad"},
	"withheld": {"caller": "", "valid": false, "want": "desk"},
	"anonymous": {"caller": "anonymous", "valid": false, "want": "desk"},
	"masked": {"caller": "98123xxxxx", "valid": false, "want": "desk"},
	"no regions": {"caller": "9812345678", "regions": null, "want": "own"},
	"withheld, no entry for it": {"caller": "", "valid": false, "regions": {"98": "north"}, "want": "own"},
	"masked, no entry for it": {"caller": "98123xxxxx", "valid": false, "regions": {"98": "north"}, "want": "own"},
	"abroad, no entry for it": {"caller": "+447700900123", "regions": {"98": "north"}, "want": "own"},
	"an empty prefix is nobody's": {"caller": "9988912345", "regions": {"": "north"}, "want": "own"},
	"the word foreign as a caller": {"caller": "foreign", "valid": false, "regions": {"foreign": "abroad"}, "want": "own"},
	"a DID that is not in the directory": {"caller": "9812345678", "did": "919999999999", "want": "own"},
}

test_region[name] if {
	some name, c in cases
	team(c) == c.want
}

test_the_default_entry_has_regions_too if {
	region.team == "north" with input as {"caller_number": "9812345678", "did": did}
		with data.directory as {"dids": {}, "default": {"regions": regions}}
}

test_a_caller_whose_validity_is_not_known if {
	region.team == "north" with input as {"caller_number": "9812345678", "did": did}
		with data.directory as {"dids": {did: {"regions": regions}}}
}

did := "918645658689"

default team(_) := "own"

team(c) := name if {
	entry := {field: value |
		some field, value in {"regions": object.get(c, "regions", regions)}
		value != null
	}
	name := region.team with input as {
		"caller_number": c.caller,
		"did": object.get(c, "did", did),
		"caller": {"valid": object.get(c, "valid", true)},
	}
		with data.directory as {"dids": {did: entry}}
}

test_the_region_chooses_the_team if {
	routing.team == "north" with input as {"caller_number": "9812345678", "did": did}
		with data.directory as {"dids": {did: {"regions": regions}}}
	not routing.team with input as {"caller_number": "9988912345", "did": did}
		with data.directory as {"dids": {did: {"regions": regions}}}
}

test_the_region_goes_before_the_rollout if {
	entry := {"regions": regions, "rollout": {"percent": 100, "team": "newcomers"}}
	routing.team == "north" with input as {"caller_number": "9812345678", "did": did, "caller_bucket": 0}
		with data.directory as {"dids": {did: entry}}
	routing.team == "newcomers" with input as {"caller_number": "9988912345", "did": did, "caller_bucket": 0}
		with data.directory as {"dids": {did: entry}}
}
