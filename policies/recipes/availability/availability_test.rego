package recipes.availability_test

import data.recipes.availability

# A row is a situation of the agent 9876543210 and why they cannot take the call
# of 9988912345; "" where they can. Leave out what does not matter.
#   entry    the DID's entry in the directory
#   fact     data.facts.paused of the agent
#   listed   data.directory.paused of the agent
#   profile  data.history.receivers of the agent
#   caller   another caller
cases := {
	"nothing known": {"want": ""},
	"the caller": {"caller": agent, "want": "caller"},
	"a caller without a number": {"caller": "", "want": ""},
	"a masked caller": {"caller": "98765xxxxx", "want": ""},
	"on a break": {"fact": true, "want": "paused"},
	"on a break, with a reason": {"fact": {"why": "lunch"}, "want": "paused: lunch"},
	"on a break, in a word": {"fact": "lunch", "want": "paused: lunch"},
	"on a break without more": {"fact": {}, "want": "paused"},
	"the break was taken back": {"fact": false, "want": ""},
	"a break until a second from now": {"fact": {"until": now + 1}, "want": "paused"},
	"a break until now": {"fact": {"until": now}, "want": ""},
	"a break without an end": {"fact": {"why": "leave", "until": null}, "want": "paused: leave"},
	"off by the directory": {"listed": "parental leave", "want": "paused: parental leave"},
	"off by the directory, without more": {"listed": true, "want": "paused"},
	"back by the directory": {"listed": false, "want": ""},
	"back by a fact, off by the directory": {"fact": false, "listed": "leave", "want": "paused: leave"},
	"talking, no limit": {"profile": talking([60]), "want": ""},
	"talking": {"entry": {"max_concurrent": 1}, "profile": talking([60]), "want": "busy"},
	"one of two lines is free": {"entry": {"max_concurrent": 2}, "profile": talking([60]), "want": ""},
	"both lines are taken": {"entry": {"max_concurrent": 2}, "profile": talking([60, 90]), "want": "busy"},
	"never called, limited": {"entry": {"max_concurrent": 1, "daily_cap": 1, "auto_pause": true, "wrapup_seconds": 9}, "want": ""},
	"busy for 29:59": {"entry": {"max_concurrent": 1}, "profile": talking([1799]), "want": "busy"},
	"busy for 30:00": {"entry": {"max_concurrent": 1}, "profile": talking([1800]), "want": ""},
	"busy for 9:59 of ten minutes": {"entry": {"max_concurrent": 1, "busy_minutes": 10}, "profile": talking([599]), "want": "busy"},
	"busy for 10:00 of ten minutes": {"entry": {"max_concurrent": 1, "busy_minutes": 10}, "profile": talking([600]), "want": ""},
	"one call short of the cap": {"entry": {"daily_cap": 5}, "profile": today(4), "want": ""},
	"at the cap": {"entry": {"daily_cap": 5}, "profile": today(5), "want": "daily_cap"},
	"a cap of none": {"entry": {"daily_cap": 0}, "profile": today(0), "want": "daily_cap"},
	"yesterday does not count": {"entry": {"daily_cap": 5}, "profile": {"days": {"2025-11-23": {"offered": 9}}}, "want": ""},
	"two missed": {"entry": {"auto_pause": true}, "profile": missed(2, 60), "want": ""},
	"three missed": {"entry": {"auto_pause": true}, "profile": missed(3, 60), "want": "auto_paused"},
	"three missed, no auto_pause": {"profile": missed(3, 60), "want": ""},
	"three missed, auto_pause off": {"entry": {"auto_pause": false}, "profile": missed(3, 60), "want": ""},
	"the last one missed 9:59 ago": {"entry": {"auto_pause": true}, "profile": missed(3, 599), "want": "auto_paused"},
	"the last one missed 10:00 ago": {"entry": {"auto_pause": true}, "profile": missed(3, 600), "want": ""},
	"one missed is too many": {"entry": {"auto_pause": {"unanswered": 1}}, "profile": missed(1, 60), "want": "auto_paused"},
	"paused for a minute, at 59 seconds": {"entry": {"auto_pause": {"minutes": 1}}, "profile": missed(3, 59), "want": "auto_paused"},
	"paused for a minute, at 60 seconds": {"entry": {"auto_pause": {"minutes": 1}}, "profile": missed(3, 60), "want": ""},
	"writing up": {"entry": {"wrapup_seconds": 30}, "profile": talked(29), "want": "wrap_up"},
	"written up": {"entry": {"wrapup_seconds": 30}, "profile": talked(30), "want": ""},
	"no time to write up": {"profile": talked(1), "want": ""},
	"an end that is not known": {"entry": {"wrapup_seconds": 30}, "profile": {"last_answered": {"ended_at": null}}, "want": ""},
	"paused and busy": {"fact": true, "entry": {"max_concurrent": 1}, "profile": talking([60]), "want": "paused"},
}

