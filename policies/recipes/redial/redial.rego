# METADATA
# title: Redial failover
# description: A caller who was not answered and rings again reaches somebody else.
package recipes.redial

import data.recipes.availability
import data.recipes.did
import data.recipes.overflow
import data.recipes.team

# METADATA
# title: Somebody not yet tried
# description: |
#   The first of the team whom this caller's calls have not tried in the last 15
#   minutes, or as many as the entry's redial says. All tried: the overflow.
# labels:
#   rule: redial.decision
decision := {
	"call_forwarding_number": number,
	"reason": "redial",
	"tags": did.tags,
	"skipped": in_order,
} if number := receiver

else := object.union(
	overflow.decision,
	{"skipped": array.concat(in_order, object.get(overflow.decision, "skipped", []))},
) if {
	all_tried
}

receiver := availability.first(untried) if tried

untried := [number | some number in team.members; not number in tried]

all_tried if {
	tried
	count(untried) == 0
}

# METADATA
# description: |
#   The members whom this caller's calls tried since the last one that was
#   answered. A call in flight counts as tried: the caller has hung up and rings
#   again before its end was reported.
tried := numbers if {
	did.entry.redial
	here := [call |
		some call in data.history.callers[input.caller_number].calls
		call.did == input.did
	]
	here[0].status != "answered"
	talk := [i | some i, call in here; call.status == "answered"]
	numbers := [call.receiver_number |
		some call in array.slice(here, 0, min(array.concat(talk, [count(here)])))
		call.routed_at > input.time.unix - (minutes * 60)
		call.receiver_number in team.members
	]
	numbers[0]
}

minutes := m if m := did.entry.redial.minutes

else := 15

# METADATA
# description: Who was tried, and who of the others cannot take the call.
in_order := array.concat(
	[{"number": number, "why": "tried"} | some number in team.members; number in tried],
	availability.passed_over(untried),
)

attempt := decision if decision

else := {"step": "redial", "in_vain": in_order} if tried
