package directory_test

# These tests hold the data in data.yaml, not rules: the server runs them before
# an edit goes live, so that a slip is reported instead of routed.

test_the_data_follows_its_schema if {
	[ok, problems] := json.match_schema(data.directory, data.schemas.directory)
	print("directory/data.yaml:", [problem.desc | some problem in problems]) # regal ignore:print-or-trace-call
	ok
}

entries := array.concat(
	[entry | some entry in data.directory.dids],
	[entry | entry := data.directory["default"]],
)

test_zones_are_known if {
	every entry in entries {
		time.clock([0, object.get(entry, "zone", "UTC")])
	}
}

test_windows_are_not_empty if {
	every entry in entries {
		every day, windows in object.get(entry, "hours", {}) {
			every window in windows {
				print(day, "opens and closes at", window.from) # regal ignore:print-or-trace-call
				window.from != window.to
			}
		}
	}
}

test_nobody_is_forwarded_to_a_did if {
	every entry in entries {
		every number in array.concat(entry.team, [number | number := entry.after_hours]) {
			print(number, "is a DID of ours: a call to it would loop") # regal ignore:print-or-trace-call
			not data.directory.dids[number]
		}
	}
}

test_holidays_are_dates if {
	every entry in entries {
		every date, _ in object.get(entry, "holidays", {}) {
			print(date, "is no date") # regal ignore:print-or-trace-call
			time.parse_ns("2006-01-02", date)
		}
	}
}
