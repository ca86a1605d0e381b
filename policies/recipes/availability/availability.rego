# METADATA
# title: Availability
# description: |
#   Who can take a call now, and why somebody cannot. The one place that every
#   other recipe asks. Answers no call itself.
package recipes.availability

import data.recipes.did

# METADATA
# description: Somebody whom a recipe asks for in person can take the call.
available(number) if not why(number)

# METADATA
# description: One of many, whoever it may be, can take the call.
in_turn(number) if not why_not_in_turn(number)

# METADATA
# description: Why somebody cannot take the call; undefined where they can.
why(number) := reason if reason := check(number, did.entry, false)

else := check(number, {}, false)

# METADATA
# description: |
#   The same for one of many, who also gets a moment after each conversation to
#   write it up. A caller who was cut off and rings again still reaches them.
why_not_in_turn(number) := reason if reason := check(number, did.entry, true)

else := check(number, {}, true)

# METADATA
# description: |
#   The reasons, in the order in which they are told. What the entry does not
#   limit costs nothing, and nobody's history is read for it. auto_paused is last,
#   because it alone gives way where nobody else is left.
check(number, entry, in_turn) := "caller" if number == input.caller_number

else := "did" if number == input.did

else := "did" if data.directory.dids[number]

else := break if break := on_break(data.facts.paused[number])

else := break if {
	data.directory.paused
	break := on_break(data.directory.paused[number])
}

else := "busy" if {
	most := entry.max_concurrent
	talking(number, entry) >= most
}

else := "daily_cap" if {
	most := entry.daily_cap
	data.history.receivers[number].days[input.time.date].offered >= most
}

else := "wrap_up" if {
	in_turn == true
	seconds := entry.wrapup_seconds
	data.history.receivers[number].last_answered.ended_at > input.time.unix - seconds
}

else := "auto_paused" if {
	entry.auto_pause
	missed_lately(number, entry)
}

# METADATA
# description: |
#   The first of a list who can take the call. Where nobody can, those who are
#   paused for calls that they missed are better than nobody.
first(numbers) := number if {
	number := numbers[0]
	in_turn(number)
}

else := number if number := [number | some number in numbers; in_turn(number)][0]

else := [number | some number in numbers; why_not_in_turn(number) == "auto_paused"][0]

# METADATA
# description: Whom first passed over on its way, each with the reason.
passed_over(numbers) := [{"number": number, "why": why} |
	some number in array.slice(numbers, 0, min([i | some i, number in numbers; in_turn(number)]))
	why := why_not_in_turn(number)
] if {
	in_turn(first(numbers))
}

else := [{"number": number, "why": why} |
	some number in numbers
	number != chosen(numbers)
	why := why_not_in_turn(number)
]

chosen(numbers) := number if number := first(numbers)

else := "nobody"

# METADATA
# description: |
#   On a break: by a fact, which ends by itself, or by the directory's list. One
#   that says {"why": "lunch"} is told in the reason, and one with "until" (unix
#   seconds) ends then.
on_break(break) := text if {
	break != false
	not over(break)
	text := because(break)
}

over(break) if {
	break.until > 0
	break.until <= input.time.unix
}

because(break) := text if text := concat(": ", ["paused", break.why])

else := concat(": ", ["paused", break]) if is_string(break)

else := "paused"

# METADATA
# description: |
#   Calls in flight, on all DIDs. Where there are any, only those count that are
#   not so old that their end was probably never reported.
talking(number, entry) := 0 if data.history.receivers[number].in_flight == 0

else := count([call |
	some call in data.history.receivers[number].calls
	call.status == "in_flight"
	call.routed_at > input.time.unix - (object.get(entry, "busy_minutes", 30) * 60)
])

# METADATA
# description: Too many unanswered calls in a row, the last one not long ago.
missed_lately(number, entry) if {
	data.history.receivers[number].unanswered_streak >= unanswered(entry)
	missed := [last_time(call) |
		some call in data.history.receivers[number].calls
		call.status == "notanswered"
		not abandoned(call)
	]
	max(missed) > input.time.unix - (pause_minutes(entry) * 60)
}

unanswered(entry) := n if n := entry.auto_pause.unanswered

else := 3

pause_minutes(entry) := n if n := entry.auto_pause.minutes

else := 10

# METADATA
# description: The caller gave up, which says nothing about the agent.
abandoned(call) if startswith(call.hangup_cause, "initiator_")

# METADATA
# description: |
#   The latest known time of a call. Unknown ones are null, which is smaller than
#   any number.
last_time(call) := max([call.routed_at, call.received_at, call.ended_at])
