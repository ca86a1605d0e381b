# METADATA
# title: Region
# description: Callers from one region, as far as their number tells, reach the team of that region. Chooses the team, answers no call itself.
package recipes.region

import data.recipes.did

# METADATA
# title: Team of the region
# description: |
#   The team, by name, of the longest prefix in the entry's regions. "foreign"
#   takes the callers from abroad whom no prefix names, "anonymous" those without
#   a number; all others have the DID's own team.
# labels:
#   rule: region.team
team := name if {
	regions := did.entry.regions
	name := named(regions)
}

named(regions) := regions.anonymous if anonymous

else := name if name := prefixed(regions)[0]

else := regions.foreign if startswith(input.caller_number, "+")

prefixed(regions) := [name |
	not anonymous
	some length in numbers.range(count(input.caller_number), 1)
	name := regions[substring(input.caller_number, 0, length)]
]

# METADATA
# description: The caller's number is withheld or masked. Of a masked one the rest may be any digits, so its prefix says nothing.
anonymous if input.caller_number == ""

else if input.caller.valid == false
