# METADATA
# title: Delivery
# description: Customer and courier of an open order reach each other, anybody else whom the DID says.
package routing

decision := {"call_forwarding_number": other, "reason": "pair"} if {
	some other in data.sessions[input.did][input.caller_number][0].parties
	other != input.caller_number
}

else := {"reject": true, "reason": "no_session"} if to == "reject"

else := {"call_forwarding_number": to, "reason": "no_session"}

to := data.directory.dids[input.did].no_session_to
