# METADATA
# title: Sales
# description: After hours elsewhere; a known caller reaches the same agent; new ones go round the team; nobody on a break is rung.
package routing

entry := data.directory.dids[input.did]

decision := {"call_forwarding_number": entry.after_hours, "reason": "after_hours"} if closed

else := {"call_forwarding_number": sticky, "reason": "sticky"} if here(sticky)

else := {"call_forwarding_number": agent, "reason": "round_robin", "skipped": skipped} if agent := order[0]

else := {"call_forwarding_number": entry.overflow, "reason": "overflow", "skipped": skipped}

closed if {
	entry.hours
	not open
}

open if {
	local := split(lower(time.format([input.time.ns, entry.zone, "Monday 2006-01-02 15:04"])), " ")
	some window in entry.hours[local[0]]
	window.from <= local[2]
	local[2] < window.to
	not entry.holidays[local[1]]
}

sticky := call.receiver_number if {
	call := data.history.callers[input.caller_number].last_answered
	call.did == input.did
	call.receiver_number in entry.team
	call.ended_at >= input.time.unix - (entry.sticky_days * 86400)
}

here(agent) if not data.facts.paused[agent]

# The team from the agent whose turn it is, without those on a break.
order := [agent | some agent in turns; here(agent)]

skipped := [{"number": agent, "why": "paused"} | some agent in turns; not here(agent)]

turns := array.concat(array.slice(entry.team, start, count(entry.team)), array.slice(entry.team, 0, start))

start := place + 1 if {
	last := data.history.dids[input.did].last_by_reason.round_robin.receiver_number
	some place, agent in entry.team
	agent == last
}

else := 0
