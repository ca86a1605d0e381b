# METADATA
# title: Round robin
# description: The team's members in turn. An order for distribution, answers no call itself.
package recipes.round_robin

import data.recipes.team

# METADATA
# description: The list from the one whose turn it is, around to the one before.
order := array.concat(array.slice(members, start, count(members)), array.slice(members, 0, start)) if members := team.members

# METADATA
# description: |
#   The place after the member whom the rotation chose last on this DID, beyond
#   the list after its end; the top at the first call, and where that member has
#   left the team. Calls that another step or a fallback routed do not turn it.
start := place + 1 if {
	last := data.history.dids[input.did].last_by_reason[team.rotation].receiver_number
	members := team.members
	place := [i | members[i] == last][0]
}

else := 0
