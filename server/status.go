package server

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"switchboard/engine"
	"switchboard/server/access"
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
		Store: storeView{StoreStatus: store, Warnings: list(store.Warnings),
			LastDecision: rfc3339(store.LastDecision), LastCompletion: rfc3339(store.LastCompletion)},
		Fallbacks: *s.fallbacks.Load(),
		Warnings:  list(s.warnings(now, store, policies)),
		Version:   s.o.Version, StartedAt: s.started.UTC(), Uptime: int64(now.Sub(s.started).Seconds()),
		Listeners: listenersView{public, private, viewCertificate(s.o.TLS), viewCertificate(s.o.PrivateTLS)},
	}
	return writeJSON(c, http.StatusOK, v)
}

const (
	// silentDecisions and silentTime are after how many calls and how long the
	// absence of completions is no accident any more.
	silentDecisions = 20
	silentTime      = time.Hour
	// recently is how long an odd request is worth a warning.
	recently = time.Hour
)

// fallbackWarnings are about the number that has to answer when nothing else
// does.
func (s *Server) fallbackWarnings() []string {
	v := s.fallbacks.Load()
	switch {
	case v.Global == nil:
		return []string{"No global fallback is configured: a call that the policies do not answer gets none. Set --fallback NUMBER."}
	case s.o.Policies.IsDID(v.did):
		return []string{fmt.Sprintf("The global fallback %s is a DID of the directory, so a call that goes there comes back. Set --fallback to a person's number.", *v.Global)}
	}
	return nil
}

// warnings are what somebody should look at, each with what to do.
func (s *Server) warnings(now time.Time, store engine.StoreStatus, policies engine.PolicyStatus) []string {
	w := s.policyWarnings(policies)
	w = append(w, s.fallbackWarnings()...)
	w = append(w, s.accessWarnings(now)...)
	w = append(w, s.certificateWarnings(now)...)
	if store.Error != "" {
		w = append(w, fmt.Sprintf("The disk does not take records: %s. Calls are routed from memory; make room or repair the disk.", strings.TrimRight(store.Error, ".")))
	}
	if store.Rebuilding {
		w = append(w, "The index is being rebuilt, so policies see only a part of the history. Wait until it is done.")
	}
	if store.Unsaved > 0 {
		w = append(w, fmt.Sprintf("%d decisions did not reach the disk and will be missing after a restart.", store.Unsaved))
	}
	if n := store.Quarantined; n > 0 {
		w = append(w, fmt.Sprintf("%d payloads that could not be understood are in quarantine. Look at GET /api/v1/quarantine.", n))
	}
	if n := s.seen.lostQuarantine.count.Load(); n > 0 {
		w = append(w, fmt.Sprintf("%d payloads that could not be understood could not be kept either. The log says why.", n))
	}
	if store.Decisions >= silentDecisions && store.Completions == 0 && now.Sub(s.started) >= silentTime {
		w = append(w, fmt.Sprintf("%d calls were decided and no completion came, so calls stay in flight until they expire. "+
			"Enter the address of %s at the provider as \"Send Call Details\".", store.Decisions, completionPath))
	}
	w = append(w, store.Warnings...)
	if s.o.Warn != nil {
		w = append(w, s.o.Warn()...)
	}
	return w
}

func (s *Server) policyWarnings(p engine.PolicyStatus) (w []string) {
	switch {
	case p.Revision == "":
		w = append(w, "No policy set is active: every call goes to a fallback. Repair the policies and reload.")
	case p.Origin == engine.OriginBuiltin:
		w = append(w, "The built-in starter set serves, which answers for the sample DID of the documentation alone. "+
			"\"switchboard policies init\" writes a set of your own; name its folder with --policies.")
	case p.Origin == engine.OriginArchive && p.Reload.OK:
		w = append(w, fmt.Sprintf("There is no policies folder, so the set that went live last (revision %s) serves out of the database. "+
			"Put the folder back, or name it with --policies.", p.Revision))
	}
	if b := p.Rollback; b != nil {
		w = append(w, fmt.Sprintf("Revision %s serves by a rollback (%s, %s) in place of what the folder holds. "+
			"It holds until the folder's content changes; to end it now, roll back to the folder's own revision.",
			p.Revision, b.By, b.At.In(s.o.Zone).Format(time.RFC3339)))
	}
	if r := p.Reload; !r.OK && !r.At.IsZero() {
		serves := "none serves"
		if p.Revision != "" {
			serves = fmt.Sprintf("revision %s keeps serving", p.Revision)
		}
		first := ""
		if len(r.Errors) > 0 {
			e := r.Errors[0]
			first = fmt.Sprintf(" (%s)", engine.Mask(e.String()))
		}
		w = append(w, fmt.Sprintf("The last reload failed%s, so %s. Repair it; saving the file reloads.", first, serves))
	}
	return w
}

// accessWarnings are about who can reach what.
func (s *Server) accessWarnings(now time.Time) (w []string) {
	lately := now.Add(-recently)
	doors := s.doors.Load()
	if doors.keys.Len() == 0 {
		w = append(w, "The public listener has no secret: whoever reaches it can learn receivers' numbers. Set --key and enter it at the provider.")
	}
	if n, ok := s.seen.forwarded.since(lately); ok {
		w = append(w, fmt.Sprintf("%d requests reached the public listener through a proxy, and it has no secret. Set --key.", n))
	}
	if n, ok := s.seen.forwardedPrivate.since(lately); ok {
		w = append(w, fmt.Sprintf("%d requests reached the private listener through a proxy, and it has no token. Set --private-token, or stop forwarding to it.", n))
	}
	if n, ok := s.seen.refusedKey.since(lately); ok {
		w = append(w, fmt.Sprintf("%d requests to the webhooks came with a missing or wrong secret. If they are the provider's, its calls fail: compare the secrets.", n))
	}
	if n, ok := s.seen.refusedToken.since(lately); ok {
		w = append(w, fmt.Sprintf("%d requests to the private listener came with a wrong token. If they are not yours, keep others away from it.", n))
	}
	if len(doors.weak) > 0 {
		w = append(w, fmt.Sprintf("A secret has fewer than %d characters and can be guessed: %s. Make a longer one (openssl rand -hex 24).",
			access.MinSecret, strings.Join(doors.weak, ", ")))
	}
	return w
}

// renewalTime is how long before its end a certificate is worth a warning: by
// then whoever renews it by itself should have.
const renewalTime = 14 * 24 * time.Hour

func (s *Server) certificateWarnings(now time.Time) (w []string) {
	for _, l := range []*listener{&s.public, &s.private} {
		if l.certs == nil {
			continue
		}
		state := l.certs.State()
		switch left := state.NotAfter.Sub(now); {
		case left <= 0:
			w = append(w, fmt.Sprintf("The %s listener's certificate expired on %s, and clients refuse it. Put a new one in the place of its files.",
				l.name, state.NotAfter.Format(time.DateOnly)))
		case left < renewalTime:
			w = append(w, fmt.Sprintf("The %s listener's certificate expires on %s. Put a new one in the place of its files; no restart is needed.",
				l.name, state.NotAfter.Format(time.DateOnly)))
		}
		if state.Err != nil {
			w = append(w, fmt.Sprintf("The %s listener goes on with its old certificate: %v.", l.name, state.Err))
		}
	}
	return w
}
