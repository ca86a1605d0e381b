# METADATA
# title: Override
# description: |
#   Sends every call to one number as long as an override stands: the team is in a
#   meeting, the office has no power.
package recipes.override

import data.recipes.availability
import data.recipes.did

# METADATA
# title: Overridden
# description: |
#   The number of the override. Breaks and limits do not count, somebody has
#   asked for it; only who would ring themselves is passed over.
# labels:
#   rule: override.decision
decision := {
	"call_forwarding_number": number,
	"reason": "override",
	"tags": did.tags,
} if did.available(number)

attempt := decision if decision

else := {"step": "override", "in_vain": [{"number": number, "why": availability.why(number)}]}

# METADATA
# description: A number, or an object with one in "to". false is none, and keeps the more general ones away.
number := set if is_string(set)

else := set.to if is_string(set.to)

set := value if value := standing(did.entry)

else := standing({})

# METADATA
# description: |
#   What the override is, the DID's before that of all DIDs, a fact before the
#   directory.
standing(entry) := fact if {
	fact := data.facts.override[input.did] # else: none is set
	not entry.asked.override
}

else := fact if {
	fact := data.facts.override["*"]
	not entry.asked.override
}

else := to if {
	to := entry.override
	not entry.asked.override
}

else := to if {
	data.directory.override
	to := data.directory.override
	not entry.asked.override
}
