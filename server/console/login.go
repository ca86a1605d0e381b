package console

import (
	"net/http"
	"net/url"
	"strings"
)

type loginView struct {
	To    string
	Wrong string // why the token was not taken
}

func (c *Console) loginPage(a *asked) error {
	if !c.o.Door.Guarded() {
		a.redirect("/")
		return nil
	}
	return a.render(http.StatusOK, "login", "", "Sign in", loginView{To: ownPath(a.FormValue("to"))})
}

// login begins a visit with a token. Whatever visit the browser had ends: its id
// may be known to somebody.
func (c *Console) login(a *asked) error {
	if !c.o.Door.Guarded() {
		a.redirect("/")
		return nil
	}
	token, to := strings.TrimSpace(a.PostFormValue("token")), ownPath(a.PostFormValue("to"))
	if _, err := c.o.Door.Try(a.Request, token); err != nil {
		status, sentence := a.sayWrong(err)
		return a.render(status, "login", "", "Sign in", loginView{To: to, Wrong: sentence})
	}
	c.visits.end(a.visit)
	c.visits.begin(a.w, a.Request, token)
	a.redirect(to)
	return nil
}

func (c *Console) logout(a *asked) error {
	c.visits.end(a.visit)
	http.SetCookie(a.w, &http.Cookie{Name: visitCookie, Path: "/", MaxAge: -1, HttpOnly: true, SameSite: http.SameSiteStrictMode})
	a.redirect("/login")
	return nil
}

// ownPath is a path of the console to go to, "/" for anything else.
func ownPath(to string) string {
	u, err := url.Parse(to)
	if err != nil || u.Scheme != "" || u.Host != "" || u.User != nil || !strings.HasPrefix(to, "/") ||
		strings.HasPrefix(to, "//") || strings.ContainsAny(to, "\\\r\n") {
		return "/"
	}
	return u.RequestURI()
}
