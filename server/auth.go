package server

import (
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"net/url"
	"strings"

	"github.com/gin-gonic/gin"
)

// secrets are kept as hashes: all have one length, so that a comparison takes
// the same time whatever was sent.
type secrets [][sha256.Size]byte

func newSecrets(values []string) secrets {
	out := make(secrets, 0, len(values))
	for _, v := range values {
		out = append(out, sha256.Sum256([]byte(v)))
	}
	return out
}

// match reports whether one of the secrets was given. It looks at all of them
// whichever matches.
func (s secrets) match(given string) bool {
	sum := sha256.Sum256([]byte(given))
	found := 0
	for i := range s {
		found |= subtle.ConstantTimeCompare(s[i][:], sum[:])
	}
	return found == 1
}

// keyGuard admits requests that carry a key and takes the key out of them:
// whatever comes after cannot tell it to anybody.
func (s *Server) keyGuard(keys secrets) gin.HandlerFunc {
	return func(c *gin.Context) {
		given := takeKeys(c.Request, s.o.KeyHeader)
		if len(keys) == 0 {
			return
		}
		admitted := false
		for _, g := range given {
			admitted = keys.match(g) || admitted
		}
		if admitted {
			return
		}
		s.seen.refusedKey.note(s.o.Now())
		s.o.Metrics.refused.WithLabelValues("public").Inc()
		c.Header("WWW-Authenticate", `Basic realm="switchboard", charset="UTF-8"`)
		refuse(c, fail(http.StatusUnauthorized,
			"The secret is missing or wrong. Send it in the header %s, as the HTTP Basic password, or as ?key= in the webhook's address.", s.o.KeyHeader))
	}
}

// takeKeys removes every secret that a request may carry, and returns them.
func takeKeys(r *http.Request, header string) []string {
	given := r.Header.Values(header)
	r.Header.Del(header)
	if _, password, ok := r.BasicAuth(); ok {
		given = append(given, password)
	}
	r.Header.Del("Authorization")
	var query []string
	r.URL.RawQuery, query = takeKeyParameter(r.URL.RawQuery)
	r.RequestURI = r.URL.RequestURI()
	return append(given, query...)
}

// takeKeyParameter takes the parameter "key" out of a query and leaves the rest
// as it came, letter for letter.
func takeKeyParameter(query string) (rest string, given []string) {
	var kept []string
	for part := range strings.SplitSeq(query, "&") {
		name, value, _ := strings.Cut(part, "=")
		if name, err := url.QueryUnescape(name); err == nil && name == "key" {
			// A secret is often pasted into the address as it is: a plus, or
			// even a percent sign, then stands for itself.
			given = append(given, value)
			for _, unescape := range []func(string) (string, error){url.QueryUnescape, url.PathUnescape} {
				if plain, err := unescape(value); err == nil && plain != value {
					given = append(given, plain)
				}
			}
			continue
		}
		kept = append(kept, part)
	}
	return strings.Join(kept, "&"), given
}

// tokenGuard admits bearer tokens: the admin's to everything, a reader's to
// what changes nothing. Without tokens it admits everybody, which validate
// allows on loopback only.
func (s *Server) tokenGuard(admin, read secrets) gin.HandlerFunc {
	return func(c *gin.Context) {
		given := bearer(c.Request)
		c.Request.Header.Del("Authorization")
		if len(admin)+len(read) == 0 {
			return
		}
		isAdmin, isReader := admin.match(given), read.match(given)
		switch {
		case isAdmin, isReader && changesNothing(c.Request.Method):
			return
		case isReader:
			refuse(c, fail(http.StatusForbidden, "This token may read only. Use an admin token for %s.", c.Request.Method))
		default:
			s.o.Metrics.refused.WithLabelValues("private").Inc()
			c.Header("WWW-Authenticate", `Bearer realm="switchboard"`)
			refuse(c, fail(http.StatusUnauthorized,
				"The token is missing or wrong. Send the header Authorization: Bearer TOKEN, with a token of --private-token."))
		}
	}
}

func bearer(r *http.Request) string {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimSpace(token)
}

func changesNothing(method string) bool {
	return method == http.MethodGet || method == http.MethodHead
}
