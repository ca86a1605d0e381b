package console

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"time"

	"switchboard/engine"
)

// callsPerPage is how many calls a page lists.
const callsPerPage = 50

// searchTime bounds how long one page looks for calls that match; it then shows
// what it has and offers to look further back.
const searchTime = 150 * time.Millisecond

// callsView is the list of calls with its filters as they were given.
type callsView struct {
	Form      callsForm
	Roles     []roleView // in which a number is known
	Number    shown      // that the list is about
	Calls     []callRow
	Next      string
	Paging    bool // not the first page
	Further   bool // the search stopped before the end; Next goes on
	Statuses  []engine.Status
	Sources   []engine.Source
	Periods   []period
	Filtered  bool
	NeverSeen bool
}

// callsForm is what a visitor asked for.
type callsForm struct {
	Q        string // number in any spelling, or a call's id
	Ref      string // a number's reference, from a link
	As       string // caller, receiver or did
	Status   string
	Source   string
	Reason   string
	Period   string
	From, To string // local times, where Period is custom
	Cursor   string
}

// roleView leads to the same number in another role.
type roleView struct {
	As, Name string
	Offered  int64
	Chosen   bool
}

var periods = []period{
	{"", "All time", 0}, {"hour", "Last hour", time.Hour}, {"day", "Last 24 hours", 24 * time.Hour},
	{"week", "Last 7 days", 7 * 24 * time.Hour}, {"month", "Last 30 days", 30 * 24 * time.Hour}, {"custom", "From … to …", 0},
}

var (
	allStatuses = []engine.Status{engine.StatusInFlight, engine.StatusAnswered, engine.StatusNotAnswered,
		engine.StatusOther, engine.StatusExpired, engine.StatusRejected}
	allSources = []engine.Source{engine.SourcePolicy, engine.SourceDIDFallback, engine.SourceFallback,
		engine.SourceShed, engine.SourceRejected, engine.SourceNone}
)

func (c *Console) callsPage(a *asked) error {
	ctx, cancel := a.reading()
	defer cancel()
	v := callsView{Form: readCallsForm(a), Statuses: allStatuses, Sources: allSources, Periods: periods}
	filter, err := c.callFilter(v.Form)
	if err != nil {
		return err
	}
	id, err := c.whoIsMeant(ctx, a, &v, &filter)
	if err != nil {
		return err
	}
	if id != "" {
		to, err := query("/call", "id", id)
		if err == nil {
			a.redirect(to)
		}
		return err
	}
	page, err := c.o.History.Calls(ctx, filter)
	if err != nil {
		return err
	}
	now := c.o.Now()
	for _, call := range page.Calls {
		v.Calls = append(v.Calls, a.eyes.callRow(call, now))
	}
	v.Next, v.Further, v.Paging = page.Next, page.Partial, v.Form.Cursor != ""
	f := v.Form
	v.Filtered = f.Q+f.Ref+f.Status+f.Source+f.Reason+f.Period != ""
	return a.render(http.StatusOK, "calls", "calls", "Calls", v)
}

func readCallsForm(a *asked) callsForm {
	get := func(name string) string { return strings.TrimSpace(a.FormValue(name)) }
	return callsForm{Q: get("q"), Ref: get("ref"), As: get("as"), Status: get("status"), Source: get("source"),
		Reason: get("reason"), Period: get("period"), From: get("from"), To: get("to"), Cursor: get("cursor")}
}

// callFilter is the form without its number.
func (c *Console) callFilter(f callsForm) (engine.CallFilter, error) {
	out := engine.CallFilter{Status: engine.Status(f.Status), Source: engine.Source(f.Source), Reason: f.Reason,
		Limit: callsPerPage, Cursor: f.Cursor, Within: searchTime}
	var err error
	if f.Status != "" {
		err = offered("state", out.Status, allStatuses)
	}
	if f.Source != "" && err == nil {
		err = offered("source", out.Source, allSources)
	}
	if err == nil {
		out.From, err = c.begin(periods, f.Period)
	}
	if err != nil || f.Period != "custom" {
		return out, err
	}
	if out.From, err = c.localTime("From", f.From); err != nil {
		return out, err
	}
	if out.To, err = c.localTime("To", f.To); err != nil {
		return out, err
	}
	if !out.From.IsZero() && !out.To.IsZero() && !out.From.Before(out.To) {
		return out, refuse(http.StatusBadRequest, "The period ends before it begins. Exchange From and To.")
	}
	return out, nil
}

