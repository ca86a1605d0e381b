# METADATA
# title: Overflow
# description: Where calls go when nobody of the team can take them.
package recipes.overflow

import data.recipes.availability
import data.recipes.did
import data.recipes.distribution

# METADATA
# title: Nobody else
# description: |
#   The first of the entry's overflow numbers that is not on a break. An agent's
#   limits do not count here: an answering service takes many calls at once.
# labels:
#   rule: overflow.decision
decision := object.union(
	{
		"call_forwarding_number": number,
		"reason": "overflow",
		"tags": did.tags,
	},
	passed,
) if {
	number
}

number := open[0]

open := [candidate | some candidate in listed; not closed(candidate)]

listed := numbers if {
	numbers := did.entry.overflow
	is_array(numbers)
}

else := [did.entry.overflow]

# METADATA
# description: Without an entry's limits.
closed(candidate) := availability.check(candidate, {}, false)

# METADATA
# description: All of the team, and whoever stands before the number in the list.
passed := {"skipped": people} if {
	people := array.concat(team_passed, [{"number": candidate, "why": why} |
		number != listed[0]
		some candidate in listed
		why := closed(candidate)
	])
	people[0]
}

else := {}

team_passed := distribution.passed if not distribution.decision

else := []
