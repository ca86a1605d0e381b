# METADATA
# title: Rollout
# description: A share of the callers reaches a new team, always the same ones. Chooses the team, answers no call itself.
package recipes.rollout

import data.recipes.did

# METADATA
# title: New team
# description: The team, by name, for so many percent of the callers; a larger percentage keeps those who are in already.
# labels:
#   rule: rollout.team
team := rollout.team if {
	rollout := did.entry.rollout
	input.caller_bucket < rollout.percent * 100
}
