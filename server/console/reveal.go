package console

import (
	"net/http"
	"time"
)

// reveal makes numbers readable for a while, or masks them again. That somebody
// looked is in the audit trail before they see anything.
func (c *Console) reveal(a *asked) error {
	back := ownPath(a.PostFormValue("back"))
	if a.PostFormValue("numbers") != "show" {
		c.visits.reveal(a.visit, time.Time{})
		a.redirect(back)
		return nil
	}
	a.revealNumbers()
	a.redirect(back)
	return nil
}

func (a *asked) revealNumbers() {
	a.c.o.Desk.Revealed(a.Context(), a.visitor, "numbers")
	if a.visit == "" {
		a.visit = a.c.visits.begin(a.w, a.Request, "")
	}
	a.eyes.open = a.c.o.Now().Add(revealLength)
	a.c.visits.reveal(a.visit, a.eyes.open)
}

// recording shows the link to a call's recording, which whoever has it can
// listen to.
func (c *Console) recording(a *asked) error {
	ctx, cancel := a.reading()
	defer cancel()
	id := a.PostFormValue("id")
	detail, err := c.o.History.Call(ctx, id)
	if err != nil {
		return err
	}
	link := recordingOf(detail)
	if link == "" {
		return refuse(http.StatusNotFound, "There is no recording of this call.")
	}
	c.o.Desk.Revealed(ctx, a.visitor, "recording of call "+id)
	return a.part(http.StatusOK, "recording-link", link)
}
