# METADATA
# title: Sticky receiver
# description: A caller who calls again reaches the person they talked to last.
package recipes.sticky

import data.recipes.did

# METADATA
# title: Same person again
# description: |
#   The receiver of this caller's newest answered call on this DID, at most
#   sticky_days ago, if still in the DID's team.
# labels:
#   rule: sticky.decision
decision := {
	"call_forwarding_number": receiver,
	"reason": "sticky",
	"tags": did.tags,
} if receiver

# METADATA
# description: |
#   Whom they talked to. The age is that of the call's latest known time; an
#   unknown one is null, which is smaller than any number.
receiver := call.receiver_number if {
	entry := did.entry
	entry.sticky_days > 0
	call := last
	call.receiver_number in entry.team
	max([call.routed_at, call.received_at, call.ended_at]) >= input.time.unix - (entry.sticky_days * 86400)
	did.available(call.receiver_number)
}

# METADATA
# description: |
#   The caller's newest answered call on this DID. Mostly that is the newest on
#   any DID, and the twenty calls need not be read.
last := call if {
	call := data.history.callers[input.caller_number].last_answered
	call.did == input.did
}

else := [call |
	some call in data.history.callers[input.caller_number].calls
	call.did == input.did
	call.status == "answered"
][0]
