package console

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"switchboard/engine"
)

// pausedCollection is where the starter policies look for people on a break.
const pausedCollection = "paused"

// peopleView is the page of agents and masked pairs.
type peopleView struct {
	Agents   []agentRow
	Free     int
	Talking  int
	Paused   int
	LeftOut  int // agents that are not listed
	Pauses   []pause
	Sessions []sessionRow
	Next     string
	Form     sessionsForm
	Lines    []choice
	Changes  bool
	Done     string
}

// agentRow is a person of a team, or one who is paused.
type agentRow struct {
	Number   shown
	Lines    []string // what the directory calls their DIDs
	State    string   // free, talking, paused
	Why      string
	Until    int64
	InFlight int64
	Today    engine.Totals
	Rate     string
	Streak   int64
	Last     int64 // when they were offered a call last
}

type pause struct{ Text, Value string }

// pauses are how long somebody may be paused, as the API reads durations.
var pauses = []pause{{"15 minutes", "15m"}, {"30 minutes", "30m"}, {"1 hour", "1h"}, {"2 hours", "2h"}, {"4 hours", "4h"}, {"12 hours", "12h"}, {"7 days", "7d"}}

type sessionsForm struct {
	Q      string // a party in any spelling, or a session's ref
	Ended  bool
	Cursor string
}

type sessionRow struct {
	Ref              string
	DID              shown
	First, Second    shown
	Created, Expires int64
	Live             bool
	Data             string
}

const sessionsPerPage = 25

func (c *Console) peoplePage(a *asked) error {
	ctx, cancel := a.reading()
	defer cancel()
	v := peopleView{Pauses: pauses, Changes: a.visitor.Changes, Done: doneTexts[a.FormValue("done")],
		Form: sessionsForm{Q: strings.TrimSpace(a.FormValue("q")), Ended: a.FormValue("ended") != "", Cursor: a.FormValue("cursor")}}
	if err := a.agents(ctx, &v); err != nil {
		return err
	}
	if err := a.sessions(ctx, &v); err != nil {
		return err
	}
	for _, d := range c.o.Policies.Directory()[:min(len(c.o.Policies.Directory()), boardNumbers)] {
		v.Lines = append(v.Lines, choice{Number: a.eyes.number(d.DID), Name: d.Name})
	}
	return a.render(http.StatusOK, "people", "people", "People", v)
}

// agents fills in who is in a team or paused, the paused and the busy first.
func (a *asked) agents(ctx context.Context, v *peopleView) error {
	page, err := a.c.o.Live.Facts(ctx, engine.FactFilter{Collection: pausedCollection, Limit: engine.MaxPage})
	if err != nil {
		return err
	}
	facts := page.Facts
	breaks := make(map[string]*engine.Fact, len(facts))
	for _, f := range facts {
		if string(f.Value) != "false" && string(f.Value) != "null" {
			breaks[f.Key] = f
		}
	}
	lines, order := a.c.teams()
	for _, f := range facts {
		if lines[f.Key] == nil && breaks[f.Key] != nil {
			order = append(order, f.Key)
		}
	}
	v.LeftOut = max(len(order)-boardNumbers, 0)
	today := a.c.o.Now().In(a.c.o.Zone).Format(time.DateOnly)
	for _, number := range order[:len(order)-v.LeftOut] {
		row, err := a.agent(ctx, number, breaks[number], today)
		if err != nil {
			return err
		}
		row.Lines = lines[number]
		switch row.State {
		case "paused":
			v.Paused++
		case "talking":
			v.Talking++
		default:
			v.Free++
		}
		v.Agents = append(v.Agents, row)
	}
	rank := map[string]int{"paused": 0, "talking": 1, "free": 2}
	slices.SortStableFunc(v.Agents, func(x, y agentRow) int { return rank[x.State] - rank[y.State] })
	return nil
}

// teams are the directory's people, in its order, with the lines they serve.
func (c *Console) teams() (lines map[string][]string, order []string) {
	lines = make(map[string][]string)
	for _, d := range c.o.Policies.Directory() {
		for _, member := range d.Team {
			if lines[member] == nil {
				order = append(order, member)
				lines[member] = []string{}
			}
			if d.Name != "" {
				lines[member] = append(lines[member], d.Name)
			}
		}
	}
	return lines, order
}

