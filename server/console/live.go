package console

import (
	"context"
	"net/http"
	"time"

	"switchboard/engine"
)

// liveView is the live page.
type liveView struct {
	Board    boardView
	Warnings warningsView
}

// boardView is the live page's board: what changes with every call.
type boardView struct {
	At        int64
	InFlight  int64
	Today     engine.StatsTotals
	Finished  int64 // of today's
	Sample    sampleOf
	Calls     []callRow
	Receivers []loadRow
	DIDs      []loadRow
}

// warningsView is the live page's warnings: the first few, and how many more.
type warningsView struct {
	List []engine.Warning
	More int
}

const liveWarnings = 3

func (a *asked) liveWarnings() (v warningsView) {
	v.List = a.warningsNow()
	if v.More = len(v.List) - liveWarnings; v.More > 0 {
		v.List = v.List[:liveWarnings]
	}
	return v
}

// callRow is a call in a table.
type callRow struct {
	ID                    string
	At                    int64
	Caller, DID, Receiver shown
	Reason                string
	Status                engine.Status
	Source                engine.Source
	Fallback              bool
	Took                  string // of the decision
	Duration              string
	Fresh                 bool // came a moment ago
}

type loadRow struct {
	Number   shown
	Name     string
	InFlight int64
	Percent  int64 // of the busiest, for the bar
	Today    engine.Totals
	Finished int64
}

// fresh is how long a call is shown as new.
const fresh = 3 * time.Second

func (e eyes) callRow(c *engine.Call, now time.Time) callRow {
	return callRow{
		ID: c.CallID, At: c.At(), Caller: e.number(c.Caller), DID: e.number(c.DID), Receiver: e.number(c.Receiver),
		Reason: c.Reason, Status: c.Status, Source: c.Source, Fallback: isFallback(c.Source), Duration: secondsText(c.Duration),
		Fresh: now.UnixNano()-c.At() < int64(fresh),
	}
}

// loadRows shows those who have a call, or had one today, but not more than fit.
func (e eyes) loadRows(loads []load) []loadRow {
	const most = 12
	var rows []loadRow
	var busiest int64 = 1
	for _, l := range loads {
		busiest = max(busiest, l.InFlight)
	}
	for _, l := range loads[:min(len(loads), most)] {
		rows = append(rows, loadRow{Number: e.number(l.Number), Name: l.Name, InFlight: l.InFlight,
			Percent: 100 * l.InFlight / busiest, Today: l.Today, Finished: finished(l.Today)})
	}
	return rows
}

// finished are the calls that are over, of which the answer rate is.
func finished(t engine.Totals) int64 { return t.Answered + t.Unanswered + t.Other + t.Expired }

func (a *asked) boardNow(ctx context.Context) (boardView, error) {
	b, err := a.c.board.get(ctx)
	if err != nil {
		return boardView{}, err
	}
	v := boardView{At: b.at.UnixNano(), Today: b.today, Finished: b.today.Answered + b.today.Unanswered + b.today.Other, Sample: b.sample,
		InFlight:  b.inFlight,
		Receivers: a.eyes.loadRows(b.receivers), DIDs: a.eyes.loadRows(b.dids)}
	for _, call := range b.calls {
		row := a.eyes.callRow(call, b.at)
		row.Took = milliseconds(b.took[call.CallID])
		v.Calls = append(v.Calls, row)
	}
	return v, nil
}

func (c *Console) livePage(a *asked) error {
	ctx, cancel := a.reading()
	defer cancel()
	board, err := a.boardNow(ctx)
	if err != nil {
		return err
	}
	return a.render(http.StatusOK, "live", "live", "Live", liveView{board, a.liveWarnings()})
}
