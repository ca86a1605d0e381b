# METADATA
# title: Masked pair
# description: |
#   Two people who reach each other over the DID and never learn each other's
#   number: a customer and a courier, as long as the order is open.
package recipes.pair

import data.recipes.availability
import data.recipes.did

# METADATA
# description: The caller has a session on this DID, or its entry has something to say about those who have none.
concerns(entry) if {
	data.sessions[input.did][input.caller_number] # else: the caller has no session on this DID
	not entry.asked.pair
}

concerns(entry) if {
	entry.pairs
	not entry.asked.pair
}

concerns(entry) if {
	entry.no_session_to
	not entry.asked.pair
}

# METADATA
# title: The other party
# description: |
#   Whom the caller has a session with. Without one, no_session_to: a number, or
#   "reject". Without that, the next step decides.
# labels:
#   rule: pair.decision
decision := {
	"call_forwarding_number": number,
	"reason": "pair",
	"tags": object.union(did.tags, guess),
} if {
	number := counterpart
	did.available(number)
}

else := {"reject": true, "reason": "no_session"} if did.entry.no_session_to == "reject"

else := {
	"call_forwarding_number": did.entry.no_session_to,
	"reason": "no_session",
	"tags": did.tags,
} if {
	did.available(did.entry.no_session_to)
}

# METADATA
# description: |
#   The counterpart. With several to choose from the one of the newest call
#   between them, in whichever direction, and where there was none that of the
#   newest session: a guess, tagged ambiguous.
counterpart := others[0] if alone

else := number if number := talked

else := others[0]

guess := {"ambiguous": "true"} if {
	others
	not alone
	not talked
}

else := {}

alone if {
	every other in others {
		other == others[0]
	}
}

# METADATA
# description: The counterparts in the caller's sessions on this DID, newest first, else those in the entry's fixed pairs.
others := numbers if {
	sessions := data.sessions[input.did][input.caller_number]
	numbers := [other |
		some session in sessions
		not cooling(session)
		some other in session.parties
		other != input.caller_number
	]
	numbers[0]
}

else := numbers if {
	input.caller_number != ""
	numbers := [other |
		some pair in did.entry.pairs
		input.caller_number in pair
		some other in pair
		other != input.caller_number
	]
	numbers[0]
}

# METADATA
# description: |
#   An earlier session of one of the two on this DID ended less than
#   cool_off_minutes ago. Its other party might still ring back, and would reach
#   a stranger.
cooling(session) if {
	minutes := did.entry.cool_off_minutes
	session.last_ended > input.time.unix - (minutes * 60)
}

# METADATA
# description: The counterpart of the newest call between the caller and any of them on this DID.
talked := max(array.concat(out, back))[1] if not alone

out := [[availability.last_time(call), call.receiver_number] |
	some call in data.history.callers[input.caller_number].calls
	call.did == input.did
	call.receiver_number in others
]

back := [[availability.last_time(call), call.caller_number] |
	some call in data.history.receivers[input.caller_number].calls
	call.did == input.did
	call.caller_number in others
]

attempt := decision if decision

else := {"step": "pair", "in_vain": [{"number": number, "why": availability.why(number)}]} if number := counterpart
