package routing_test

import data.routing

call := {"did": "918645658689", "caller_number": "9988912345"}

test_first if {
	decision := routing.decision with input as call
	decision.reason == "first"
}

test_again if {
	decision := routing.decision with input as call
		with data.history.callers as {"9988912345": {"last_answered": {"receiver_number": "9876543211"}}}
	decision.reason == "again"
}
