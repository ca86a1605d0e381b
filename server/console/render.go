package console

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"net/url"
	"path"
	"strings"
	"time"
)

//go:embed templates static
var files embed.FS

// layoutView is what surrounds every page.
type layoutView struct {
	Title, Section string
	Visitor        Visitor
	Guarded        bool // somebody signed in
	SignedIn       bool
	Theme          string // light, dark, or empty for the system's
	Revealed       bool
	RevealedUntil  string
	Here           string // path and query, to come back to
	Strip          stripView
	Banner         *bannerView
	Main           any
}

// pages are the templates: one set a page, each with the layout.
type pages map[string]*template.Template

// parsePages reads the embedded templates. One that is broken is a mistake of
// ours that every test meets.
func parsePages(zone *time.Location, now func() time.Time) pages {
	all := pages{}
	base := template.Must(template.New("").Funcs(functions(zone, now)).ParseFS(files, "templates/layout.html", "templates/parts/*.html"))
	names, err := fs.Glob(files, "templates/*.html")
	if err != nil {
		panic(err)
	}
	for _, name := range names {
		if page := strings.TrimSuffix(path.Base(name), ".html"); page != "layout" {
			all[page] = template.Must(template.Must(base.Clone()).ParseFS(files, name))
		}
	}
	return all
}

// render answers with a whole page.
func (a *asked) render(status int, page, section, title string, main any) error {
	v := layoutView{Title: title, Section: section, Visitor: a.visitor, Guarded: a.c.o.Door.Guarded(),
		SignedIn: a.visitor.Name != "", Theme: theme(a.Request), Revealed: a.eyes.revealed(), Here: a.URL.RequestURI(), Main: main}
	if v.SignedIn {
		v.Strip, v.Banner = a.c.stripNow(), a.bannerNow()
	}
	if v.Revealed {
		v.RevealedUntil = a.eyes.open.In(a.c.o.Zone).Format("15:04")
	}
	if a.Method != http.MethodGet {
		v.Here = "/"
	}
	return a.write(status, a.c.pages[page], "layout", v)
}

// part answers with one named template. A form that was sent without htmx, by a
// browser that runs no scripts, gets a page around it.
func (a *asked) part(status int, name string, v any) error {
	if a.Method == http.MethodPost && !a.fromHTMX() {
		var out strings.Builder
		if err := a.c.parts().ExecuteTemplate(&out, name, v); err != nil {
			return fmt.Errorf("rendering %s: %w", name, err)
		}
		return a.render(status, "plain", "", "Switchboard", template.HTML(out.String())) // our own template made it
	}
	return a.write(status, a.c.parts(), name, v)
}

func (a *asked) write(status int, t *template.Template, name string, v any) error {
	var out bytes.Buffer
	if err := t.ExecuteTemplate(&out, name, v); err != nil {
		return fmt.Errorf("rendering %s: %w", name, err)
	}
	h := a.w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Vary", "HX-Request, Cookie")
	a.w.WriteHeader(status)
	_, err := out.WriteTo(a.w)
	if err != nil {
		return nil //nolint:nilerr // the visitor has gone
	}
	return nil
}

// parts are the templates that no page is needed for: those under parts/.
func (c *Console) parts() *template.Template { return c.pages["problem"] }

// theme is what the visitor chose with the button.
func theme(r *http.Request) string {
	cookie, err := r.Cookie("switchboard_theme")
	if err != nil || cookie.Value != "light" && cookie.Value != "dark" {
		return ""
	}
	return cookie.Value
}

// functions are what templates may call.
func functions(zone *time.Location, now func() time.Time) template.FuncMap {
	f := clock{zone, now}
	return template.FuncMap{
		"clock": f.clock, "moment": f.moment, "machine": f.machine, "stamp": func(t time.Time) string { return f.moment(ns(t)) },
		"statusName": statusName, "statusClass": statusClass, "sourceName": sourceName,
		"query": query, "bytes": bytesText, "days": daysText, "plural": plural, "share": share, "seconds": secondsText,
		"dict": dict, "count": count, "rounded": rounded, "count64": func(n uint64) string { return count(int64(n)) }, "short": shortRevision, "add": func(a, b int) int { return a + b },
	}
}

// query is an address with parameters, names and values in turn; empty values
// are left out.
func query(to string, pairs ...string) (string, error) {
	if len(pairs)%2 != 0 {
		return "", fmt.Errorf("query %s: a value is missing", to)
	}
	v := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			v.Set(pairs[i], pairs[i+1])
		}
	}
	if len(v) == 0 {
		return to, nil
	}
	return to + "?" + v.Encode(), nil
}

// dict gives a template several named values.
func dict(pairs ...any) (map[string]any, error) {
	out := make(map[string]any, len(pairs)/2)
	for i := 0; i+1 < len(pairs); i += 2 {
		name, ok := pairs[i].(string)
		if !ok {
			return nil, fmt.Errorf("dict: %v is no name", pairs[i])
		}
		out[name] = pairs[i+1]
	}
	return out, nil
}

// static serves the scripts and styles. Their addresses carry the version of
// the program, so that a browser may keep them.
func static() http.Handler {
	sub, err := fs.Sub(files, "static")
	if err != nil {
		panic(err)
	}
	server := http.StripPrefix("/static/", http.FileServerFS(sub))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/") {
			http.NotFound(w, r) // no listings
			return
		}
		w.Header().Set("Cache-Control", "no-cache")
		server.ServeHTTP(w, r)
	})
}
