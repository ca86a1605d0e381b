package console

// letterRow is a message that the relay gave up.
type letterRow struct {
	ID, Target, CallID, CallText, Cause string
	Status, Attempts                    int
	First, Last                         int64
	Gone                                bool // can't be sent any more
}

// lettersView is a page of them.
type lettersView struct {
	Rows  []letterRow
	Older string // cursor of the next page; empty on the last
	First bool
	Many  bool // worth a button for all
}

const letterRows = 25

func (a *asked) lettersNow() (v lettersView, err error) {
	cursor := a.FormValue("letters")
	page, next, err := a.c.o.Desk.Letters(cursor, letterRows)
	v.Older, v.First, v.Many = next, cursor == "", cursor != "" || len(page) > 1
	for _, l := range page {
		v.Rows = append(v.Rows, letterRow{ID: l.ID, Target: l.Target, CallID: l.Letter.CallID, CallText: a.eyes.text(l.Letter.CallID),
			Cause: a.eyes.text(l.Letter.Error), Status: l.Letter.Status, Attempts: l.Letter.Attempts,
			First: l.Letter.First, Last: l.Letter.Died, Gone: l.Letter.Gone})
	}
	return v, err
}

func (c *Console) retryLetter(a *asked) error {
	return a.did("letter", "/system", c.o.Desk.RetryLetter(a.Context(), a.visitor, a.PostFormValue("id")))
}

func (c *Console) retryLetters(a *asked) error {
	more, err := c.o.Desk.RetryLetters(a.Context(), a.visitor)
	if more {
		return a.did("someletters", "/system", err)
	}
	return a.did("letters", "/system", err)
}

func (c *Console) deleteLetter(a *asked) error {
	return a.did("deleted", "/system", c.o.Desk.DeleteLetter(a.Context(), a.visitor, a.PostFormValue("id")))
}
