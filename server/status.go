package server

import (
	"net/http"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"switchboard/engine"
	"switchboard/server/certs"
)

// statusView is GET /status.
type statusView struct {
	Revision  string        `json:"revision"` // of the policies that serve; empty for none
	Ready     bool          `json:"ready"`    // a call would get an answer
	Policies  standingView  `json:"policies"`
	Reload    reportView    `json:"reload"`
	Store     storeView     `json:"store"`
	Fallbacks fallbacksView `json:"fallbacks"`
	Warnings  []string      `json:"warnings"` // sentences that say what to do
	Version   string        `json:"version"`
	StartedAt time.Time     `json:"started_at"`
	Uptime    int64         `json:"uptime_seconds"`
	Listeners listenersView `json:"listeners"`
}

type standingView struct {
	Origin   string           `json:"origin"`
	Folder   string           `json:"folder"`
	Since    *time.Time       `json:"since"`
	Rollback *engine.Rollback `json:"rollback"` // in force; null where none is
}

// storeView adds the moments to a StoreStatus.
type storeView struct {
	engine.StoreStatus
	Warnings       []string `json:"warnings"`
	LastDecision   *string  `json:"last_decision"`
	LastCompletion *string  `json:"last_completion"`
}

type fallbacksView struct {
	Global *string `json:"global"` // masked; null for none
	DIDs   int     `json:"dids"`   // how many DIDs have their own

	did string // the global one as a DID is written
}

// SetFallbacks tells status which global fallback is in force, empty for none,
// and how many DIDs have their own.
func (s *Server) SetFallbacks(global string, dids int) {
	v := &fallbacksView{DIDs: dids}
	if global != "" {
		masked := engine.Mask(global)
		v.Global, v.did = &masked, strings.TrimPrefix(s.o.Numbers.Person(global).E164, "+")
	}
	s.fallbacks.Store(v)
}

type listenersView struct {
	Public     string           `json:"public"`
	Private    string           `json:"private"`
	PublicTLS  *certificateView `json:"public_tls"` // null without TLS
	PrivateTLS *certificateView `json:"private_tls"`
}

type certificateView struct {
	Name    string    `json:"name"`
	Expires time.Time `json:"expires"`
	Error   string    `json:"error"` // why newer files are not in force; empty where there are none
}

func viewCertificate(f *certs.Files) *certificateView {
	if f == nil {
		return nil
	}
	state := f.State()
	v := &certificateView{Name: state.Subject, Expires: state.NotAfter.UTC()}
	if state.Err != nil {
		v.Error = state.Err.Error()
	}
	return v
}

// status answers how the server is and what somebody should do about it.
func (s *Server) status(c *gin.Context) error {
	if err := onlyParameters(c); err != nil {
		return err
	}
	now, store, policies := s.o.Now(), s.o.History.Status(), s.o.Policies.Status()
	public, private := s.Addrs()
	v := statusView{
		Revision: policies.Revision, Ready: s.o.Router.Ready(),
		Policies: standingView{policies.Origin, policies.Folder, moment(policies.Since), policies.Rollback},
		Reload:   viewReport(policies.Reload),
		Store: storeView{StoreStatus: store, Warnings: engine.WarningTexts(store.Warnings),
			LastDecision: rfc3339(store.LastDecision), LastCompletion: rfc3339(store.LastCompletion)},
		Fallbacks: *s.fallbacks.Load(),
		Warnings:  engine.WarningTexts(s.warningsOf(now, store, policies)),
		Version:   s.o.Version, StartedAt: s.started.UTC(), Uptime: int64(now.Sub(s.started).Seconds()),
		Listeners: listenersView{public, private, viewCertificate(s.o.TLS), viewCertificate(s.o.PrivateTLS)},
	}
	return writeJSON(c, http.StatusOK, v)
}
