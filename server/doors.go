package server

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"switchboard/server/access"
)

// Secrets are what opens the listeners.
type Secrets struct {
	// Keys open the public listener, any of them: two at once let a secret be
	// changed without losing a call. None leaves it open, which only a loopback
	// address or Options.Insecure allows.
	Keys []string
	// Tokens open the private listener. Off loopback one is required.
	Tokens []access.Token
}

// doors are the secrets in force.
type doors struct {
	keys, tokens access.Ring
	given        []string // all of them, for the log's scrubber
	scrub        *strings.Replacer
	weak         []string // what can be guessed: "key" or a token's name
}

// newDoors checks secrets. What was in force before is still kept out of the
// log: a request that began then may end now.
func newDoors(s Secrets, before *doors) (*doors, error) {
	d := &doors{}
	var err error
	if d.keys, err = access.Keys(s.Keys); err != nil {
		return nil, fmt.Errorf("server: Keys: a secret is unfit: %w", err)
	}
	if d.tokens, err = access.Tokens(s.Tokens); err != nil {
		return nil, fmt.Errorf("server: Tokens: %w", err)
	}
	for _, k := range s.Keys {
		d.note(k, "a key of the webhooks")
	}
	for _, t := range s.Tokens {
		d.note(t.Secret, "the token of "+t.Name)
	}
	known := d.given
	if before != nil {
		known = slices.Concat(known, before.given)
	}
	d.scrub = scrubber(known)
	return d, nil
}

func (d *doors) note(secret, what string) {
	d.given = append(d.given, secret)
	if len(secret) < access.MinSecret && !slices.Contains(d.weak, what) {
		d.weak = append(d.weak, what)
	}
}

// SetSecrets changes the secrets while the server runs: the next request meets
// the new ones. Where tokens changed, streams that the old ones opened end. On an
// error everything stays as it was.
func (s *Server) SetSecrets(n Secrets) error {
	s.secretsMu.Lock()
	defer s.secretsMu.Unlock()
	o := s.o
	o.Secrets = n
	if err := o.CheckExposure(); err != nil {
		return err
	}
	for _, l := range []struct {
		listener *listener
		guarded  bool
	}{{&s.public, o.mayOpen()}, {&s.private, len(n.Tokens) > 0}} {
		if l.listener.net != nil && !l.guarded && !isLoopback(l.listener.net.Addr()) {
			return fmt.Errorf("server: the %s listener can be reached from other machines, so it must keep a secret", l.listener.name)
		}
	}
	before := s.doors.Load()
	after, err := newDoors(n, before)
	if err != nil {
		return err
	}
	s.doors.Store(after)
	if !after.tokens.Same(before.tokens) {
		s.o.Feed.hub.Dismiss()
	}
	return nil
}

// holder is the key of a request's token in its context.
type holder struct{}

// by names who asks, by the request's context: the name of the token, or
// "anonymous" where the listener asks for none.
func by(ctx context.Context) string {
	if t, ok := ctx.Value(holder{}).(access.Token); ok {
		return t.Name
	}
	return "anonymous"
}

// tokenGuard admits bearer tokens: an admin's to everything, a read-only one to
// what changes nothing. Without tokens it admits everybody, which CheckExposure
// allows on loopback only.
func (s *Server) tokenGuard(c *gin.Context) {
	given := bearer(c.Request)
	c.Request.Header.Del("Authorization")
	tokens := s.doors.Load().tokens
	if tokens.Len() == 0 {
		return
	}
	from, now := remote(c.Request), s.o.Now()
	if wait := s.failures.Wait(from, now); wait > 0 {
		s.throttle(c, wait)
		return
	}
	token, ok := tokens.Find(given)
	switch {
	case !ok:
		if given != "" { // a request without a token is no guess
			s.failures.Failed(from, now)
			s.seen.refusedToken.note(now)
		}
		s.o.Metrics.refused.WithLabelValues("private").Inc()
		c.Header("WWW-Authenticate", `Bearer realm="switchboard"`)
		refuse(c, fail(http.StatusUnauthorized,
			"The token is missing or wrong. Send the header Authorization: Bearer TOKEN, with a token of --private-token."))
		return
	case token.ReadOnly && !changesNothing(c.Request.Method) && !onlyAsks[c.FullPath()]:
		refuse(c, fail(http.StatusForbidden, "The token of %s may read only. Use an admin token for %s.", token.Name, c.Request.Method))
		return
	}
	s.failures.Passed(from, now)
	c.Request = c.Request.WithContext(context.WithValue(c.Request.Context(), holder{}, token))
}

// throttle answers an address that tried too often in vain.
func (s *Server) throttle(c *gin.Context, wait time.Duration) {
	s.o.Metrics.throttled.Inc()
	c.Header("Retry-After", strconv.Itoa(int(math.Ceil(wait.Seconds()))))
	refuse(c, fail(http.StatusTooManyRequests, "Too many wrong tokens came from this address. Wait, then send the right one."))
}

func bearer(r *http.Request) string {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimSpace(token)
}

// onlyAsks are the routes that are asked by POST, for the size of the question,
// and change nothing.
var onlyAsks = map[string]bool{apiPath + routePath: true, apiPath + replayPath: true}

func changesNothing(method string) bool {
	return method == http.MethodGet || method == http.MethodHead
}

// remote is the address a request came from; the zero address where it is none,
// which then stands for all such.
func remote(r *http.Request) netip.Addr {
	at, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.IPv6Unspecified()
	}
	return at.Addr()
}

// checkSecrets names the secret that is none.
func (o *Options) checkSecrets() error {
	for _, k := range o.Keys {
		if strings.TrimSpace(k) == "" {
			return errors.New("server: Keys holds an empty secret, which would let everybody in; leave it out or fill it in")
		}
	}
	_, err := newDoors(o.Secrets, nil)
	return err
}
