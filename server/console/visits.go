package console

import (
	"crypto/rand"
	"net/http"
	"sync"
	"time"
)

const (
	// visitCookie holds the id of a visit; what belongs to it stays here.
	visitCookie = "switchboard_visit"
	// visitLength ends a visit in which nothing is asked for any more.
	visitLength = 12 * time.Hour
	// revealLength is how long numbers stay readable.
	revealLength = 15 * time.Minute
	// maxVisits bounds how many are kept; the one idle for longest goes first.
	maxVisits = 1000
)

// visits are the browsers that are let in, by the id in their cookie.
type visits struct {
	now  func() time.Time
	mu   sync.Mutex
	kept map[string]*visit
}

// visit is one browser. Its token is asked again at every request, so that one
// that is taken back ends it.
type visit struct {
	token    string
	revealed time.Time // until when numbers are readable
	seen     time.Time
}

func newVisits(now func() time.Time) *visits {
	return &visits{now: now, kept: make(map[string]*visit)}
}

// begin starts a visit and gives the browser its cookie.
func (v *visits) begin(w http.ResponseWriter, r *http.Request, token string) string {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.makeRoom()
	id := rand.Text()
	v.kept[id] = &visit{token: token, seen: v.now()}
	http.SetCookie(w, &http.Cookie{Name: visitCookie, Value: id, Path: "/", HttpOnly: true,
		SameSite: http.SameSiteStrictMode, Secure: r.TLS != nil})
	return id
}

// makeRoom forgets what is over, and the one idle for longest where that is not
// enough. The mutex is held.
func (v *visits) makeRoom() {
	now, oldest := v.now(), ""
	for id, one := range v.kept {
		if now.Sub(one.seen) > visitLength {
			delete(v.kept, id)
		} else if oldest == "" || one.seen.Before(v.kept[oldest].seen) {
			oldest = id
		}
	}
	if len(v.kept) >= maxVisits {
		delete(v.kept, oldest)
	}
}

// of finds the visit of a request; its id is empty where there is none.
func (v *visits) of(r *http.Request) (id string, one visit) {
	cookie, err := r.Cookie(visitCookie)
	if err != nil {
		return "", visit{}
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	found := v.kept[cookie.Value]
	now := v.now()
	if found == nil || now.Sub(found.seen) > visitLength {
		return "", visit{}
	}
	found.seen = now
	return cookie.Value, *found
}

// reveal makes a visit's numbers readable until a moment; zero masks them.
func (v *visits) reveal(id string, until time.Time) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if one := v.kept[id]; one != nil {
		one.revealed = until
	}
}

func (v *visits) end(id string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	delete(v.kept, id)
}
