package console

import (
	"net/http"
	"strings"

	"switchboard/engine"
)

// explainView is a recorded decision, repeated.
type explainView struct {
	*engine.Explanation
	Steps []stepText
	Why   string
	Trace string
}

// stepText is a step of the policies, in a sentence.
type stepText struct {
	Text     string // with file and line
	Answered bool
}

// explain repeats a call's decision, with the history as it was then. It is
// asked for after the call's page is there: it takes longer than the page.
func (c *Console) explain(a *asked) error {
	ctx, cancel := a.reading()
	defer cancel()
	e, err := c.o.Explain.Explain(ctx, a.FormValue("id"), "")
	if err != nil {
		return err
	}
	if e == nil {
		return refuse(http.StatusNotFound, "There is no decision of this call.")
	}
	v := explainView{Explanation: e, Why: a.eyes.text(e.Why), Trace: a.eyes.text(strings.Join(e.Trace, "\n"))}
	for _, s := range e.Steps {
		v.Steps = append(v.Steps, stepText{a.eyes.text(s.Text), s.Answered})
	}
	return a.part(http.StatusOK, "explanation", v)
}
