# METADATA
# title: Routing
# description: Whom a masked call reaches. Every call is one evaluation of data.routing.decision.
package routing

import data.recipes

# The steps, in order: the first that has an answer wins, and where none has
# one the server's fallback number answers. Every step is one line: move it,
# delete it, or add a line for a recipe of your own. routing_test.rego says what
# the order is meant to do: change it along. entry is the called DID's in
# directory/data.yaml, and a line with "if entry.x" costs next to nothing where
# it does not say x.
step(entry) := "never" if entry.never # no step: the line that the chain hangs on, leave it first

else := recipes.blocklist.decision if recipes.blocklist.blocked # a listed caller is rejected

else := recipes.velocity.decision if entry.velocity # so is one who calls too often

else := recipes.override.attempt if recipes.override.standing(entry) # one number for all calls, while it is set

else := recipes.vip.attempt if recipes.vip.in_list(entry) # an important caller's own person

else := recipes.pair.attempt if recipes.pair.concerns(entry) # the other party of a masked pair

else := recipes.missed_call.decision if entry.missed_call # for an agent: the caller whom they missed

else := recipes.hours.attempt if entry.hours # outside the hours: the after_hours number

else := recipes.redial.attempt if entry.redial # for a caller not answered just now: somebody else

else := recipes.sticky.attempt if entry.sticky_days # whom this caller talked to last

else := recipes.distribution.decision if entry.team # one of the team

else := recipes.overflow.decision if entry.overflow # nobody of the team can take it

# Which team, by name, where it is not the DID's own.
chosen(entry) := "never" if entry.never # as above

else := recipes.region.team if entry.regions # by where the caller's number is from

else := recipes.rollout.team if entry.rollout # a share of the callers tries a new one

# METADATA
# title: Decision
# description: The answer of the first step that has one. Where steps before it asked for somebody in vain, it says so.
# entrypoint: true
# labels:
#   rule: routing.decision
decision := answer if not answer.in_vain

else := recipes.skipped.decision

# METADATA
# description: A DID without an entry has an empty one.
answer := first if first := step(recipes.did.entry)

else := step({})

# METADATA
# title: Team
# description: The chosen team's name in data.directory.teams; undefined where the DID's own takes the call.
# labels:
#   rule: routing.team
team := chosen(recipes.did.entry)
