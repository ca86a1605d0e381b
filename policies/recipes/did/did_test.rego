package recipes.did_test

import data.recipes.did

directory := {
	"dids": {"918645658689": {"team": ["9876543210"]}, "918645658690": {"team": []}},
	"default": {"team": ["9876543215"]},
}

test_a_listed_did_has_its_own_entry if {
	did.entry.team == ["9876543210"] with input as {"did": "918645658689"} with data.directory as directory
	did.tags == {} with input as {"did": "918645658689"} with data.directory as directory
}

test_an_unlisted_did_has_the_default_entry_and_a_tag if {
	did.entry.team == ["9876543215"] with input as {"did": "919999999999"} with data.directory as directory
	did.tags == {"unknown_did": "true"} with input as {"did": "919999999999"} with data.directory as directory
}

test_without_a_default_an_unlisted_did_has_no_entry if {
	not did.entry with input as {"did": "919999999999"} with data.directory as {"dids": directory.dids}
}

test_a_call_without_a_did_has_the_default_entry if {
	did.entry.team == ["9876543215"] with input as {} with data.directory as directory
}

available(number, caller) if {
	did.available(number) with input as {"caller_number": caller, "did": "918645658689"}
		with data.directory as directory
}

test_a_member_is_available if available("9876543210", "9988912345")

test_the_caller_is_not if not available("9876543210", "9876543210")

test_no_did_is if {
	not available("918645658689", "9988912345") # the called one
	not available("918645658690", "9988912345") # another
}

test_the_called_did_is_not_even_where_it_is_unlisted if {
	not did.available("919999999999") with input as {"caller_number": "9988912345", "did": "919999999999"}
		with data.directory as directory
}

test_callers_without_a_number_reach_everybody if {
	available("9876543210", "")
	available("9876543210", "98765xxxxx")
	did.available("9876543210") with input as {"did": "918645658689"} with data.directory as directory
}
