package recipes.team_test

import data.recipes.team

# A row: the DID's entry, the team that a step chose, the members wanted.
cases := {
	"its own list": {"entry": {"team": [asha, ravi]}, "want": [asha, ravi]},
	"its own, by name": {"entry": {"team": "sales"}, "want": [ravi, meena]},
	"chosen": {"entry": {"team": [asha]}, "chosen": "sales", "want": [ravi, meena]},
	"chosen, but unknown": {"entry": {"team": [asha]}, "chosen": "sale", "want": [asha]},
	"its own name is unknown": {"entry": {"team": "sale"}, "want": "none"},
	"nobody": {"entry": {"team": []}, "want": "none"},
	"nobody of its own, but chosen": {"entry": {"team": []}, "chosen": "sales", "want": [ravi, meena]},
	"not in the directory": {"entry": null, "want": "none"},
	"not in the directory, with a default": {"entry": null, "default": {"team": [asha]}, "want": [asha]},
}

test_members[name] if {
	some name, c in cases
	members(c) == c.want
}

test_a_chosen_team_has_a_rotation_of_its_own if {
	rotation({"chosen": "sales"}) == "round_robin_sales"
	rotation({"chosen": "sale"}) == "round_robin"
	rotation({"entry": {"team": "sales"}}) == "round_robin"
}

belongs := {
	"own": {"entry": {"team": [asha]}, "number": asha, "want": true},
	"own by name": {"entry": {"team": "sales"}, "number": ravi, "want": true},
	"of a region": {"entry": {"team": [asha], "regions": {"98": "sales"}}, "number": ravi, "want": true},
	"of a rollout": {"entry": {"team": [asha], "rollout": {"team": "sales"}}, "number": ravi, "want": true},
	"of another DID": {"entry": {"team": [asha]}, "number": ravi, "want": false},
	"without a number": {"entry": {"team": [asha]}, "number": "", "want": false},
	"not in the directory": {"entry": null, "number": asha, "want": false},
}

test_agents[name] if {
	some name, c in belongs
	agent(c) == c.want
}

# The caller's own region may choose another team than theirs.
test_an_agent_of_the_own_team_belongs_whatever_team_is_chosen if {
	team.agent(asha) with input as {"did": did}
		with data.directory as directory({"entry": {"team": [asha]}})
		with data.routing.team as "sales"
}

test_own_is_the_entrys_whatever_team_is_chosen if {
	team.own == [asha] with input as {"did": did}
		with data.directory as directory({"entry": {"team": [asha]}})
		with data.routing.team as "sales"
}

did := "918645658689"

asha := "9876543210"

ravi := "9876543211"

meena := "9876543212"

directory(c) := object.union(
	{
		"teams": {"sales": [ravi, meena]},
		"dids": {number: entry | some number, entry in {did: object.get(c, "entry", null)}; entry != null},
	},
	{"default": object.get(c, "default", {})},
)

default members(_) := "none"

members(c) := numbers if {
	numbers := team.members with input as {"did": did}
		with data.directory as directory(c)
		with data.routing.team as object.get(c, "chosen", "")
}

rotation(c) := reason if {
	reason := team.rotation with input as {"did": did}
		with data.directory as directory(c)
		with data.routing.team as object.get(c, "chosen", "")
}

default agent(_) := false

agent(c) if {
	team.agent(c.number) with input as {"did": did}
		with data.directory as directory(c)
}
