package engine

import "time"

// StatsFilter selects what is summed; a zero field selects all. Numbers are
// canonical.
type StatsFilter struct {
	From, To      time.Time // by Call.At, rounded to whole local hours: From down, To up
	DID, Receiver string
	Top           int // 1 to MaxPage entries in each list; zero is DefaultTop
}

// DefaultTop is how many DIDs, receivers and reasons statistics name.
const DefaultTop = 100

// StatsTotals are sums over calls.
type StatsTotals struct {
	Offered     int64 `json:"offered"`    // calls that count: forwards, and orphan completions
	Answered    int64 `json:"answered"`   // of them
	Unanswered  int64 `json:"unanswered"` // of them
	Other       int64 `json:"other"`      // of them
	Open        int64 `json:"open"`       // of them without a completion: in flight or expired
	Rejected    int64 `json:"rejected"`   // beside them
	Unrouted    int64 `json:"unrouted"`   // beside them: answered with 503
	TalkSeconds int64 `json:"talk_seconds"`
	// AnswerRate is answered of offered, from 0 to 1; nil where nothing was offered.
	AnswerRate *float64 `json:"answer_rate"`
}

// StatsDID are the sums of one DID.
type StatsDID struct {
	DID string `json:"did"` // empty for calls whose DID is no number
	StatsTotals
}

// StatsReceiver are the sums of one receiver.
type StatsReceiver struct {
	Receiver string `json:"receiver_number"` // empty where nobody was named, or no number
	StatsTotals
}

// StatsReason are the sums of one reason.
type StatsReason struct {
	Reason string `json:"reason"`
	StatsTotals
}

// StatsHour are the sums of one hour of one weekday, in local time.
type StatsHour struct {
	Weekday string `json:"weekday"` // "monday"
	Hour    int    `json:"hour"`    // 0 to 23
	StatsTotals
}

// StatsDay are the sums of one local date.
type StatsDay struct {
	Date string `json:"date"` // "2025-11-22"
	StatsTotals
}

// StatsLeftOut counts what the lists don't name, for they show the most offered
// only.
type StatsLeftOut struct {
	DIDs      int `json:"dids"`
	Receivers int `json:"receivers"`
	Reasons   int `json:"reasons"`
}

// Stats is what happened in a period.
type Stats struct {
	From      *int64          `json:"from"` // Unix seconds, as rounded; nil for no bound
	To        *int64          `json:"to"`
	Zone      string          `json:"zone"`     // whose hours and dates these are
	Complete  bool            `json:"complete"` // false while the index is being made anew
	Totals    StatsTotals     `json:"totals"`
	DIDs      []StatsDID      `json:"dids"` // most offered first, as are the two below
	Receivers []StatsReceiver `json:"receivers"`
	Reasons   []StatsReason   `json:"reasons"`
	Hours     []StatsHour     `json:"hours"` // from monday, 0 o'clock; those with calls
	Days      []StatsDay      `json:"days"`  // oldest first; those with calls
	LeftOut   StatsLeftOut    `json:"left_out"`
}
