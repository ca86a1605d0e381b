package recipes.velocity_test

import data.recipes.velocity

# A row: how many seconds ago the caller's earlier calls were, newest first; the
# DID's velocity; and whether this call is too much.
cases := {
	"never called": {"ago": [], "velocity": three, "want": false},
	"the third call": {"ago": [10, 20], "velocity": three, "want": false},
	"the fourth": {"ago": [10, 20, 30], "velocity": three, "want": true},
	"the tenth": {"ago": [1, 2, 3, 4, 5, 6, 7, 8, 9], "velocity": three, "want": true},
	"the oldest 9:59 ago": {"ago": [10, 20, 599], "velocity": three, "want": true},
	"the oldest 10:00 ago": {"ago": [10, 20, 600], "velocity": three, "want": false},
	"off": {"ago": [1, 2, 3, 4, 5, 6], "want": false},
	"one a minute, the second": {"ago": [59], "velocity": {"calls": 1, "minutes": 1}, "want": true},
	"one a minute, a minute later": {"ago": [60], "velocity": {"calls": 1, "minutes": 1}, "want": false},
	"a VIP": {"ago": [10, 20, 30], "velocity": three, "vip": true, "want": false},
	"a caller without a number": {"ago": [10, 20, 30], "velocity": three, "caller": "", "want": false},
	"a masked caller": {"ago": [10, 20, 30], "velocity": three, "caller": "99889xxxxx", "want": false},
	"another caller": {"ago": [10, 20, 30], "velocity": three, "caller": "9988900000", "want": false},
	"a DID that is not in the directory": {"ago": [10, 20, 30], "velocity": three, "did": "919999999999", "want": false},
	"half a minute": {"ago": [29], "velocity": {"calls": 1, "minutes": 0.5}, "want": true},
}

test_velocity[name] if {
	some name, c in cases
	exceeded(c) == c.want
}

test_rejects_with_a_reason if {
	answer := velocity.decision with input as call({}) with data.history as history([10, 20, 30])
		with data.directory as {"dids": {did: {"velocity": three}}}
	answer == {"reject": true, "reason": "velocity"}
}

test_the_twentieth_of_twenty if {
	calls := [ago | some ago in numbers.range(1, 20)]
	exceeded({"ago": calls, "velocity": {"calls": 20, "minutes": 1}}) == true
}

test_calls_whose_times_are_unknown if {
	undated := {"callers": {caller: {"calls": [{"routed_at": null, "received_at": null, "ended_at": null}]}}}
	not velocity.exceeded with input as call({}) with data.history as undated
		with data.directory as {"dids": {did: {"velocity": {"calls": 1, "minutes": 1}}}}
}

test_the_default_entry_has_a_limit_too if {
	velocity.exceeded with input as call({"did": "919999999999"}) with data.history as history([10, 20, 30])
		with data.directory as {"dids": {}, "default": {"velocity": three}}
}

three := {"calls": 3, "minutes": 10}

now := 1763966100

did := "918645658689"

caller := "9988912345"

call(c) := {
	"caller_number": object.get(c, "caller", caller),
	"did": object.get(c, "did", did),
	"time": {"unix": now},
}

history(ago) := {"callers": {caller: {"calls": [earlier |
	some seconds in ago
	earlier := {"did": did, "status": "answered", "routed_at": now - seconds, "received_at": null, "ended_at": null}
]}}}

default exceeded(_) := false

exceeded(c) if {
	vips := {number: {"to": "9876543210"} | some number in [caller]; c.vip}
	entry := {name: limit | some name, limit in {"velocity": object.get(c, "velocity", null)}; limit != null}
	velocity.exceeded with input as call(c)
		with data.directory as {"dids": {did: entry}, "vip": vips}
		with data.history as history(c.ago)
}
