package main

import (
	"context"
	"net/http"
	"slices"

	"switchboard/engine"
)

// The office of testdata/scenarios/sales.yaml: the same team on a line with hours.
const (
	officeDID       = "918645658690"
	salesAfterHours = "9876543219"
)

// The promises of a line with hours.
const (
	closedRung promise = "closed_rung" // the team would be rung while closed
	openMissed promise = "open_missed" // the team would not be rung while open
)

// officeTimes are moments at which the office is asked about, with whether it is
// open.
var officeTimes = []struct {
	at, what string
	open     bool
}{
	{"2025-11-24T09:29:59+05:30", "a second before Monday's hours", false},
	{"2025-11-24T09:30:00+05:30", "the first second of Monday's hours", true},
	{"2025-11-24T18:29:59+05:30", "the last second of Monday's hours", true},
	{"2025-11-24T18:30:00+05:30", "a second after Monday's hours", false},
	{"2025-11-25T02:00:00+05:30", "the night", false},
	{"2025-11-22T13:59:59+05:30", "the last second of Saturday's hours", true},
	{"2025-11-22T14:00:00+05:30", "Saturday afternoon", false},
	{"2025-11-23T12:00:00+05:30", "Sunday noon", false},
	{"2026-01-26T12:00:00+05:30", "Republic Day, a Monday", false},
	{"2026-01-27T12:00:00+05:30", "the day after it", true},
}

// office asks who would be rung at other times: the server's clock is the real
// one.
func (d *salesDay) office(ctx context.Context) {
	for _, moment := range officeTimes {
		var told struct {
			Decision engine.Decision `json:"decision"`
		}
		caller := d.strangers(1)[0]
		if _, ok := d.tell(ctx, http.MethodPost, v1("route"),
			map[string]string{"caller_number": caller, "did": officeDID, "at": moment.at}, &told, http.StatusOK); !ok {
			return
		}
		number := told.Decision.Number
		switch {
		case moment.open && !slices.Contains(salesTeam, number):
			d.broken("what-if", openMissed, "%s (%s): %q would be reached, want one of the team", moment.what, moment.at, number)
		case !moment.open && number != salesAfterHours:
			d.broken("what-if", closedRung, "%s (%s): %q would be reached, want %s", moment.what, moment.at, number, salesAfterHours)
		}
		d.count("asked while " + map[bool]string{true: "open", false: "closed"}[moment.open] + ", reason " + told.Decision.Reason)
	}
}