test_why[name] if {
	some name, c in cases
	why(c) == c.want
}

test_in_turn_is_the_lack_of_a_reason[name] if {
	some name, c in cases
	free := c.want == ""
	in_turn(c) == free
}

# Whom the caller asks for in person need not have written up the last call.
test_in_person[name] if {
	some name, c in cases
	free := c.want in ["", "wrap_up"]
	available(c) == free
}

test_dids_would_loop if {
	availability.why("918645658689") == "did" with input as {"did": "918645658689"}
	availability.why("918645658690") == "did" with input as {"did": "918645658689"}
		with data.directory as {"dids": {"918645658690": {}}}
}

# The caller who gave up after two rings says nothing about the agent.
test_calls_that_the_caller_ended_do_not_prolong_the_pause if {
	calls := [
		object.union(call("notanswered", 60), {"hangup_cause": "initiator_hangup"}),
		object.union(call("notanswered", 600), {"hangup_cause": "receiver_hangup"}),
	]
	why({"entry": {"auto_pause": true}, "profile": {"unanswered_streak": 3, "calls": calls}}) == ""
}

test_times_may_be_unknown if {
	undated := object.union(call("notanswered", 60), {"routed_at": null, "received_at": null, "ended_at": null})
	why({"entry": {"auto_pause": true}, "profile": {"unanswered_streak": 3, "calls": [undated]}}) == ""
}

test_a_did_that_is_not_in_the_directory if {
	why({"entry": null, "fact": true, "want": ""}) == "paused"
	why({"entry": null, "profile": talking([60]), "want": ""}) == ""
}

now := 1763966100 # Monday, 2025-11-24, 12:05

agent := "9876543210"

did := "918645658689"

call(status, ago) := {"did": did, "status": status, "routed_at": now - ago, "received_at": null, "ended_at": null}

talking(ages) := {"in_flight": count(ages), "calls": [call("in_flight", age) | some age in ages]}

talked(ago) := {"in_flight": 0, "last_answered": {"ended_at": now - ago}}

missed(n, ago) := {
	"unanswered_streak": n,
	"calls": [call("notanswered", ago + (60 * i)) | some i in numbers.range(0, n - 1)],
}

today(n) := {"days": {"2025-11-24": {"offered": n}}}

asked(c) := {
	"caller_number": object.get(c, "caller", "9988912345"),
	"did": did,
	"time": {"unix": now, "date": "2025-11-24"},
}

directory(c) := {
	"dids": {number: entry | some number, entry in {did: object.get(c, "entry", {})}; entry != null},
	"paused": {number: why | some number, why in {agent: object.get(c, "listed", null)}; why != null},
}

facts(c) := {"paused": {number: fact | some number, fact in {agent: object.get(c, "fact", null)}; fact != null}}

history(c) := {"receivers": {number: p | some number, p in {agent: object.get(c, "profile", null)}; p != null}}

default why(_) := ""

why(c) := why if {
	why := availability.why_not_in_turn(agent) with input as asked(c)
		with data.directory as directory(c)
		with data.facts as facts(c)
		with data.history as history(c)
}

default in_turn(_) := false

in_turn(c) if {
	availability.in_turn(agent) with input as asked(c)
		with data.directory as directory(c)
		with data.facts as facts(c)
		with data.history as history(c)
}

default available(_) := false

available(c) if {
	availability.available(agent) with input as asked(c)
		with data.directory as directory(c)
		with data.facts as facts(c)
		with data.history as history(c)
}