// localTime reads what a datetime-local field sends, in the console's zone; zero
// for nothing.
func (c *Console) localTime(field, text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	for _, layout := range []string{"2006-01-02T15:04", "2006-01-02T15:04:05", "2006-01-02 15:04", time.DateOnly} {
		if t, err := time.ParseInLocation(layout, text, c.o.Zone); err == nil {
			return t, nil
		}
	}
	return time.Time{}, refuse(http.StatusBadRequest, "%s: %q is no time. Write 2025-11-22 14:35, or leave it empty.", field, text)
}

// whoIsMeant puts the number that was asked for into the filter, in the role
// that was chosen or else the one in which it is known. What is no number but a
// call's id is returned as such.
func (c *Console) whoIsMeant(ctx context.Context, a *asked, v *callsView, f *engine.CallFilter) (callID string, err error) {
	text := v.Form.Q
	if ref := v.Form.Ref; ref != "" {
		number, ok := c.seal.number(ref)
		if !ok {
			return "", refuse(http.StatusGone, "This link was made before the server restarted. Search for the number again.")
		}
		text = number
	}
	if text == "" {
		return "", nil
	}
	if v.Form.Ref == "" && len(text) <= engine.MaxCallID {
		detail, err := c.o.History.Call(ctx, text)
		if err != nil || detail != nil {
			return text, err
		}
	}
	person, did := c.o.Numbers.Person(text), c.o.Numbers.DID(text)
	for _, role := range []struct {
		as, name string
		kind     engine.ProfileKind
		number   string
		to       *string
	}{
		{"caller", "caller", engine.Callers, person.Canonical, &f.Caller},
		{"receiver", "receiver", engine.Receivers, person.Canonical, &f.Receiver},
		{"did", "DID", engine.DIDs, did.Canonical, &f.DID},
	} {
		p, err := c.o.History.Profile(ctx, role.kind, role.number)
		if err != nil {
			return "", err
		}
		if p == nil && v.Form.As != role.as {
			continue
		}
		r := roleView{As: role.as, Name: role.name, Chosen: v.Form.As == role.as || v.Form.As == "" && len(v.Roles) == 0}
		if p != nil {
			r.Offered = p.Totals.Offered
		}
		if r.Chosen {
			*role.to = role.number
			v.Number = a.eyes.number(role.number)
		}
		v.Roles = append(v.Roles, r)
	}
	if v.Number.Ref == "" {
		// Never seen in any role, or no number at all: the filter finds nothing.
		f.Caller, v.NeverSeen = person.Canonical, true
		v.Number = a.eyes.number(person.Canonical)
	}
	return "", nil
}

// Link is the list's address with one thing changed, and from its beginning.
func (f callsForm) Link(name, value string) (string, error) {
	f.Cursor = ""
	fields := map[string]*string{"as": &f.As, "cursor": &f.Cursor, "status": &f.Status, "reason": &f.Reason, "source": &f.Source}
	if to := fields[name]; to != nil {
		*to = value
	}
	return query("/calls", "q", f.Q, "ref", f.Ref, "as", f.As, "status", f.Status, "source", f.Source, "reason", f.Reason,
		"period", f.Period, "from", f.From, "to", f.To, "cursor", f.Cursor)
}

// count is a number with thousands apart.
func count(n int64) string {
	text := strconv.FormatInt(n, 10)
	for i := len(text) - 3; i > 0 && text[i-1] != '-'; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}
