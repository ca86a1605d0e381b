# METADATA
# title: Sticky receiver
# description: A caller who calls again reaches the person they talked to last.
package recipes.sticky

import data.recipes.availability
import data.recipes.did
import data.recipes.team

# METADATA
# title: Same person again
# description: |
#   The receiver of this caller's newest answered call on this DID, at most
#   sticky_days ago, if still in the DID's team.
# labels:
#   rule: sticky.decision
decision := {
	"call_forwarding_number": number,
	"reason": "sticky",
	"tags": did.tags,
} if number := receiver

receiver := number if {
	number := candidate
	not availability.check(number, did.entry, false)
}

# METADATA
# description: |
#   Whom they talked to. The age is that of the call's latest known time; an
#   unknown one is null, which is smaller than any number.
candidate := call.receiver_number if {
	days := did.entry.sticky_days
	days > 0
	call := last # else: the caller talked to nobody on this DID
	call.receiver_number in team.members # else: the receiver left the team
	max([call.routed_at, call.received_at, call.ended_at]) >= input.time.unix - (days * 86400) # else: they talked too long ago
}

# METADATA
# description: |
#   The caller's newest answered call on this DID. Mostly that is the newest on
#   any DID, and the twenty calls need not be read.
last := call if {
	call := data.history.callers[input.caller_number].last_answered
	call.did == input.did
}

else := answered[0] if {
	calls := data.history.callers[input.caller_number].calls
	answered := [call |
		some call in calls
		call.did == input.did
		call.status == "answered"
	]
}

attempt := answer if {
	candidate
	answer := decision
}

else := {"step": "sticky", "in_vain": [{"number": candidate, "why": availability.why(candidate)}]}
