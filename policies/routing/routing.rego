# METADATA
# title: Routing
# description: Whom a masked call reaches. Every call is one evaluation of data.routing.decision.
package routing

import data.recipes

# The steps, in order: the first that has an answer wins, and where none has
# one the server's fallback number answers. Every step is one line: move it,
# delete it, or add a line for a recipe of your own. routing_test.rego says what
# the order is meant to do: change it along.

# METADATA
# title: Decision
# description: The first step that has an answer, top to bottom.
# entrypoint: true
# labels:
#   rule: routing.decision
decision := "never" if false # no step: the line that the chain hangs on, leave it first

else := recipes.blocklist.decision if recipes.blocklist.blocked # a listed caller is rejected

else := recipes.hours.decision if recipes.hours.closed # outside the hours: the after_hours number

else := recipes.sticky.decision if recipes.sticky.receiver # whom this caller talked to last

else := recipes.round_robin.decision if recipes.round_robin.receiver # the team's members in turn
