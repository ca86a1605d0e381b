package console

import (
	"net/http"
	"net/url"
	"strings"
	"time"

	"switchboard/engine"
)

// systemView is the page of quarantine, dead letters, status and data care.
type systemView struct {
	Warnings []engine.Warning
	Store    engine.StoreStatus
	Version  string
	Items    []quarantineRow
	Letters  lettersView
	Held     string // why nothing is deleted by age; empty where it is
	Changes  bool   // the visitor may change something
	Done     string
}

type quarantineRow struct {
	ID, Kind, Cause, Type, Body string
	At                          int64
	Count                       int
	Retry                       bool // only reports can be read again
}

// auditView is a page of the audit trail.
type auditView struct {
	Rows  []auditRow
	Older string // cursor of the next page; empty on the last
	First bool
}

type auditRow struct {
	At                 int64
	By, Action, Target string
	Before, After      string
}

// auditRows is how many entries of the audit trail a page of it shows.
const auditRows = 25

func (c *Console) systemPage(a *asked) error {
	ctx, cancel := a.reading()
	defer cancel()
	items, err := c.o.Quarantine.QuarantineList(ctx)
	if err != nil {
		return err
	}
	v := systemView{Store: c.o.History.Status(), Version: c.o.Version, Changes: a.visitor.Changes, Done: doneTexts[a.FormValue("done")]}
	v.Warnings = a.warningsNow()
	for _, w := range v.Store.Warnings {
		if w.Code == "retention_held" {
			v.Held = w.Message
		}
	}
	if v.Letters, err = a.lettersNow(); err != nil {
		return err
	}
	for _, i := range items {
		v.Items = append(v.Items, quarantineRow{ID: i.ID, Kind: i.Kind, Cause: i.Cause, Type: i.Raw.Type, At: i.At, Count: i.Count,
			Body: a.eyes.payload(string(i.Raw.Body), ""), Retry: i.Kind == "completion"})
	}
	return a.render(http.StatusOK, "system", "system", "System", v)
}

// audit shows a page of who did what.
func (c *Console) audit(a *asked) error {
	ctx, cancel := a.reading()
	defer cancel()
	cursor := a.FormValue("cursor")
	page, err := c.o.Live.Audit(ctx, engine.AuditFilter{Limit: auditRows, Cursor: cursor})
	if err != nil {
		return err
	}
	v := auditView{Older: page.Next, First: cursor == ""}
	for _, e := range page.Entries {
		v.Rows = append(v.Rows, auditRow{At: e.At, By: e.By, Action: e.Action, Target: a.eyes.text(e.Target),
			Before: a.eyes.document(e.Before), After: a.eyes.document(e.After)})
	}
	return a.part(http.StatusOK, "audit", v)
}

// doneTexts are what a page says after a form was sent, by the word that the
// redirect carries: a text in the address would be anybody's.
var doneTexts = map[string]string{
	"retried": "The payload was read and counted. It is no longer in quarantine.", "discarded": "The payload was deleted.",
	"paused": "Paused: the next call goes to somebody else.", "resumed": "Back in the rotation.",
	"session": "The pair can reach each other now.", "ended": "The session has ended.",
	"letter": "The message is on its way again.", "deleted": "The message was deleted.",
	"letters": "All that can be sent is on its way again.", "someletters": "Many are on their way again. Send all again for the rest.",
	"clock":    "The clock counts as right. What is too old by it is deleted from now on.",
	"reloaded": "The folder was loaded; what it holds is in force.", "rolledback": "The earlier revision serves now.",
}

func (c *Console) retry(a *asked) error {
	return a.did("retried", "/system", c.o.Desk.Retry(a.Context(), a.visitor, a.PostFormValue("id")))
}

func (c *Console) discard(a *asked) error {
	return a.did("discarded", "/system", c.o.Desk.Discard(a.Context(), a.visitor, a.PostFormValue("id")))
}

func (c *Console) confirmClock(a *asked) error {
	return a.did("clock", "/system", c.o.Desk.ConfirmClock(a.Context(), a.visitor))
}

func (c *Console) backup(a *asked) error { return c.o.Desk.Backup(a.w, a.Request, a.visitor) }

// did goes back to a page after a change, which then says what was done.
func (a *asked) did(what, to string, err error) error {
	if err != nil {
		return err
	}
	separator := "?"
	if strings.Contains(to, "?") {
		separator = "&"
	}
	a.redirect(to + separator + url.Values{"done": {what}}.Encode())
	return nil
}

// forget erases a person. Who asks says so twice: the form has a box to tick.
func (c *Console) forget(a *asked) error {
	if a.PostFormValue("sure") == "" {
		return refuse(http.StatusBadRequest, "Tick the box first: what is erased does not come back.")
	}
	// It takes its time in a long history.
	if err := http.NewResponseController(a.w).SetWriteDeadline(time.Time{}); err != nil {
		return err
	}
	erased, err := c.o.Desk.Forget(a.Context(), a.visitor, a.PostFormValue("number"))
	if err != nil {
		return err
	}
	return a.render(http.StatusOK, "erased", "system", "Erased", erased)
}
