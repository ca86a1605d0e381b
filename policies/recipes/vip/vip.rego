# METADATA
# title: VIP
# description: Important callers reach the person who looks after them.
package recipes.vip

import data.recipes.availability
import data.recipes.did
import data.recipes.hours

# METADATA
# title: Account manager
# description: The caller's own person, else that person's backup. While the DID is closed only those marked always_open.
# labels:
#   rule: vip.decision
decision := object.union(
	{
		"call_forwarding_number": receiver,
		"reason": "vip",
		"tags": did.tags,
	},
	passed,
) if {
	receiver
}

attempt := decision if decision

else := {"step": "vip", "in_vain": unavailable} if candidates

receiver := to if {
	to := candidates[0]
	availability.available(to)
}

else := backup if {
	backup := candidates[1]
	availability.available(backup)
}

# METADATA
# description: Whom this caller may reach now, in order; undefined for other callers.
candidates := [number |
	some field in ["to", "backup"]
	number := listed[field]
] if {
	listed
	reachable
}

reachable if listed.always_open == true

else if not hours.closed

# METADATA
# description: |
#   The caller's entry in the DID's vip list, else in the one for all DIDs. Who is
#   listed is never blocked. A caller without a number never is.
listed := who if who := in_list(did.entry)

else := in_list({})

in_list(entry) := who if {
	who := entry.vip[input.caller_number] # else: the caller is none
	input.caller_number != ""
	not entry.asked.vip
}

else := who if {
	data.directory.vip[input.caller_number]
	who := data.directory.vip[input.caller_number]
	input.caller_number != ""
	not entry.asked.vip
}

# METADATA
# description: The backup's answer says why the first one is not.
passed := {} if receiver == candidates[0]

else := {"skipped": unavailable}

unavailable := [{"number": number, "why": why} |
	some number in candidates
	why := availability.why(number)
]
