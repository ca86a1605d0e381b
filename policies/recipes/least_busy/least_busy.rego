# METADATA
# title: Least busy
# description: Whoever has the least to do. An order for distribution, answers no call itself.
package recipes.least_busy

import data.recipes.team

# METADATA
# description: |
#   By calls in flight, then calls offered today, then who has been idle for
#   longest, then the place in the list.
order := [rank[4] | some rank in ranks]

ranks := sort([[in_flight(number), offered(number), ended(number), place, number] |
	some place, number in team.members
])

in_flight(number) := n if n := data.history.receivers[number].in_flight

else := 0

# METADATA
# description: Today is the server's, by which the history counts.
offered(number) := n if n := data.history.receivers[number].days[input.time.date].offered

else := 0

# METADATA
# description: |
#   When the newest call, or the newest conversation, ended: 0 for never. An end
#   that is not known is null and sorts before.
ended(number) := max(array.concat(newest, talked)) if {
	newest := [call.ended_at | call := data.history.receivers[number].calls[0]]
	talked := [call.ended_at | call := data.history.receivers[number].last_answered]
}

else := 0
