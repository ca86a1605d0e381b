# METADATA
# title: Percentages
# description: The team's members by their share. An order for distribution, answers no call itself.
package recipes.percent

import data.recipes.did
import data.recipes.team

# METADATA
# description: |
#   From the member whose share the bucket falls into, around the list: whoever
#   takes over for somebody absent is always the same, and nobody else's callers
#   move. Members without a share get no call.
order := array.concat(array.slice(sharing, start, count(sharing)), array.slice(sharing, 0, start))

# METADATA
# description: Those who have a share; everyone, in equal parts, where none of the team has one.
sharing := members if members := weighted

else := team.members

weighted := members if {
	members := [number | some number in team.members; weights[number] > 0]
	members[0]
}

weights := did.entry.distribution.weights

# METADATA
# description: |
#   0-9999: of the caller, so that the same one reaches the same agent, or with
#   key: call, of the call.
bucket := input.bucket if did.entry.distribution.key == "call"

else := input.caller_bucket

start := min([i |
	some i, _ in weighted
	bucket < 100 * sum([weights[number] | some number in array.slice(weighted, 0, i + 1)])
]) if {
	weighted
	bucket < 100 * sum([weights[number] | some number in weighted])
}

else := 0 if weighted

else := floor((bucket * count(team.members)) / 10000)