func (a *asked) agent(ctx context.Context, number string, on *engine.Fact, today string) (agentRow, error) {
	row := agentRow{Number: a.eyes.number(number), State: "free"}
	p, err := a.c.o.History.Profile(ctx, engine.Receivers, number)
	if err != nil {
		return row, err
	}
	if p != nil {
		row.InFlight, row.Today, row.Streak = p.InFlight, totalsOn(p, today), p.UnansweredStreak
		if p.LastOffered != nil {
			row.Last = p.LastOffered.At()
		}
		if row.InFlight > 0 {
			row.State = "talking"
		}
	}
	row.Rate = share(row.Today.Answered, finished(row.Today))
	if on != nil {
		row.State, row.Until, row.Why = "paused", on.Expires, a.eyes.text(whyOf(on.Value))
	}
	return row, nil
}

// whyOf is the reason in a fact that pauses somebody, as the starter policies
// read it.
func whyOf(value json.RawMessage) string {
	var text string
	if json.Unmarshal(value, &text) == nil {
		return text
	}
	var rest struct {
		Why string `json:"why"`
	}
	_ = json.Unmarshal(value, &rest) // anything else has no reason
	return rest.Why
}

func (a *asked) sessions(ctx context.Context, v *peopleView) error {
	f := engine.SessionFilter{Ended: v.Form.Ended, Limit: sessionsPerPage, Cursor: v.Form.Cursor}
	if v.Form.Q != "" {
		f.Party = a.c.o.Numbers.Person(v.Form.Q).Canonical
		if did := a.c.o.Numbers.DID(v.Form.Q).Canonical; a.c.inDirectory(did) {
			f.DID, f.Party = did, ""
		}
	}
	page, err := a.c.o.Live.Sessions(ctx, f)
	if err != nil {
		return err
	}
	now := a.c.o.Now().UnixNano()
	for _, s := range page.Sessions {
		v.Sessions = append(v.Sessions, sessionRow{Ref: s.Ref, DID: a.eyes.number(s.DID), First: a.eyes.number(s.Parties[0]),
			Second: a.eyes.number(s.Parties[1]), Created: s.Created, Expires: s.Expires, Live: s.Live(now), Data: a.eyes.document(s.Data)})
	}
	v.Next = page.Next
	return nil
}

func (c *Console) inDirectory(did string) bool {
	return slices.ContainsFunc(c.o.Policies.Directory(), func(d engine.DirectoryDID) bool { return d.DID == did })
}

// agentOf is the number that a form means: by a reference of ours, or as
// somebody wrote it.
func (a *asked) agentOf() (string, error) {
	if ref := a.PostFormValue("ref"); ref != "" {
		number, ok := a.c.seal.number(ref)
		if !ok {
			return "", refuse(http.StatusGone, "This page is older than the server's last start. Load it again, then repeat that.")
		}
		return number, nil
	}
	return a.PostFormValue("number"), nil
}

func (c *Console) pause(a *asked) error {
	number, err := a.agentOf()
	if err != nil {
		return err
	}
	return a.did("paused", "/people", c.o.Desk.Pause(a.Context(), a.visitor, number, strings.TrimSpace(a.PostFormValue("why")), a.PostFormValue("for")))
}

func (c *Console) resume(a *asked) error {
	number, err := a.agentOf()
	if err != nil {
		return err
	}
	return a.did("resumed", "/people", c.o.Desk.Resume(a.Context(), a.visitor, number))
}

func (c *Console) putSession(a *asked) error {
	f := SessionForm{Ref: strings.TrimSpace(a.PostFormValue("session")), Parties: [2]string{a.PostFormValue("first"), a.PostFormValue("second")},
		DID: strings.TrimSpace(a.PostFormValue("did")), Expires: a.PostFormValue("for")}
	if line := a.PostFormValue("line"); f.DID == "" && line != "" {
		number, ok := c.seal.number(line)
		if !ok {
			return refuse(http.StatusGone, "This page is older than the server's last start. Load it again, then repeat that.")
		}
		f.DID = number
	}
	return a.did("session", "/people", c.o.Desk.PutSession(a.Context(), a.visitor, f))
}

func (c *Console) endSession(a *asked) error {
	ended, err := c.o.Desk.EndSession(a.Context(), a.visitor, a.PostFormValue("session"))
	if err == nil && !ended {
		err = refuse(http.StatusNotFound, "There is no such session any more. The list shows those there are.")
	}
	return a.did("ended", "/people", err)
}

// Link is the list's address at another page.
func (f sessionsForm) Link(cursor string) string {
	v := url.Values{}
	for name, value := range map[string]string{"q": f.Q, "cursor": cursor} {
		if value != "" {
			v.Set(name, value)
		}
	}
	if f.Ended {
		v.Set("ended", "yes")
	}
	return "/people?" + v.Encode() + "#pairs"
}
