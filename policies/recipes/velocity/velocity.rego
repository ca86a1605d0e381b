# METADATA
# title: Velocity
# description: |
#   Rejects a caller who calls too often: {calls: 5, minutes: 10} lets five calls
#   through in any ten minutes. Off for entries without velocity.
package recipes.velocity

import data.recipes.did
import data.recipes.vip

# METADATA
# title: Too many calls
# description: Rejects the call. Rejected calls do not count as calls, so it ends by itself.
# labels:
#   rule: velocity.decision
decision := {"reject": true, "reason": "velocity"} if exceeded

# METADATA
# description: |
#   As many calls as are allowed are all younger than the minutes allow: the
#   oldest of them is. Calls to all DIDs count. The history shows a caller's
#   twenty newest, so the limit can be twenty at most; a caller without a number
#   has no history.
exceeded if {
	limit := did.entry.velocity
	call := data.history.callers[input.caller_number].calls[limit.calls - 1]
	max([call.routed_at, call.received_at, call.ended_at]) > input.time.unix - (limit.minutes * 60)
	not vip.listed
}
