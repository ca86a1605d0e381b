package server

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/gin-gonic/gin"
)

// keyGuard admits requests that carry a key and takes the key out of them:
// whatever comes after cannot tell it to anybody.
func (s *Server) keyGuard(c *gin.Context) {
	given := takeKeys(c.Request, s.o.KeyHeader)
	keys := s.doors.Load().keys
	if keys.Len() == 0 {
		return
	}
	admitted := false
	for _, g := range given {
		_, ok := keys.Find(g)
		admitted = ok || admitted
	}
	if admitted {
		return
	}
	// No limit on trying: the provider may share a proxy's address with whoever
	// guesses, and a caller is on the line. Status warns of secrets that are
	// short enough to be guessed.
	s.seen.refusedKey.note(s.o.Now())
	s.o.Metrics.refused.WithLabelValues("public").Inc()
	c.Header("WWW-Authenticate", `Basic realm="switchboard", charset="UTF-8"`)
	refuse(c, fail(http.StatusUnauthorized,
		"The secret is missing or wrong. Send it in the header %s, as the HTTP Basic password, or as ?key= in the webhook's address.", s.o.KeyHeader))
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
