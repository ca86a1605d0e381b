package console

import (
	"net/http"
	"time"

	"switchboard/engine"
)

// stripView is what is always in sight: which policies serve, whether the last
// reload was taken, and how many warnings there are.
type stripView struct {
	Revision string // empty: none serves
	Origin   string
	Since    int64
	Reload   string // ok, refused, or empty before the first
	ReloadAt int64
	Rollback bool   // in force, in place of the folder's content
	Store    string // ok, rebuilding, failing
	Warnings int
}

func (c *Console) stripNow() stripView {
	p, store := c.o.Policies.Status(), c.o.History.Status()
	v := stripView{Revision: p.Revision, Origin: p.Origin, Since: ns(p.Since), ReloadAt: ns(p.Reload.At), Rollback: p.Rollback != nil, Store: "ok",
		Warnings: len(c.o.Desk.Warnings())}
	switch {
	case p.Reload.At.IsZero():
	case p.Reload.OK:
		v.Reload = "ok"
	default:
		v.Reload = "refused"
	}
	switch {
	case store.Error != "":
		v.Store = "failing"
	case store.Rebuilding:
		v.Store = "rebuilding"
	}
	return v
}

// ns is a moment as Unix nanoseconds, zero for none.
func ns(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixNano()
}

// strip answers with the strip alone, and the banner out of band.
func (c *Console) strip(a *asked) error {
	return a.part(http.StatusOK, "strip-poll", layoutView{Strip: c.stripNow(), Banner: a.bannerNow()})
}

// bannerView tells of an edit that was refused.
type bannerView struct {
	At       int64
	Serving  string // the revision that keeps serving; empty for none
	Problems []engine.Problem
	More     int // problems that are not listed
}

const bannerProblems = 3

// bannerNow is nil while the last reload was taken.
func (a *asked) bannerNow() *bannerView {
	p := a.c.o.Policies.Status()
	if p.Reload.OK || p.Reload.At.IsZero() {
		return nil
	}
	v := &bannerView{At: ns(p.Reload.At), Serving: p.Revision}
	for i, problem := range p.Reload.Errors {
		if i == bannerProblems {
			v.More = len(p.Reload.Errors) - i
			break
		}
		v.Problems = append(v.Problems, a.eyes.problem(problem))
	}
	return v
}

// problem masks what a problem quotes.
func (e eyes) problem(p engine.Problem) engine.Problem {
	p.Message, p.Hint = e.text(p.Message), e.text(p.Hint)
	return p
}

func (e eyes) problems(list []engine.Problem) []engine.Problem {
	out := make([]engine.Problem, 0, len(list))
	for _, p := range list {
		out = append(out, e.problem(p))
	}
	return out
}

// warningsNow are what somebody should look at.
func (a *asked) warningsNow() []engine.Warning {
	w := a.c.o.Desk.Warnings()
	for i := range w {
		w[i].Message, w[i].Hint = a.eyes.text(w[i].Message), a.eyes.text(w[i].Hint)
	}
	return w
}
