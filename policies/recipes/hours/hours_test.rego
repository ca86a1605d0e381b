package recipes.hours_test

import data.recipes.hours

entry := {
	"team": ["9876543210"],
	"after_hours": "9876543219",
	"holidays": {"2025-11-24": "a Monday off"},
	"hours": {
		"monday": [{"from": "09:30", "to": "18:30"}],
		"tuesday": [{"from": "09:00", "to": "13:00"}, {"from": "14:00", "to": "18:00"}],
		"wednesday": [{"from": "22:00", "to": "06:00"}],
		"friday": [{"from": "00:00", "to": "24:00"}],
		"saturday": [],
	},
}

call(date, weekday, clock) := {
	"caller_number": "9988912345",
	"did": "918645658689",
	"time": {"zone": "Asia/Kolkata", "date": date, "weekday": weekday, "clock": clock},
}

# open_at(...) is not the negation of "the step answers": both must hold.
open_at(date, weekday, clock) if {
	hours.open with input as call(date, weekday, clock) with data.directory as {"dids": {"918645658689": entry}}
	not hours.decision with input as call(date, weekday, clock) with data.directory as {"dids": {"918645658689": entry}}
}

closed_at(date, weekday, clock) if {
	answer := hours.decision with input as call(date, weekday, clock)
		with data.directory as {"dids": {"918645658689": entry}}
	answer == {"call_forwarding_number": "9876543219", "reason": "after_hours", "tags": {}}
}

test_half_open_window if {
	closed_at("2025-11-17", "monday", "00:00")
	closed_at("2025-11-17", "monday", "09:29")
	open_at("2025-11-17", "monday", "09:30")
	open_at("2025-11-17", "monday", "18:29")
	closed_at("2025-11-17", "monday", "18:30")
}

test_several_windows_a_day if {
	open_at("2025-11-18", "tuesday", "12:59")
	closed_at("2025-11-18", "tuesday", "13:00")
	closed_at("2025-11-18", "tuesday", "13:59")
	open_at("2025-11-18", "tuesday", "14:00")
	closed_at("2025-11-18", "tuesday", "18:00")
}

test_over_midnight_belongs_to_the_day_it_starts_on if {
	closed_at("2025-11-19", "wednesday", "05:59")
	closed_at("2025-11-19", "wednesday", "21:59")
	open_at("2025-11-19", "wednesday", "22:00")
	open_at("2025-11-19", "wednesday", "23:59")
	open_at("2025-11-20", "thursday", "00:00")
	open_at("2025-11-20", "thursday", "05:59")
	closed_at("2025-11-20", "thursday", "06:00")
	closed_at("2025-11-20", "thursday", "22:00")
}

test_a_whole_day if {
	open_at("2025-11-21", "friday", "00:00")
	open_at("2025-11-21", "friday", "23:59")
	closed_at("2025-11-22", "saturday", "00:00")
}

test_a_day_without_windows_is_closed if {
	closed_at("2025-11-22", "saturday", "12:00") # an empty list
	closed_at("2025-11-23", "sunday", "12:00") # left out
}

test_a_holiday_is_closed if {
	closed_at("2025-11-24", "monday", "12:00")
	open_at("2025-12-01", "monday", "12:00")
}

holiday_on(date) := object.union(entry, {"holidays": {date: "off"}})

test_a_holiday_closes_what_starts_on_it_through_the_night if {
	off := {"918645658689": holiday_on("2025-11-19")}
	hours.closed with input as call("2025-11-19", "wednesday", "23:00") with data.directory as {"dids": off}
	hours.closed with input as call("2025-11-20", "thursday", "05:00") with data.directory as {"dids": off}
}

test_a_holiday_leaves_the_night_that_began_before_it if {
	off := {"918645658689": holiday_on("2025-11-20")}
	hours.open with input as call("2025-11-20", "thursday", "05:00") with data.directory as {"dids": off}
}

test_the_day_before_the_first_of_a_year_and_of_a_march if {
	hours.yesterday == "2025-12-31" with input as call("2026-01-01", "thursday", "05:00")
		with data.directory as {"dids": {"918645658689": entry}}
	hours.yesterday == "2028-02-29" with input as call("2028-03-01", "wednesday", "05:00")
		with data.directory as {"dids": {"918645658689": entry}}
}

test_without_hours_always_open if {
	always := {"918645658689": {"team": [], "after_hours": "9876543219"}}
	not hours.decision with input as call("2025-11-23", "sunday", "03:00") with data.directory as {"dids": always}
}

test_with_no_hours_at_all_always_closed if {
	never := {"918645658689": object.union(object.remove(entry, ["hours"]), {"hours": {}})}
	hours.decision with input as call("2025-11-17", "monday", "12:00") with data.directory as {"dids": never}
}

test_the_after_hours_person_does_not_ring_themselves if {
	own := object.union(call("2025-11-23", "sunday", "12:00"), {"caller_number": "9876543219"})
	hours.closed with input as own with data.directory as {"dids": {"918645658689": entry}}
	not hours.decision with input as own with data.directory as {"dids": {"918645658689": entry}}
}

test_a_did_as_after_hours_number_would_loop if {
	dids := {"918645658689": object.union(entry, {"after_hours": "918645658690"}), "918645658690": entry}
	not hours.decision with input as call("2025-11-23", "sunday", "12:00") with data.directory as {"dids": dids}
}

test_a_did_that_is_not_in_the_directory if {
	night := call("2025-11-23", "sunday", "12:00")
	not hours.decision with input as night with data.directory as {"dids": {}}
	answer := hours.decision with input as night with data.directory as {"dids": {}, "default": entry}
	answer.tags == {"unknown_did": "true"}
}
