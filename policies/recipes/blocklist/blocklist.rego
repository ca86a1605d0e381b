# METADATA
# title: Blocklist
# description: Rejects the callers listed in data.directory.blocklist, on every DID.
package recipes.blocklist

import data.recipes.vip

# METADATA
# title: Blocked caller
# description: Rejects the call, unless the caller is a VIP.
# labels:
#   rule: blocklist.decision
decision := {"reject": true, "reason": "blocked"} if {
	blocked
	not vip.listed
}

# METADATA
# title: Listed number
# description: The caller's number is listed. A caller without a number never is.
# labels:
#   rule: blocklist.number
blocked if {
	data.directory.blocklist.numbers[input.caller_number] # else: the caller is not listed
	input.caller_number != ""
}

# METADATA
# title: Listed prefix
# description: The caller's number begins with a listed prefix. An empty prefix would match everybody and is ignored.
# labels:
#   rule: blocklist.prefix
blocked if {
	some prefix in data.directory.blocklist.prefixes
	startswith(input.caller_number, prefix) # else: the caller is not listed
	prefix != ""
}

# METADATA
# title: Anonymous caller
# description: The caller withheld the number, and the directory says that such calls are rejected.
# labels:
#   rule: blocklist.anonymous
blocked if {
	data.directory.blocklist.anonymous == true
	input.caller.anonymous == true
}
