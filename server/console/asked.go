package console

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"switchboard/engine"
	"switchboard/engine/giveway"
)

// asked is one request of somebody who is let in.
type asked struct {
	*http.Request
	w       http.ResponseWriter
	c       *Console
	visit   string // id; empty where the visitor has none
	visitor Visitor
	eyes    eyes
}

// wrong is an error with its status and a sentence for the visitor.
type wrong struct {
	status   int
	sentence string
}

func (w *wrong) Error() string { return w.sentence }

// Status is the HTTP status.
func (w *wrong) Status() int { return w.status }

func refuse(status int, format string, args ...any) error {
	return &wrong{status, fmt.Sprintf(format, args...)}
}

// look finds out who asks; false where nobody is let in.
func (c *Console) look(r *http.Request) (*asked, bool) {
	id, visit := c.visits.of(r)
	a := &asked{Request: r, c: c, visit: id, eyes: eyes{seal: c.seal, open: visit.revealed}}
	if c.o.Now().After(visit.revealed) {
		a.eyes.open = time.Time{}
	}
	if !c.o.Door.Guarded() {
		a.visitor = Visitor{Name: "anonymous", Changes: true, Anonymous: true}
		return a, true
	}
	if scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " "); strings.EqualFold(scheme, "Bearer") {
		who, err := c.o.Door.Try(r, strings.TrimSpace(token))
		a.visitor = who
		return a, err == nil
	}
	if visit.token == "" {
		return a, false
	}
	who, ok := c.o.Door.Known(visit.token)
	a.visitor = who
	return a, ok
}

// open serves a page that needs no token.
func (c *Console) open(h func(*asked) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a, _ := c.look(r)
		a.w = w
		a.serve(h)
	})
}

// page serves what everybody may see who is let in.
func (c *Console) page(h func(*asked) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a, ok := c.look(r)
		a.w = w
		if ok {
			a.serve(h)
			return
		}
		a.sendToLogin()
	})
}

// aside has a handler that computes for long step back for calls; heavy is that of
// one that leaves much garbage behind.
func aside(h func(*asked) error) func(*asked) error { return giving(giveway.Aside, h) }
func heavy(h func(*asked) error) func(*asked) error { return giving(giveway.Heavy, h) }

func giving(way func(func()), h func(*asked) error) func(*asked) error {
	return func(a *asked) (err error) {
		way(func() { err = h(a) })
		return err
	}
}

// change serves what changes something.
func (c *Console) change(h func(*asked) error) http.Handler {
	return c.page(func(a *asked) error {
		if !a.visitor.Changes {
			return refuse(http.StatusForbidden, "Your token may look only. Sign in with an admin token to change this.")
		}
		return h(a)
	})
}

// sendToLogin asks for a token, and comes back to the page afterwards.
func (a *asked) sendToLogin() {
	to := "/login"
	switch {
	case a.fromHTMX():
		a.w.Header().Set("HX-Redirect", to)
		a.w.WriteHeader(http.StatusUnauthorized)
	case a.Method == http.MethodGet && a.URL.Path != "/events":
		if here := a.URL.RequestURI(); here != "/" {
			to += "?to=" + url.QueryEscape(here)
		}
		a.redirect(to)
	default:
		http.Error(a.w, "Sign in first.", http.StatusUnauthorized)
	}
}

// serve runs a handler and shows its error.
func (a *asked) serve(h func(*asked) error) {
	if err := h(a); err != nil {
		a.problem(err)
	}
}

// fromHTMX reports whether the answer is for a part of a page.
func (a *asked) fromHTMX() bool { return a.Header.Get("HX-Request") == "true" }

// redirect goes to a page of the console after a form was sent.
func (a *asked) redirect(to string) {
	a.w.Header().Set("Location", to)
	a.w.WriteHeader(http.StatusSeeOther)
}

// reading bounds the work for one page.
func (a *asked) reading() (context.Context, context.CancelFunc) {
	return context.WithTimeout(a.Context(), patience)
}

// problem shows an error as a page, or as a part of one.
func (a *asked) problem(err error) {
	status, sentence := a.sayWrong(err)
	if status >= http.StatusInternalServerError && a.Context().Err() == nil {
		a.c.o.Log.Error("console", "path", a.URL.Path, "err", engine.Mask(err.Error()))
	}
	view := problemView{Status: status, Title: http.StatusText(status), Sentence: sentence}
	if a.fromHTMX() {
		h := a.w.Header()
		h.Set("HX-Retarget", "#notice")
		h.Set("HX-Reswap", "innerHTML")
		h.Set("HX-Reselect", "#problem")
		h.Set("HX-Push-Url", "false")
		a.part(status, "problem", view)
		return
	}
	a.render(status, "problem", "", view.Title, view)
}

type problemView struct {
	Status   int
	Title    string
	Sentence string
}

func (a *asked) sayWrong(err error) (status int, sentence string) {
	var (
		refusal  Refusal
		tooLarge *http.MaxBytesError
		bad      *engine.BadInputError
	)
	switch {
	case errors.As(err, &refusal):
		return refusal.Status(), refusal.Error()
	case errors.As(err, &tooLarge):
		return http.StatusRequestEntityTooLarge, "That is more than the console takes at once. Send less."
	case errors.As(err, &bad):
		return http.StatusBadRequest, engine.Mask(bad.Why) + "."
	case errors.Is(err, engine.ErrBadCursor):
		return http.StatusBadRequest, "This page of the list is no longer there. Begin again with the newest calls."
	case errors.Is(err, engine.ErrUnavailable), errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return http.StatusServiceUnavailable, "The store cannot do this now. Try again; the System page says what is wrong with it."
	}
	return http.StatusInternalServerError, "Something failed inside the server. Its log says what."
}

func (c *Console) nothingHere(*asked) error {
	return refuse(http.StatusNotFound, "There is no such page. The menu leads to those there are.")
}
