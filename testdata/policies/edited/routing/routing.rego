# The set that the twelve wrong edits are made to: the same person again, else
# the first of the team.
package routing

entry := data.directory.dids[input.did]

decision := {"call_forwarding_number": again, "reason": "again"} if {
	again := data.history.callers[input.caller_number].last_answered.receiver_number
	again in entry.team
} else := {"call_forwarding_number": entry.team[0], "reason": "first"}
