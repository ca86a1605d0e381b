# METADATA
# title: The team
# description: Whose calls these are. Answers no call itself.
package recipes.team

import data.recipes.did
import data.routing

# METADATA
# description: |
#   The numbers of the team, in the order of its list: the team that a line of
#   routing.team chose, else the DID's own. An entry lists its team's numbers or
#   names one of data.directory.teams.
members := numbers if {
	data.directory.teams
	numbers := data.directory.teams[routing.team]
}

else := own

# METADATA
# description: The DID's own team, whoever takes this call.
own := numbers if {
	data.directory.teams
	numbers := data.directory.teams[did.entry.team]
}

else := numbers if {
	numbers := did.entry.team
	numbers[0]
}

# METADATA
# description: |
#   The reason that a call in rotation has, and by which the rotation finds its
#   last one. A chosen team has one of its own: two teams that take turns on a
#   DID would otherwise both start from the top at every change.
rotation := concat("_", ["round_robin", routing.team]) if {
	data.directory.teams
	data.directory.teams[routing.team]
}

else := "round_robin"

# METADATA
# description: A number that belongs to any team that takes calls of this DID.
agent(number) if number in own

else if {
	some name in did.entry.regions
	number in data.directory.teams[name]
}

else if number in data.directory.teams[did.entry.rollout.team]
