package console

import (
	"context"
	"net/http"
	"sync"
	"time"
)

// Console serves the pages. It is safe for concurrent use; Close ends the
// streams that it keeps open.
type Console struct {
	o        Options
	seal     *seal
	visits   *visits
	pulse    *pulse
	delays   *delays
	board    *boards
	pages    pages
	handler  http.Handler
	closing  context.Context
	endNotes context.CancelFunc
	testing  sync.Mutex // held while a revision's tests run
}

// New checks the options, of which the error names the one at fault.
func New(o Options) (*Console, error) {
	if err := o.validate(); err != nil {
		return nil, err
	}
	c := &Console{o: o, seal: newSeal(), visits: newVisits(o.Now), delays: newDelays(), pages: parsePages(o.Zone, o.Now)}
	c.closing, c.endNotes = context.WithCancel(context.Background())
	c.pulse = newPulse(c.beat)
	c.board = &boards{read: c.readBoard, now: o.Now}
	c.handler = c.routes()
	return c, nil
}

// Close ends the streams of events, so that a server can drain.
func (c *Console) Close() { c.endNotes() }

// Sections are the first elements of the paths that the console answers, beside
// "/" itself.
func Sections() []string {
	return []string{"static", "login", "logout", "reveal", "events", "strip",
		"calls", "call", "try", "people", "policies", "statistics", "system"}
}

// maxForm bounds what a form may send, in bytes: an edited policy set is the
// largest.
const maxForm = 16 << 20

// ServeHTTP answers a request to one of the console's paths.
func (c *Console) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	headers(w.Header())
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	c.handler.ServeHTTP(w, r)
}

func (c *Console) routes() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /static/{file...}", static())
	mux.Handle("GET /login", c.open(c.loginPage))
	mux.Handle("POST /login", c.open(c.login))
	mux.Handle("POST /logout", c.open(c.logout))

	mux.Handle("GET /{$}", c.page(c.livePage))
	mux.Handle("GET /events", c.page(c.events))
	mux.Handle("GET /strip", c.page(c.strip))
	mux.Handle("POST /reveal", c.page(c.reveal))

	mux.Handle("GET /calls", c.page(aside(c.callsPage)))
	mux.Handle("GET /call", c.page(c.callPage))
	if c.o.Explain != nil {
		mux.Handle("GET /call/explain", c.page(aside(c.explain)))
	}
	if c.o.Past != nil {
		mux.Handle("GET /call/history", c.page(aside(c.seen)))
	}
	mux.Handle("POST /call/recording", c.page(c.recording))

	mux.Handle("GET /try", c.page(c.tryPage))
	mux.Handle("POST /try/edit", c.page(c.editFile))
	mux.Handle("POST /try/ask", c.page(aside(c.ask)))
	mux.Handle("POST /try/check", c.page(heavy(c.check)))
	mux.Handle("POST /try/download", c.page(c.download))
	if c.o.Replay != nil {
		mux.Handle("POST /try/replay", c.page(heavy(c.replay)))
	}

	mux.Handle("GET /people", c.page(c.peoplePage))
	mux.Handle("POST /people/pause", c.change(c.pause))
	mux.Handle("POST /people/resume", c.change(c.resume))
	mux.Handle("POST /people/session", c.change(c.putSession))
	mux.Handle("POST /people/session/end", c.change(c.endSession))

	mux.Handle("GET /policies", c.page(aside(c.policiesPage)))
	mux.Handle("POST /policies/tests", c.page(heavy(c.runTests)))
	mux.Handle("POST /policies/reload", c.change(aside(c.reload)))
	mux.Handle("POST /policies/rollback", c.change(aside(c.rollback)))

	mux.Handle("GET /statistics", c.page(heavy(c.statsPage)))
	mux.Handle("GET /statistics/table", c.page(heavy(c.statsTable)))

	mux.Handle("GET /system", c.page(c.systemPage))
	mux.Handle("GET /system/audit", c.page(c.audit))
	mux.Handle("POST /system/retry", c.change(c.retry))
	mux.Handle("POST /system/discard", c.change(c.discard))
	mux.Handle("POST /system/letter/retry", c.change(c.retryLetter))
	mux.Handle("POST /system/letter/all", c.change(c.retryLetters))
	mux.Handle("POST /system/letter/delete", c.change(c.deleteLetter))
	mux.Handle("POST /system/forget", c.change(heavy(c.forget)))
	mux.Handle("POST /system/clock", c.change(c.confirmClock))
	mux.Handle("POST /system/backup", c.change(aside(c.backup)))
	mux.Handle("/", c.page(c.nothingHere))
	return mux
}

// headers keep the browser to this server, and the pages out of caches and
// frames.
func headers(h http.Header) {
	h.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "+
		"connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
	// Not no-referrer: a browser would hide the origin of our own forms, too, and
	// the listener refuses forms of unknown origin.
	h.Set("Referrer-Policy", "same-origin")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
}

// patience bounds the reading for one page.
const patience = 10 * time.Second
