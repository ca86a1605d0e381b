package recipes.hours_zone_test

import data.recipes.hours

# Seconds matter here: the local clock comes from input.time.ns. All times are
# Monday, 2025-11-24, in Dubai, where it is an hour and a half earlier than in
# the server's zone.
dubai(ns) := {
	"caller_number": "9988912345",
	"did": "97145551234",
	"time": {"zone": "Asia/Kolkata", "date": "not", "weekday": "to be", "clock": "used", "ns": ns},
}

midnight := 1763928000000000000

at(h, m, s) := midnight + ((((h * 3600) + (m * 60)) + s) * 1000000000)

entry := {
	"team": ["9876543210"],
	"zone": "Asia/Dubai",
	"after_hours": "9876543219",
	"hours": {"monday": [{"from": "09:30", "to": "18:30"}], "sunday": [{"from": "23:00", "to": "01:00"}]},
}

open_at(ns) if hours.open with input as dubai(ns) with data.directory as {"dids": {"97145551234": entry}}

closed_at(ns) if {
	hours.decision with input as dubai(ns) with data.directory as {"dids": {"97145551234": entry}}
}

test_the_zone_of_the_did_counts if {
	hours.local == {"weekday": "monday", "date": "2025-11-24", "clock": "09:30"} with input as dubai(at(9, 30, 0))
		with data.directory as {"dids": {"97145551234": entry}}
}

test_boundaries_to_the_second if {
	closed_at(at(9, 29, 59))
	open_at(at(9, 30, 0))
	open_at(at(18, 29, 59))
	closed_at(at(18, 30, 0))
}

test_over_midnight_in_the_zone_of_the_did if {
	closed_at(midnight - (3601 * 1000000000))
	open_at(midnight - (3600 * 1000000000))
	open_at(at(0, 59, 59))
	closed_at(at(1, 0, 0))
}

test_the_servers_zone_by_name_costs_no_conversion if {
	same := {"97145551234": object.union(entry, {"zone": "Asia/Kolkata"})}
	hours.local.weekday == "to be" with input as dubai(at(9, 30, 0)) with data.directory as {"dids": same}
}

# The night of 2025-03-30 has 23 hours in Berlin. At half past midnight of the
# 31st, 24 hours ago was the 29th, but yesterday was the 30th.
test_yesterday_when_the_clocks_change if {
	after := {"did": "4930555123", "time": {"zone": "Asia/Kolkata", "ns": 1743373800000000000}}
	berlin := {"4930555123": {"zone": "Europe/Berlin"}}
	hours.local.clock == "00:30" with input as after with data.directory as {"dids": berlin}
	hours.yesterday == "2025-03-30" with input as after with data.directory as {"dids": berlin}
}
