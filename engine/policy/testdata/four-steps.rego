# The starter's routing with four of its steps, for benchmarks.
package routing

import data.recipes

step(entry) := "never" if entry.never

else := recipes.blocklist.decision if recipes.blocklist.blocked

else := recipes.hours.attempt if entry.hours

else := recipes.sticky.attempt if entry.sticky_days

else := recipes.distribution.decision if entry.team

chosen(entry) := "never" if entry.never

decision := answer if not answer.in_vain

else := recipes.skipped.decision

answer := first if first := step(recipes.did.entry)

else := step({})

team := chosen(recipes.did.entry)
