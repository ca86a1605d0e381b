package recipes.override_test

import data.recipes.override

# A row: the facts, by DID or "*"; the override of the DID's entry; that of the
# directory; and whom the call reaches, "onward" where the step has no answer.
cases := {
	"none": {"want": "onward"},
	"of this DID": {"facts": {did: night}, "want": night},
	"of this DID, with more": {"facts": {did: {"to": night, "why": "meeting"}}, "want": night},
	"of all DIDs": {"facts": {"*": night}, "want": night},
	"of another DID": {"facts": {other: night}, "want": "onward"},
	"this DID before all": {"facts": {did: night, "*": desk}, "want": night},
	"this DID is left out": {"facts": {did: false, "*": desk}, "want": "onward"},
	"the entry is left out": {"entry": false, "directory": desk, "want": "onward"},
	"of the entry": {"entry": night, "want": night},
	"of the directory": {"directory": night, "want": night},
	"the entry before the directory": {"entry": night, "directory": desk, "want": night},
	"a fact before the entry": {"facts": {"*": desk}, "entry": night, "want": desk},
	"the caller is the receiver": {"facts": {did: caller}, "want": "onward"},
	"the receiver is the DID": {"facts": {did: did}, "want": "onward"},
	"the receiver is another DID": {"facts": {did: other}, "want": "onward"},
	"on a break, but asked for": {"facts": {did: night}, "paused": {night: true}, "want": night},
	"an object without a number": {"facts": {did: {"why": "meeting"}}, "want": "onward"},
	"a caller without a number": {"facts": {did: night}, "caller": "", "want": night},
	"a masked caller": {"facts": {did: night}, "caller": "99889xxxxx", "want": night},
}

test_override[name] if {
	some name, c in cases
	chosen(c) == c.want
}

test_answer if {
	answer := override.decision with input as {"caller_number": caller, "did": did}
		with data.directory as {"dids": {did: {"team": []}}}
		with data.facts.override as {did: night}
	answer == {"call_forwarding_number": night, "reason": "override", "tags": {}}
}

test_a_did_that_is_not_in_the_directory if {
	answer := override.decision with input as {"caller_number": caller, "did": did}
		with data.directory as {"dids": {}}
		with data.facts.override as {"*": night}
	answer.call_forwarding_number == night
	answer.tags == {"unknown_did": "true"}
}

test_who_was_asked_in_vain if {
	asked := override.attempt with input as {"caller_number": caller, "did": did}
		with data.facts.override as {did: caller}
	asked == {"step": "override", "in_vain": [{"number": caller, "why": "caller"}]}
	not override.attempt with input as {"caller_number": caller, "did": did} with data.directory as {"dids": {}}
}

test_it_is_not_asked_twice if {
	override.standing({}) == night with input as {"did": did} with data.facts.override as {"*": night}
	not override.standing({"asked": {"override": true}}) with input as {"did": did}
		with data.facts.override as {did: night, "*": night}
		with data.directory.override as night
	not override.standing({"override": night, "asked": {"override": true}}) with input as {"did": did}
}

did := "918645658689"

other := "918645658690"

caller := "9988912345"

night := "9876543219"

desk := "9876543218"

default chosen(_) := "onward"

chosen(c) := answer.call_forwarding_number if {
	entry := given({"override": object.get(c, "entry", null)})
	directory := given({"override": object.get(c, "directory", null)})
	answer := override.decision with input as {"caller_number": object.get(c, "caller", caller), "did": did}
		with data.directory as object.union(directory, {"dids": {did: entry, other: {}}})
		with data.facts as {"override": object.get(c, "facts", {}), "paused": object.get(c, "paused", {})}
}

given(fields) := {name: value | some name, value in fields; value != null}
