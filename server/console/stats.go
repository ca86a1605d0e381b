package console

import (
	"context"
	"encoding/csv"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"switchboard/engine"
)

// statsView is the statistics of a period.
type statsView struct {
	Form      statsForm
	Periods   []period
	Lines     []choice // the directory's DIDs to choose from
	Stats     *engine.Stats
	Finished  int64
	Days      []engine.StatsDay
	Clock     []engine.StatsHour // by hour of the day, all weekdays together
	Heat      []heatRow
	DIDs      []statsRow
	Receivers []statsRow
	Reasons   []statsRow
	About     shown // the number that the statistics are of
}

// choice is a number to choose, with what the directory calls it.
type choice struct {
	Number shown
	Name   string
	Chosen bool
}

type statsForm struct {
	Period   string
	From, To string
	Ref, As  string // a number that the statistics are of
}

// statsRow is an entry of a list, with its share of the largest.
type statsRow struct {
	Number  shown
	Name    string
	As      string // role, for the link
	Percent int64
	engine.StatsTotals
}

type heatRow struct {
	Weekday string
	Cells   []heatCell
}

// heatCell is an hour of a weekday; Level is 0 to 5.
type heatCell struct {
	Hour, Level       int
	Offered, Answered int64
}

var statsPeriods = []period{
	{"day", "Last 24 hours", 24 * time.Hour}, {"week", "Last 7 days", 7 * 24 * time.Hour}, {"month", "Last 30 days", 30 * 24 * time.Hour},
	{"quarter", "Last 90 days", 90 * 24 * time.Hour}, {"all", "All time", 0}, {"custom", "From … to …", 0},
}

const statsTop = 20

func (c *Console) statsPage(a *asked) error {
	ctx, cancel := a.reading()
	defer cancel()
	v := statsView{Form: readStatsForm(a), Periods: statsPeriods}
	filter, err := c.statsFilter(v.Form)
	if err != nil {
		return err
	}
	filter.Top = statsTop
	if v.Stats, err = c.o.History.Stats(ctx, filter); err != nil {
		return err
	}
	a.fillStats(&v)
	return a.render(http.StatusOK, "statistics", "statistics", "Statistics", v)
}

func readStatsForm(a *asked) statsForm {
	f := statsForm{Period: a.FormValue("period"), From: a.FormValue("from"), To: a.FormValue("to"), Ref: a.FormValue("ref"), As: a.FormValue("as")}
	if f.Period == "" {
		f.Period = "week"
	}
	return f
}

func (c *Console) statsFilter(f statsForm) (engine.StatsFilter, error) {
	var out engine.StatsFilter
	var err error
	if out.From, err = c.begin(statsPeriods, f.Period); err != nil {
		return out, err
	}
	if f.Period == "custom" {
		if out.From, err = c.localTime("From", f.From); err != nil {
			return out, err
		}
		if out.To, err = c.localTime("To", f.To); err != nil {
			return out, err
		}
	}
	if f.Ref == "" {
		return out, nil
	}
	number, ok := c.seal.number(f.Ref)
	if !ok {
		return out, refuse(http.StatusGone, "This link was made before the server restarted. Choose the number again.")
	}
	if f.As == "receiver" {
		out.Receiver = number
	} else {
		out.DID = number
	}
	return out, nil
}

func (a *asked) fillStats(v *statsView) {
	s := v.Stats
	t := s.Totals
	v.Finished, v.Days = t.Answered+t.Unanswered+t.Other, s.Days
	v.Clock, v.Heat = byClock(s.Hours), heat(s.Hours)
	names := map[string]string{}
	for _, d := range a.c.o.Policies.Directory() {
		names[d.DID] = d.Name
		if len(v.Lines) < boardNumbers {
			n := a.eyes.number(d.DID)
			v.Lines = append(v.Lines, choice{n, d.Name, n.Ref == v.Form.Ref})
		}
	}
	if v.Form.Ref != "" {
		number, _ := a.c.seal.number(v.Form.Ref)
		v.About = a.eyes.number(number)
	}
	for _, d := range s.DIDs {
		v.DIDs = append(v.DIDs, statsRow{Number: a.eyes.number(d.DID), Name: names[d.DID], As: "did", StatsTotals: d.StatsTotals})
	}
	for _, r := range s.Receivers {
		v.Receivers = append(v.Receivers, statsRow{Number: a.eyes.number(r.Receiver), As: "receiver", StatsTotals: r.StatsTotals})
	}
	for _, r := range s.Reasons {
		v.Reasons = append(v.Reasons, statsRow{Name: r.Reason, StatsTotals: r.StatsTotals})
	}
	for _, list := range [][]statsRow{v.DIDs, v.Receivers, v.Reasons} {
		var most int64 = 1
		for _, r := range list {
			most = max(most, r.Offered+r.Rejected)
		}
		for i := range list {
			list[i].Percent = 100 * (list[i].Offered + list[i].Rejected) / most
		}
	}
}

