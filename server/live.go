package server

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/gin-gonic/gin"

	"switchboard/engine"
)

// liveRoutes are what backends and people tell the policies.
func (s *Server) liveRoutes(api *gin.RouterGroup) {
	api.GET("/sessions", s.api(s.sessions))
	api.POST("/sessions", s.api(s.putSessions))
	api.GET("/sessions/:ref", s.api(s.session))
	api.PUT("/sessions/:ref", s.api(s.putSession))
	api.DELETE("/sessions/:ref", s.api(s.endSession))
	api.GET("/facts", s.api(s.facts))
	api.GET("/facts/:collection", s.api(s.facts))
	api.GET("/facts/:collection/:key", s.api(s.fact))
	api.PUT("/facts/:collection/:key", s.api(s.putFact))
	api.DELETE("/facts/:collection/:key", s.api(s.deleteFact))
	api.GET("/audit", s.api(s.audit))
}

// committing is the context of a change. It outlives the request: a client that
// hangs up must not leave half of what it asked for, nor a change that nobody
// counted. A disk that takes nothing ends it.
func (s *Server) committing(c *gin.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(c.Request.Context()), s.o.CompletionTimeout)
}

// changed counts a change of live data and logs it.
func (s *Server) changed(ctx context.Context, kind, action, target string) {
	s.o.Metrics.liveChanges.WithLabelValues(kind, action).Inc()
	s.o.Log.Info("live data", "kind", kind, "action", action, "target", s.clean(target), "by", by(ctx))
}

// changeOf is what putting a thing did: what is the same in every part is
// unchanged.
func changeOf(before, same bool) (status int, action string) {
	switch {
	case !before:
		return http.StatusCreated, "created"
	case same:
		return http.StatusOK, "unchanged"
	}
	return http.StatusOK, "updated"
}

// latest is the last year in which something may expire: Unix nanoseconds end
// in 2262.
const latest = 2200

// expiry reads when something ends, as Unix nanoseconds: a duration from now on,
// a moment, or null, which is never (0).
func (s *Server) expiry(raw json.RawMessage, now time.Time) (int64, error) {
	if isNull(raw) {
		return 0, nil
	}
	var text literal
	if err := json.Unmarshal(raw, &text); err != nil {
		return 0, noTime(string(raw))
	}
	at, err := s.parseExpiry(strings.TrimSpace(string(text)), now)
	switch {
	case err != nil:
		return 0, err
	case !at.After(now):
		return 0, fail(http.StatusBadRequest,
			"expires: %q is over already. Write a later moment, or a duration with its unit such as 45m; to end something now, DELETE it.", engine.Mask(shorten(string(text))))
	case at.Year() > latest:
		return 0, fail(http.StatusBadRequest, "expires: %q is after the year %d. Write null for never.", engine.Mask(shorten(string(text))), latest)
	}
	return at.UnixNano(), nil
}

func (s *Server) parseExpiry(text string, now time.Time) (time.Time, error) {
	if days, ok := strings.CutSuffix(text, "d"); ok {
		if n, err := strconv.ParseUint(days, 10, 16); err == nil {
			return now.Add(time.Duration(n) * 24 * time.Hour), nil
		}
	}
	if d, err := time.ParseDuration(text); err == nil && text != "0" {
		return now.Add(d), nil
	}
	at, err := s.parseTime("expires", text)
	if _, number := strconv.ParseInt(text, 10, 64); err != nil && number != nil {
		return at, noTime(text)
	}
	return at, err
}

func noTime(text string) error {
	return fail(http.StatusBadRequest, "expires: %q is no time. Write a duration from now on such as 45m or 2d, "+
		"a moment such as 2025-11-22T14:35:00+05:30, seconds since 1970, or null for never.", engine.Mask(shorten(text)))
}

// shorten bounds what a sentence quotes.
func shorten(text string) string {
	const most = 64
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return text
}

// isNull reports whether a field was left out or null.
func isNull(raw json.RawMessage) bool {
	return len(raw) == 0 || string(raw) == "null"
}

// document checks JSON that policies will read, and takes the blanks out of it.
func document(field string, raw json.RawMessage, most int) (json.RawMessage, error) {
	var compact bytes.Buffer
	if !utf8.Valid(raw) || json.Compact(&compact, raw) != nil {
		return nil, fail(http.StatusBadRequest, "%s: it is not UTF-8. Send JSON in UTF-8.", field)
	}
	if compact.Len() > most {
		return nil, fail(http.StatusRequestEntityTooLarge, "%s: it has %d bytes of JSON, and there is room for %d. Keep the large part elsewhere, and a name for it here.",
			field, compact.Len(), most)
	}
	// A number that no float holds would cost each evaluation that reads it.
	var v any
	if err := json.Unmarshal(compact.Bytes(), &v); err != nil {
		return nil, fail(http.StatusBadRequest, "%s: a number in it is out of range. Write it as a text, in quotes.", field)
	}
	return compact.Bytes(), nil
}

// liveName checks a name that the sender chose: a ref, a collection, a key.
func liveName(field, name string, most int) error {
	switch {
	case name == "":
		return fail(http.StatusBadRequest, "%s: it is empty. Name it.", field)
	case len(name) > most:
		return fail(http.StatusBadRequest, "%s: it has %d bytes, and there is room for %d. Give it a shorter name.", field, len(name), most)
	case !utf8.ValidString(name) || strings.ContainsFunc(name, unicode.IsControl):
		return fail(http.StatusBadRequest, "%s: it holds bytes that are no text. Use letters, digits and signs.", field)
	case strings.TrimSpace(name) != name:
		return fail(http.StatusBadRequest, "%s: %q begins or ends with a blank, which nobody would see. Leave the blank out.", field, engine.Mask(name))
	}
	return nil
}

// pathName is a name in the path.
func pathName(c *gin.Context, field string, most int) (string, error) {
	name, err := pathValue(c, field)
	if err != nil {
		return "", err
	}
	return name, liveName(field, name, most)
}

// pageLimit reads the parameter limit.
func pageLimit(c *gin.Context) (int, error) {
	v, given := c.GetQuery("limit")
	if !given {
		return engine.DefaultPage, nil
	}
	n, err := strconv.Atoi(v)
	if err != nil || n < 1 || n > engine.MaxPage {
		return 0, fail(http.StatusBadRequest, "limit: %q is not between 1 and %d.", engine.Mask(shorten(v)), engine.MaxPage)
	}
	return n, nil
}
