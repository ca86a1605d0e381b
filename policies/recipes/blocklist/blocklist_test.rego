package recipes.blocklist_test

import data.recipes.blocklist

listed := {
	"numbers": {"9876500000": "nuisance", "+12025550123": "spam", "": "a slip of the pen"},
	"prefixes": ["140", "+44", ""],
	"anonymous": false,
}

blocked(number) if {
	blocklist.blocked with input as {"caller_number": number, "caller": {"anonymous": number == ""}}
		with data.directory.blocklist as listed
}

test_rejects_with_a_reason if {
	answer := blocklist.decision with input as {"caller_number": "9876500000"}
		with data.directory.blocklist as listed
	answer == {"reject": true, "reason": "blocked"}
}

test_listed_numbers if {
	blocked("9876500000")
	blocked("+12025550123")
}

test_listed_prefixes if {
	blocked("1409876543")
	blocked("+447700900123")
}

test_others_pass if {
	not blocked("9988912345")
	not blocked("9876500001")
	not blocked("9140123456") # the prefix inside the number
	not blocked("447700900123") # without the +
}

# An empty entry, and an empty prefix, would otherwise block everybody whose
# number is withheld.
test_an_empty_caller_matches_no_entry if not blocked("")

test_masked_callers_pass if {
	not blocked("99889xxxxx")
	not blocked("anonymous")
}

test_a_caller_that_is_missing_passes if {
	not blocklist.blocked with input as {"did": "918645658689"} with data.directory.blocklist as listed
}

test_anonymous_callers_are_rejected_only_where_the_directory_says_so if {
	withheld := {"caller_number": "", "caller": {"anonymous": true}}
	known := {"caller_number": "9988912345", "caller": {"anonymous": false}}
	not blocklist.blocked with input as withheld with data.directory.blocklist as {"anonymous": false}
	blocklist.blocked with input as withheld with data.directory.blocklist as {"anonymous": true}
	not blocklist.blocked with input as known with data.directory.blocklist as {"anonymous": true}
}

test_without_a_list_everybody_passes if {
	not blocklist.decision with input as {"caller_number": "9876500000"} with data.directory as {"dids": {}}
}
