package server

import (
	"fmt"
	"strings"
	"time"

	"switchboard/engine"
	"switchboard/server/access"
	"switchboard/server/conns"
)

const (
	// silentDecisions and silentTime are after how many calls and how long the
	// absence of completions is no accident any more.
	silentDecisions = 20
	silentTime      = time.Hour
	// recently is how long an odd request is worth a warning.
	recently = time.Hour
)

// warnings collects what somebody should look at.
type warnings []engine.Warning

// add is for what there is one of.
func (w *warnings) add(code, hint, format string, args ...any) {
	w.about(code, "", hint, format, args...)
}

// about is for what there may be several of at once.
func (w *warnings) about(code, about, hint, format string, args ...any) {
	*w = append(*w, engine.Warning{Code: code, About: about, Message: fmt.Sprintf(format, args...), Hint: hint})
}

// warnings are what somebody should look at now.
func (s *Server) warnings() []engine.Warning {
	return s.warningsOf(s.o.Now(), s.o.History.Status(), s.o.Policies.Status())
}

func (s *Server) warningsOf(now time.Time, store engine.StoreStatus, policies engine.PolicyStatus) []engine.Warning {
	var w warnings
	s.warnOfPolicies(&w, policies)
	s.warnOfFallbacks(&w)
	s.warnOfAccess(&w, now)
	s.warnOfCertificates(&w, now)
	s.warnOfStore(&w, now, store)
	if s.o.Warn != nil {
		w = append(w, s.o.Warn()...)
	}
	return w
}

// warnOfFallbacks is about the number that has to answer when nothing else does.
func (s *Server) warnOfFallbacks(w *warnings) {
	v := s.fallbacks.Load()
	switch {
	case v.Global == nil:
		w.add("no_fallback", "Set --fallback NUMBER.", "No global fallback is configured: a call that the policies do not answer gets none.")
	case s.o.Policies.IsDID(v.did):
		w.add("fallback_is_did", "Set --fallback to a person's number.",
			"The global fallback %s is a DID of the directory, so a call that goes there comes back.", *v.Global)
	}
}

func (s *Server) warnOfStore(w *warnings, now time.Time, store engine.StoreStatus) {
	if store.Error != "" {
		w.add("store_failing", "Calls are routed from memory; make room, repair the disk, or let it be written.",
			"The disk does not take records: %s.", strings.TrimRight(store.Error, "."))
	}
	if err := s.unready.Load(); err != nil {
		w.add("ready_file", "Make room; it is written then.", "Who waits for the ready file waits in vain: %v.", *err)
	}
	if store.Rebuilding {
		w.add("index_rebuilding", "Wait until it is done.", "The index is being rebuilt, so policies see only a part of the history.")
	}
	if store.Unsaved > 0 {
		w.add("decisions_unsaved", "Make room, repair the disk, or let it be written before you restart.",
			"%s did not reach the disk and will be missing after a restart.", counted(store.Unsaved, "decision"))
	}
	if n := store.Quarantined; n > 0 {
		w.add("quarantine", "Look at GET /api/v1/quarantine.", "In quarantine: %s that could not be understood.", counted(n, "payload"))
	}
	if n := s.seen.lostQuarantine.count.Load(); n > 0 {
		w.add("quarantine_failed", "The log says why.", "%s that could not be understood could not be kept either.", counted(n, "payload"))
	}
	if store.Decisions >= silentDecisions && store.Completions == 0 && now.Sub(s.started) >= silentTime {
		w.add("completions_missing", fmt.Sprintf("Enter the address of %s at the provider as \"Send Call Details\".", completionPath),
			"%d calls were decided and no completion came, so calls stay in flight until they expire.", store.Decisions)
	}
	*w = append(*w, store.Warnings...)
}

