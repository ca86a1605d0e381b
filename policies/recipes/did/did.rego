# METADATA
# title: The called DID
# description: What the directory says about the called DID, and who can take its calls. Answers no call itself.
package recipes.did

# METADATA
# description: The DID's entry in data.directory.dids, else data.directory["default"], else undefined.
entry := listed if listed := data.directory.dids[input.did]

else := data.directory["default"]

# METADATA
# description: Marks the answers given from the default entry, so that calls to an unlisted DID can be found.
tags := {} if data.directory.dids[input.did]

else := {"unknown_did": "true"}

# METADATA
# description: |
#   A number that a call can be forwarded to: not the caller, who would ring
#   themselves, and no DID, which would ask us again. The server refuses both
#   too, but then the fallback answers; here the next member does.
available(number) if {
	not number == input.caller_number
	not number == input.did
	not data.directory.dids[number]
}
