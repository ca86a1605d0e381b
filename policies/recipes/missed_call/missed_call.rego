# METADATA
# title: Missed-call return
# description: An agent who calls the DID reaches the caller whom they missed there.
package recipes.missed_call

import data.recipes.availability
import data.recipes.did
import data.recipes.team

# METADATA
# title: Missed caller
# description: |
#   The newest caller whom this agent missed on this DID in the last 24 hours, or
#   as many as the entry's missed_call says, and whom nobody has talked to since.
# labels:
#   rule: missed_call.decision
decision := {
	"call_forwarding_number": missed[0],
	"reason": "missed_call",
	"tags": did.tags,
} if {
	missed[0]
}

# METADATA
# description: |
#   All of them, newest first. A caller without a number has no profile and cannot
#   be called back.
missed := [call.caller_number |
	some call in data.history.receivers[input.caller_number].calls
	call.status == "notanswered"
	call.did == input.did
	since := availability.last_time(call)
	since > input.time.unix - (hours * 3600)
	data.history.callers[call.caller_number]
	did.available(call.caller_number)
	not reached(call.caller_number, since)
] if {
	did.entry.missed_call
	team.agent(input.caller_number)
}

# METADATA
# description: They talked to somebody on this DID after that moment, whoever rang whom.
reached(number, since) if {
	some call in data.history.callers[number].calls
	talk(call, since)
}

else if {
	some call in data.history.receivers[number].calls
	talk(call, since)
}

talk(call, since) if {
	call.status == "answered"
	call.did == input.did
	availability.last_time(call) >= since
}

hours := h if h := did.entry.missed_call.hours

else := 24
