package directory_test

# These tests hold the data in data.yaml, not rules: the server runs them before
# an edit goes live, so that a slip is reported instead of routed. What they print
# names the DID and the field. Of a large directory they look at the first thousand
# DIDs, in a test of its own: to find them takes a pass through all, which is for
# once and not for each test. switchboard check, and the server at every edit, look
# at all of them.

test_the_data_follows_its_schema if follows_the_schema(few)

test_zones_are_known if {
	every did, entry in entries { zone_known(did, entry) }
}

test_windows_are_not_empty if {
	every did, entry in entries { windows_open(did, entry) }
}

test_nobody_is_forwarded_to_a_did if {
	every did, entry in entries { no_loop(did, entry) }
	every place in places(data.directory) {
		print(place.field, place.number, "is a DID of ours: a call to it would loop") # regal ignore:print-or-trace-call
		not is_did(place.number)
	}
}

test_holidays_are_dates if {
	every did, entry in entries { dated(did, entry) }
}

test_teams_are_known if {
	every did, entry in entries { teams_known(did, entry) }
}

test_weights_sum_to_100 if {
	every did, entry in entries { whole(did, entry) }
}

test_weights_are_for_members if {
	every did, entry in entries { shared_by_members(did, entry) }
}

test_the_first_thousand_of_many if the_first_thousand_are_sound

the_first_thousand_are_sound if not large

the_first_thousand_are_sound if {
	large
	first := {did: data.directory.dids[did] |
		some did in array.slice(sort(object.keys(data.directory.dids)), 0, 1000)
	}
	follows_the_schema(first)
	every did, entry in first {
		zone_known(did, entry)
		windows_open(did, entry)
		no_loop(did, entry)
		dated(did, entry)
		teams_known(did, entry)
		whole(did, entry)
		shared_by_members(did, entry)
	}
}

# What each test looks at: all DIDs where they are few, and the entry of all others.
entries := object.union(few, {"default": entry | entry := data.directory["default"]})

few := {} if large

else := object.get(data.directory, "dids", {})

large if count(data.directory.dids) > 1000

follows_the_schema(shown) if {
	beside := object.remove(data.directory, ["dids"])
	dids := {"dids": shown | data.directory.dids}
	[ok, problems] := json.match_schema(object.union(beside, dids), data.schemas.directory)
	print(concat("\n", [sprintf("directory/data.yaml: %s: %s", [problem.field, problem.desc]) | some problem in problems])) # regal ignore:print-or-trace-call
	ok
}

zone_known(did, entry) if {
	print(did, "zone:", object.get(entry, "zone", "UTC"), "is not known") # regal ignore:print-or-trace-call
	time.clock([0, object.get(entry, "zone", "UTC")])
}

windows_open(did, entry) if {
	every day, windows in object.get(entry, "hours", {}) {
		every window in windows {
			print(did, "hours:", day, "opens and closes at", window.from) # regal ignore:print-or-trace-call
			window.from != window.to
		}
	}
}

no_loop(did, entry) if {
	every place in places(entry) {
		print(did, place.field, place.number, "is a DID of ours: a call to it would loop") # regal ignore:print-or-trace-call
		not is_did(place.number)
	}
}

is_did(number) if data.directory.dids[number]

# Where numbers stand to which calls are forwarded, in an entry or beside them.
places(entry) := array.concat(
	array.concat(
		[{"field": field, "number": number} |
			some field in ["after_hours", "override", "no_session_to", "overflow"]
			number := entry[field]
		],
		[{"field": field, "number": number} |
			some field in ["team", "overflow", "pairs"]
			some number in flat(entry[field])
		],
	),
	array.concat(
		[{"field": "vip", "number": number} | some person in entry.vip; some number in [person.to, person.backup]],
		array.concat(
			[{"field": "vip", "number": person.to} | some person in entry.vip],
			[{"field": name, "number": number} | some name, team in entry.teams; some number in team],
		),
	),
)

# The numbers of a list, or of a list of lists.
flat(list) := [number | some part in list; some number in parts(part)]

parts(part) := part if is_array(part)

else := [part]

dated(did, entry) if {
	every date, _ in object.get(entry, "holidays", {}) {
		print(did, "holidays:", date, "is no date") # regal ignore:print-or-trace-call
		time.parse_ns("2006-01-02", date)
	}
}

teams_known(did, entry) if {
	every use in names(entry) {
		print(did, use.field, use.name, "is none of the teams") # regal ignore:print-or-trace-call
		data.directory.teams[use.name]
	}
}

names(entry) := array.concat(
	array.concat(
		[{"field": "team:", "name": entry.team} | is_string(entry.team)],
		[{"field": "rollout:", "name": name} | name := entry.rollout.team],
	),
	[{"field": "regions:", "name": name} | some name in entry.regions],
)

whole(did, entry) if {
	every weights in [weights | weights := entry.distribution.weights] {
		total := sum([weight | some weight in weights])
		print(did, "distribution.weights sum to", total) # regal ignore:print-or-trace-call
		total == 100
	}
}

shared_by_members(did, entry) if {
	every number, _ in object.get(object.get(entry, "distribution", {}), "weights", {}) {
		print(did, "distribution.weights:", number, "is not in the team") # regal ignore:print-or-trace-call
		number in members(entry)
	}
}

members(entry) := data.directory.teams[entry.team] if is_string(entry.team)

else := entry.team