// byClock sums the weekdays up, hour by hour.
func byClock(hours []engine.StatsHour) []engine.StatsHour {
	out := make([]engine.StatsHour, 24)
	for h := range out {
		out[h].Hour = h
	}
	for _, h := range hours {
		to := &out[h.Hour]
		to.Offered += h.Offered
		to.Answered += h.Answered
	}
	return out
}

var weekdays = []string{"monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"}

// heat is the week as a grid. A level is a fifth of the busiest hour.
func heat(hours []engine.StatsHour) []heatRow {
	var most int64
	for _, h := range hours {
		most = max(most, h.Offered)
	}
	rows := make([]heatRow, len(weekdays))
	for i, day := range weekdays {
		rows[i] = heatRow{Weekday: strings.ToUpper(day[:1]) + day[1:3], Cells: make([]heatCell, 24)}
		for h := range rows[i].Cells {
			rows[i].Cells[h].Hour = h
		}
		for _, h := range hours {
			if h.Weekday != day || h.Offered == 0 {
				continue
			}
			cell := &rows[i].Cells[h.Hour]
			cell.Offered, cell.Answered = h.Offered, h.Answered
			cell.Level = int((h.Offered*5 + most - 1) / most)
		}
	}
	return rows
}

// Rate is the answer rate of what is over.
func (r statsRow) Rate() string { return share(r.Answered, r.Answered+r.Unanswered+r.Other) }

// Link is the statistics' address with another number, or none.
func (f statsForm) Link(ref, as string) (string, error) {
	return query("/statistics", "period", f.Period, "from", f.From, "to", f.To, "ref", ref, "as", as)
}

// Table is the address of one of the lists as CSV.
func (f statsForm) Table(name string) (string, error) {
	return query("/statistics/table", "table", name, "period", f.Period, "from", f.From, "to", f.To, "ref", f.Ref, "as", f.As)
}

// statsTable sends one of the lists as CSV, masked as the page is.
func (c *Console) statsTable(a *asked) error {
	ctx, cancel := context.WithTimeout(a.Context(), patience)
	defer cancel()
	filter, err := c.statsFilter(readStatsForm(a))
	if err != nil {
		return err
	}
	filter.Top = engine.MaxPage
	s, err := c.o.History.Stats(ctx, filter)
	if err != nil {
		return err
	}
	name := a.FormValue("table")
	rows := a.tableOf(s, name)
	if rows == nil {
		return refuse(http.StatusNotFound, "There is no such table. The statistics page links to those there are.")
	}
	h := a.w.Header()
	h.Set("Content-Type", "text/csv; charset=utf-8")
	h.Set("Content-Disposition", fmt.Sprintf(`attachment; filename="switchboard-%s.csv"`, name))
	out := csv.NewWriter(a.w)
	_ = out.WriteAll(rows) // who hung up needs no more
	return nil
}

// tableOf is a list with its header, nil for a name that is none.
func (a *asked) tableOf(s *engine.Stats, name string) [][]string {
	head := func(first ...string) []string {
		return append(first, "offered", "answered", "unanswered", "other", "open", "rejected", "unrouted", "talk_seconds")
	}
	row := func(t engine.StatsTotals, first ...string) []string {
		for _, n := range []int64{t.Offered, t.Answered, t.Unanswered, t.Other, t.Open, t.Rejected, t.Unrouted, t.TalkSeconds} {
			first = append(first, strconv.FormatInt(n, 10))
		}
		return first
	}
	var rows [][]string
	switch name {
	case "days":
		rows = append(rows, head("date"))
		for _, d := range s.Days {
			rows = append(rows, row(d.StatsTotals, d.Date))
		}
	case "hours":
		rows = append(rows, head("weekday", "hour"))
		for _, h := range s.Hours {
			rows = append(rows, row(h.StatsTotals, h.Weekday, strconv.Itoa(h.Hour)))
		}
	case "dids":
		rows = append(rows, head("did"))
		for _, d := range s.DIDs {
			rows = append(rows, row(d.StatsTotals, a.eyes.text(d.DID)))
		}
	case "receivers":
		rows = append(rows, head("receiver_number"))
		for _, r := range s.Receivers {
			rows = append(rows, row(r.StatsTotals, a.eyes.text(r.Receiver)))
		}
	case "reasons":
		rows = append(rows, head("reason"))
		for _, r := range s.Reasons {
			rows = append(rows, row(r.StatsTotals, formulaFree(r.Reason)))
		}
	}
	return rows
}

// formulaFree keeps a text of the policies from being a formula where a
// spreadsheet opens it.
func formulaFree(text string) string {
	if text != "" && strings.ContainsAny(text[:1], "=+-@\t\r") {
		return "'" + text
	}
	return text
}