func (s *Server) warnOfPolicies(w *warnings, p engine.PolicyStatus) {
	switch {
	case p.Revision == "" && s.fallbacks.Load().Global == nil:
		w.add("no_policies", "Repair the policies and reload.", "No policy set is active: calls go to their DID's fallback, and of a DID without one they get no answer (503).")
	case p.Revision == "":
		w.add("no_policies", "Repair the policies and reload.", "No policy set is active: every call goes to a fallback.")
	case p.Origin == engine.OriginBuiltin:
		w.add("policies_builtin", "\"switchboard policies init\" writes a set of your own; name its folder with --policies.",
			"The built-in starter set serves, which answers for the sample DID of the documentation alone.")
	case p.Origin == engine.OriginArchive && p.Reload.OK:
		w.add("policies_archived", "Put the folder back, or name it with --policies.",
			"There is no policies folder, so the set that went live last (revision %s) serves out of the database.", p.Revision)
	}
	if b := p.Rollback; b != nil {
		w.add("policies_rollback", "It holds until the folder's content changes; to end it now, roll back to the folder's own revision.",
			"Revision %s serves by a rollback (%s, %s) in place of what the folder holds.", p.Revision, b.By, b.At.In(s.o.Zone).Format(time.RFC3339))
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
		w.add("reload_failed", "Repair it; saving the file reloads.", "The last reload failed%s, so %s.", first, serves)
	}
}

// warnOfAccess is about who can reach what.
func (s *Server) warnOfAccess(w *warnings, now time.Time) {
	lately := now.Add(-recently)
	doors := s.doors.Load()
	if doors.keys.Len() == 0 {
		w.add("no_key", "Set --key and enter it at the provider.",
			"The public listener has no secret: whoever reaches it can learn receivers' numbers.")
	}
	if n, ok := s.seen.forwarded.since(lately); ok {
		w.about("forwarded", s.public.name, "Set --key.", "%s reached the public listener through a proxy, and it has no secret.", counted(n, "request"))
	}
	if n, ok := s.seen.forwardedPrivate.since(lately); ok {
		w.about("forwarded", s.private.name, "Set --private-token, or stop forwarding to it.",
			"%s reached the private listener through a proxy, and it has no token.", counted(n, "request"))
	}
	if n, ok := s.seen.refusedKey.since(lately); ok {
		w.about("refused", s.public.name, "If they are the provider's, its calls fail: compare the secrets.",
			"%s to the webhooks came with a missing or wrong secret.", counted(n, "request"))
	}
	if n, ok := s.seen.refusedToken.since(lately); ok {
		w.about("refused", s.private.name, "If they are not yours, keep others away from it.",
			"%s to the private listener came with a wrong token.", counted(n, "request"))
	}
	if s.places < s.o.MaxConnections {
		w.add("few_files", "Raise the limit (ulimit -n, LimitNOFILE) and restart, or set --max-connections to less.",
			"The system lets this process have %d files open, so the webhooks have room for %d connections and not for %d.",
			conns.OpenFiles(), s.places, s.o.MaxConnections)
	}
	if len(doors.weak) > 0 {
		w.add("weak_secret", "Make a longer one (openssl rand -hex 24).", "A secret has fewer than %d characters and can be guessed: %s.",
			access.MinSecret, strings.Join(doors.weak, ", "))
	}
}

// renewalTime is how long before its end a certificate is worth a warning: by
// then whoever renews it by itself should have.
const renewalTime = 14 * 24 * time.Hour

func (s *Server) warnOfCertificates(w *warnings, now time.Time) {
	for _, l := range []*listener{&s.public, &s.private} {
		if l.certs == nil {
			continue
		}
		state := l.certs.State()
		switch left := state.NotAfter.Sub(now); {
		case left <= 0:
			w.about("certificate_expired", l.name, "Put a new one in the place of its files.",
				"The %s listener's certificate expired on %s, and clients refuse it.", l.name, state.NotAfter.Format(time.DateOnly))
		case left < renewalTime:
			w.about("certificate_expires", l.name, "Put a new one in the place of its files; no restart is needed.",
				"The %s listener's certificate expires on %s.", l.name, state.NotAfter.Format(time.DateOnly))
		}
		if state.Err != nil {
			w.about("certificate_refused", l.name, "Repair its files.", "The %s listener goes on with its old certificate: %v.", l.name, state.Err)
		}
	}
}

// counted is a number of things, in the singular for one.
func counted[N int | int64 | uint64](n N, thing string) string {
	if n != 1 {
		thing += "s"
	}
	return fmt.Sprint(n, " ", thing)
}
