package recipes.least_busy_test

import data.recipes.distribution
import data.recipes.least_busy

# A row: of asha, ravi and meena what they have to do, as [calls in flight, offered
# today, seconds since the last call ended], null for never called; and their
# order.
cases := {
	"nobody ever called": {"team": [null, null, null], "want": [asha, ravi, meena]},
	"in flight first": {"team": [[1, 0, 900], [0, 9, 5], [0, 9, 5]], "want": [ravi, meena, asha]},
	"then offered today": {"team": [[0, 3, 900], [0, 2, 5], [0, 1, 5]], "want": [meena, ravi, asha]},
	"then idle for longest": {"team": [[0, 2, 60], [0, 2, 90], [0, 2, 120]], "want": [meena, ravi, asha]},
	"a second counts": {"team": [[0, 2, 60], [0, 2, 61], [0, 2, 60]], "want": [ravi, asha, meena]},
	"then the list": {"team": [[0, 2, 60], [0, 2, 60], [0, 2, 60]], "want": [asha, ravi, meena]},
	"the new one": {"team": [[0, 2, 60], [0, 2, 60], null], "want": [meena, asha, ravi]},
	"two lines against one": {"team": [[2, 0, 60], [1, 9, 60], [1, 8, 60]], "want": [meena, ravi, asha]},
}

test_order[name] if {
	some name, c in cases
	order(c) == c.want
}

test_yesterday_does_not_count if {
	busy := {asha: {"in_flight": 0, "days": {"2025-11-23": {"offered": 9}, "2025-11-24": {"offered": 1}}}}
	[number | some number in least_busy.order][0] == ravi with input as call
		with data.directory as {"dids": {did: {"team": [asha, ravi]}}}
		with data.history.receivers as busy
}

test_the_end_of_the_newest_conversation_counts_where_a_call_is_in_flight if {
	ended(120) < ended(60)
	order_of({
		asha: {"in_flight": 1, "calls": [{"ended_at": null}], "last_answered": {"ended_at": now - 60}},
		ravi: {"in_flight": 1, "calls": [{"ended_at": null}], "last_answered": {"ended_at": now - 120}},
	}) == [meena, ravi, asha]
}

test_unknown_ends_are_no_error if {
	order_of({
		asha: {"in_flight": 0, "calls": [{"ended_at": null}]},
		ravi: {"in_flight": 0, "calls": []},
	}) == [asha, ravi, meena]
}

resting := {
	"29 seconds after the call": {"seconds": 29, "want": ravi},
	"30 seconds after the call": {"seconds": 30, "want": asha},
}

# Ravi has had more calls, and is chosen only while asha writes up hers.
test_wrapup_seconds[name] if {
	some name, c in resting
	distribution.decision.call_forwarding_number == c.want with input as call
		with data.directory as {"dids": {did: {"team": [asha, ravi], "distribution": {"mode": "least_busy"}, "wrapup_seconds": 30}}}
		with data.history.receivers as {
			asha: {"in_flight": 0, "days": {"2025-11-24": {"offered": 1}}, "last_answered": {"ended_at": now - c.seconds}},
			ravi: {"in_flight": 0, "days": {"2025-11-24": {"offered": 9}}},
		}
}

now := 1763966100

did := "918645658689"

asha := "9876543210"

ravi := "9876543211"

meena := "9876543212"

call := {"caller_number": "9988912345", "did": did, "time": {"unix": now, "date": "2025-11-24"}}

ended(ago) := now - ago

order_of(receivers) := list if {
	list := least_busy.order with input as call
		with data.directory as {"dids": {did: {"team": [asha, ravi, meena]}}}
		with data.history.receivers as receivers
}

order(c) := order_of({number: profile |
	some i, number in [asha, ravi, meena]
	work := c.team[i]
	work != null
	profile := {
		"in_flight": work[0],
		"days": {"2025-11-24": {"offered": work[1]}},
		"calls": [{"ended_at": ended(work[2])}],
	}
})
