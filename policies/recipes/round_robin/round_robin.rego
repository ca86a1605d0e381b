# METADATA
# title: Round robin
# description: The members of the DID's team in turn, in the order of the list.
package recipes.round_robin

import data.recipes.did

# METADATA
# title: Next in turn
# description: |
#   The member after the one whom this recipe chose last on this DID. Calls that
#   another step or a fallback routed do not turn the rotation.
# labels:
#   rule: round_robin.decision
decision := {
	"call_forwarding_number": receiver,
	"reason": "round_robin",
	"tags": did.tags,
} if receiver

# METADATA
# description: |
#   Mostly simply the next in the list. At its end, and where that one cannot
#   take the call, the first who can, around the list from there.
receiver := number if {
	number := did.entry.team[start]
	did.available(number)
}

else := [number | some number in turns; did.available(number)][0]

turns := array.concat(array.slice(team, start, count(team)), array.slice(team, 0, start)) if team := did.entry.team

# METADATA
# description: |
#   The place after the last one; the top of the list at the first call, and
#   where the last one has left the team.
start := place + 1 if {
	last := data.history.dids[input.did].last_by_reason.round_robin.receiver_number
	place := min([i | some i, number in did.entry.team; number == last])
}

else := 0
