# METADATA
# title: Distribution
# description: |
#   One of the team, by the mode of the DID's entry: round_robin (where nothing is
#   said), fixed, least_busy or percent.
package recipes.distribution

import data.recipes.availability
import data.recipes.did
import data.recipes.least_busy
import data.recipes.percent
import data.recipes.round_robin
import data.recipes.team

# METADATA
# title: One of the team
# description: |
#   The first in the mode's order who can take the call. Whose turn it is mostly
#   can, and then nobody else is looked at.
# labels:
#   rule: distribution.decision
decision := {
	"call_forwarding_number": number,
	"reason": team.rotation,
	"tags": did.tags,
} if {
	entry := did.entry
	not entry.distribution
	number := team.members[round_robin.start]
	not availability.check(number, entry, true)
}

else := object.union(
	{
		"call_forwarding_number": number,
		"reason": reason(did.entry),
		"tags": did.tags,
	},
	{"skipped": people | people := passed; people[0]},
) if {
	number := availability.first(order(did.entry))
}

rotating(entry) if not entry.distribution.mode

rotating(entry) if entry.distribution.mode == "round_robin"

order(entry) := least_busy.order if entry.distribution.mode == "least_busy"

else := percent.order if entry.distribution.mode == "percent"

else := team.members if entry.distribution.mode == "fixed"

else := round_robin.order

# METADATA
# description: The mode. Calls in rotation are found again by their reason.
reason(entry) := entry.distribution.mode if not rotating(entry)

else := team.rotation

# METADATA
# description: Whom the order put before the receiver; everyone, where nobody can take the call.
passed := availability.passed_over(order(did.entry))
