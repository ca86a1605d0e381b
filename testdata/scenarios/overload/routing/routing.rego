# METADATA
# title: Support
# description: The agent with the fewest calls, up to max_concurrent; beyond it the overflow.
package routing

entry := data.directory.dids[input.did]

decision := {"call_forwarding_number": agent, "reason": "least_busy"} if agent := free[0][2]

else := {"call_forwarding_number": entry.overflow, "reason": "overflow"}

free := sort([[calls, place, agent] |
	some place, agent in entry.team
	calls := in_flight(agent)
	calls < entry.max_concurrent
])

in_flight(agent) := n if n := data.history.receivers[agent].in_flight

else := 0
