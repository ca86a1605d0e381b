# METADATA
# title: Skipped
# description: |
#   What becomes of a call after a step asked for somebody in person who cannot
#   take it. Such a step answers with in_vain instead of a number. The steps are
#   then asked again without it, and the answer names those who were skipped.
package recipes.skipped

import data.recipes.did
import data.routing

# METADATA
# title: After asking in vain
# description: The next step's answer, with all who were asked before it; their number is that of the steps that ask in person.
# labels:
#   rule: skipped.decision
decision := with_skipped(second, [routing.answer]) if not second.in_vain

else := with_skipped(third, [routing.answer, second]) if not third.in_vain

else := with_skipped(fourth, [routing.answer, second, third]) if not fourth.in_vain

else := with_skipped(fifth, [routing.answer, second, third, fourth]) if not fifth.in_vain

else := with_skipped(sixth, [routing.answer, second, third, fourth, fifth]) if not sixth.in_vain

else := with_skipped(seventh, [routing.answer, second, third, fourth, fifth, sixth]) if not seventh.in_vain

second := again([routing.answer])

third := again([routing.answer, second])

fourth := again([routing.answer, second, third])

fifth := again([routing.answer, second, third, fourth])

sixth := again([routing.answer, second, third, fourth, fifth])

seventh := again([routing.answer, second, third, fourth, fifth, sixth])

# METADATA
# description: |
#   The steps' answer for an entry that no longer says what was asked already. The
#   steps that need no field of it look at asked.
again(attempts) := routing.step(object.union(rest, {"asked": asked})) if {
	asked := {attempt.step: true | some attempt in attempts}
	rest := {field: value |
		some field, value in entry
		not said(asked, field)
	}
}

said(asked, "hours") if asked.hours

said(asked, "redial") if asked.redial

said(asked, "sticky_days") if asked.sticky

entry := listed if listed := did.entry

else := {}

# METADATA
# description: Everyone once, with the first reason. A rejection passes nobody over.
with_skipped(answer, attempts) := answer if answer.reject

else := object.union(answer, {"skipped": [person |
	some i, person in people
	not person.number in [before.number | some before in array.slice(people, 0, i)]
]}) if {
	people := array.concat(
		[person | some attempt in attempts; some person in attempt.in_vain],
		object.get(answer, "skipped", []),
	)
}
