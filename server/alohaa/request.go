package alohaa

import (
	"net/http"
	"net/url"
	"strings"

	"switchboard/engine"
)

// queryType is the Payload.Type of parameters that came in the URL.
const queryType = "query"

// keyParameter carries the shared secret; it is no part of a payload.
const keyParameter = "key"

// Request is what of an HTTP request tells about a call.
type Request struct {
	Method      string
	ContentType string // the header as it came
	RawQuery    string // undecoded; may hold the secret
	Body        []byte // at most engine.MaxBody
}

// Payload is the request as it is kept. The secret in the URL is left out. Of a
// GET, and of a POST without a body, it is the query parameters.
func (r Request) Payload() engine.Payload {
	query := withoutKey(r.RawQuery)
	if r.Method == http.MethodGet || query != "" && strings.TrimSpace(string(r.Body)) == "" {
		return engine.Payload{Type: queryType, Body: []byte(query)}
	}
	kind := r.ContentType
	if kind == queryType {
		kind = "" // no media type; it would pass a body off as parameters
	}
	return engine.Payload{Type: kind, Body: r.Body}
}

// FromPayload is a request that reads as the kept one did: for a retry from
// quarantine.
func FromPayload(p engine.Payload) Request {
	if p.Type == queryType {
		return Request{Method: http.MethodGet, RawQuery: string(p.Body)}
	}
	return Request{Method: http.MethodPost, ContentType: p.Type, Body: p.Body}
}

// withoutKey drops the secret and leaves every other byte of a query as it
// came, whatever its escaping.
func withoutKey(query string) string {
	kept := []string{}
	for part := range strings.SplitSeq(query, "&") {
		name, _, _ := strings.Cut(part, "=")
		if plain, err := url.QueryUnescape(name); err == nil {
			name = plain
		}
		if part != "" && name != keyParameter {
			kept = append(kept, part)
		}
	}
	return strings.Join(kept, "&")
}
