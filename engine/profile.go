package engine

import "encoding/json"

// ProfileKind names one of the three collections of profiles.
type ProfileKind string

// The collections of profiles, spelled as in data.history and in the API.
const (
	Callers   ProfileKind = "callers"
	Receivers ProfileKind = "receivers"
	DIDs      ProfileKind = "dids"
)

// ProfileCalls is how many of the newest calls a profile shows.
const ProfileCalls = 20

// ProfileDays is how many local days a profile shows, back from its newest.
const ProfileDays = 31

// Totals counts calls. Offered = Answered + Unanswered + Other + Expired + in
// flight; only answered calls add talk time.
type Totals struct {
	Offered     int64 `json:"offered"`
	Answered    int64 `json:"answered"`
	Unanswered  int64 `json:"unanswered"`
	Other       int64 `json:"other"`
	Expired     int64 `json:"expired"`
	TalkSeconds int64 `json:"talk_seconds"`
}

// Day is the totals of one local date ("2025-11-22").
type Day struct {
	Date string
	Totals
}

// Profile is what the history knows of one number at one moment: expiry is
// already applied. It is immutable.
type Profile struct {
	Calls            []*Call // newest first, at most ProfileCalls
	InFlight         int64
	UnansweredStreak int64
	Totals           Totals
	Days             []Day // newest first, at most ProfileDays
	LastOffered      *Call
	LastAnswered     *Call
	LastByReason     map[string]*Call
}

// MarshalJSON writes a profile as policies see it at data.history.
func (p *Profile) MarshalJSON() ([]byte, error) {
	days := make(map[string]Totals, len(p.Days))
	for _, d := range p.Days {
		days[d.Date] = d.Totals
	}
	calls, reasons := p.Calls, p.LastByReason
	if calls == nil {
		calls = []*Call{}
	}
	if reasons == nil {
		reasons = map[string]*Call{}
	}
	type wire struct {
		Calls            []*Call           `json:"calls"`
		InFlight         int64             `json:"in_flight"`
		UnansweredStreak int64             `json:"unanswered_streak"`
		Totals           Totals            `json:"totals"`
		Days             map[string]Totals `json:"days"`
		LastOffered      *Call             `json:"last_offered,omitempty"`
		LastAnswered     *Call             `json:"last_answered,omitempty"`
		LastByReason     map[string]*Call  `json:"last_by_reason"`
	}
	return json.Marshal(wire{calls, p.InFlight, p.UnansweredStreak, p.Totals, days,
		p.LastOffered, p.LastAnswered, reasons})
}
