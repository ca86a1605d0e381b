package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
)

// maxAPIReply bounds how much of an answer of the private API is read; the
// longest is /metrics.
const maxAPIReply = 4 << 20

// privateAPI talks to the server's private listener, as a customer's own
// systems would.
type privateAPI struct {
	transport http.RoundTripper
	opts      *options
}

// send makes one request; body and answer may be nil. It returns the status,
// and the body where that is what the answer cannot hold.
func (a *privateAPI) send(ctx context.Context, method string, path []string, body, answer any) (int, []byte, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, a.opts.Timeout, errTimeout)
	defer cancel()
	var content io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return 0, nil, err
		}
		content = bytes.NewReader(text)
	}
	base, err := url.Parse(a.opts.Private)
	if err != nil {
		return 0, nil, err
	}
	escaped := make([]string, 0, len(path))
	for _, part := range path {
		escaped = append(escaped, url.PathEscape(part))
	}
	req, err := http.NewRequestWithContext(ctx, method, base.JoinPath(escaped...).String(), content)
	if err != nil {
		return 0, nil, err
	}
	req.Header.Set("User-Agent", "alohaasim")
	if body != nil {
		req.Header.Set("Content-Type", jsonType)
	}
	if a.opts.PrivateToken != "" {
		req.Header.Set("Authorization", "Bearer "+a.opts.PrivateToken)
	}
	res, err := a.transport.RoundTrip(req)
	if err != nil {
		return 0, nil, because(ctx, err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(io.LimitReader(res.Body, maxAPIReply))
	if err != nil {
		return 0, nil, because(ctx, err)
	}
	if raw, ok := answer.(*rawBody); ok {
		*raw = text
	} else if answer != nil && res.StatusCode/100 == 2 {
		if err := json.Unmarshal(text, answer); err != nil {
			return res.StatusCode, text, fmt.Errorf("the answer is not the JSON that is wanted: %w", err)
		}
	}
	return res.StatusCode, text, nil
}

// rawBody takes an answer that is no JSON.
type rawBody []byte

// v1 is a path of the API.
func v1(path ...string) []string { return append([]string{"api", "v1"}, path...) }

// tell makes a request whose answer must have one of the wanted statuses. It
// reports false, and notes why, where it has not.
func (s *stage) tell(ctx context.Context, method string, path []string, body, answer any, want ...int) (int, bool) {
	if ctx.Err() != nil {
		return 0, false
	}
	name := method + " " + path[len(path)-1]
	status, text, err := s.api.send(ctx, method, path, body, answer)
	switch {
	case ctx.Err() != nil: // cut off by the end of the run
	case isUnreachable(err):
		s.player.stop(&unreachableError{fmt.Errorf("the private API at %s: %w", s.opts.Private, err)})
	case err != nil:
		s.broken("-", apiRefused, "%s: %v", name, err)
	case !slices.Contains(want, status):
		s.broken("-", apiRefused, "%s: HTTP %d, want %v: %s", name, status, want, excerpt(text))
	default:
		return status, true
	}
	return status, false
}

// callRecord is what GET /api/v1/calls/{call_id} says about a call, as far as a
// scenario asks.
type callRecord struct {
	Call struct {
		Receiver string `json:"receiver_number"`
	} `json:"call"`
	Decision struct {
		Reject  bool   `json:"reject"`
		Number  string `json:"call_forwarding_number"`
		Reason  string `json:"reason"`
		Source  string `json:"source"`
		Cause   string `json:"cause"`
		Skipped []struct {
			Number string `json:"number"`
			Why    string `json:"why"`
		} `json:"skipped"`
	} `json:"decision"`
}

// explain reads why each call went where it went, unless that is known already,
// and holds the record against what the caller heard.
func (s *stage) explain(ctx context.Context, calls ...*rung) {
	s.each(ctx, len(calls), func(i int) {
		r := calls[i]
		if !r.heard || r.explained {
			return
		}
		r.explained = true
		status, ok := s.tell(ctx, http.MethodGet, v1("calls", r.id), nil, &r.record, http.StatusOK, http.StatusNotFound)
		d := r.record.Decision
		switch {
		case !ok:
		case status == http.StatusNotFound:
			s.broken(r.id, callNotKept, "the call was answered, and GET /api/v1/calls/%s knows nothing of it", r.id)
		case d.Source == "" || d.Reject != r.rejected || !r.rejected && !same(d.Number, r.number):
			s.broken(r.id, recordDiffer, "the caller reached %s, the history says %s%s by source %q", r.whom(), d.Number,
				map[bool]string{true: "rejected"}[d.Reject], d.Source)
		}
	})
}
