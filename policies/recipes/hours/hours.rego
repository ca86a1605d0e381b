# METADATA
# title: Business hours
# description: |
#   Sends calls outside the DID's hours to its after_hours number. An entry
#   without hours is always open.
package recipes.hours

import data.recipes.availability
import data.recipes.did

# METADATA
# title: After hours
# description: |
#   The DID is closed. When the caller is the after_hours person, the step steps
#   aside and the team rings: somebody else has to.
# labels:
#   rule: hours.decision
decision := {
	"call_forwarding_number": number,
	"reason": "after_hours",
	"tags": did.tags,
} if {
	closed
	number := did.entry.after_hours
	did.available(number)
}

attempt := answer if {
	closed
	answer := decision
}

else := {"step": "hours", "in_vain": [{"number": number, "why": availability.why(number)}]} if {
	closed
	number := did.entry.after_hours
}

# METADATA
# description: |
#   The entry has hours and none of their windows is open. In an unknown zone
#   there is no local time: neither open nor closed, and a builtin error.
closed if {
	did.entry.hours
	not open # else: it is within the hours
	local
}

# METADATA
# description: A window of today, half open, so 09:30 to 18:30 is open at 09:30:00 and closed at 18:30:00.
open if {
	entry := did.entry
	now := local
	some window in entry.hours[now.weekday]
	window.from <= now.clock
	now.clock < window.to
	not entry.holidays[now.date]
}

# METADATA
# description: The evening of a window over midnight, 22:00 to 06:00.
open if {
	some window in did.entry.hours[local.weekday]
	window.from > window.to
	window.from <= local.clock
	not did.entry.holidays[local.date]
}

# METADATA
# description: Its morning after. The window belongs to the day it started on, and so does that day's holiday.
open if {
	some window in did.entry.hours[day_before[local.weekday]]
	window.from > window.to
	local.clock < window.to
	not did.entry.holidays[yesterday]
}

# METADATA
# description: |
#   Weekday, date and clock where the DID is. The server has computed them for
#   its own zone; only an entry that names another zone costs a conversion.
local := input.time if not did.entry.zone

else := input.time if did.entry.zone == input.time.zone

else := {"weekday": weekday, "date": date, "clock": clock} if {
	text := time.format([input.time.ns, did.entry.zone, "Monday 2006-01-02 15:04"])
	[weekday, date, clock] := split(lower(text), " ")
}

# METADATA
# description: The date before the local one, by the calendar; 24 hours back would miss it when the clocks change.
yesterday := time.format([midnight - 43200000000000, "UTC", "2006-01-02"]) if {
	midnight := time.parse_ns("2006-01-02", local.date)
}

day_before := {
	"monday": "sunday",
	"tuesday": "monday",
	"wednesday": "tuesday",
	"thursday": "wednesday",
	"friday": "thursday",
	"saturday": "friday",
	"sunday": "saturday",
}
