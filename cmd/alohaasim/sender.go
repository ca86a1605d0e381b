package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"
)

// The provider's two webhooks below the target.
const (
	initiationPath = "/alohaa/get-receiver-details"
	completionPath = "/alohaa/send-call-details"
)

// maxReply bounds how much of an answer is read; a good one has 200 bytes.
const maxReply = 64 << 10

// reply is an answer as it came.
type reply struct {
	status      int
	contentType string
	body        []byte
	took        time.Duration // from before sending to the body's last byte
}

// sender carries messages to the server. It uses the transport without an
// http.Client: redirects are not followed, they are wrong answers.
type sender struct {
	transport http.RoundTripper
	target    *url.URL
	opts      *options
}

func newSender(o *options, transport http.RoundTripper) (*sender, error) {
	target, err := url.Parse(o.Target)
	if err != nil {
		return nil, err
	}
	return &sender{transport: transport, target: target, opts: o}, nil
}

// send delivers m to a webhook and reads its answer. The error never contains
// the secret.
func (s *sender) send(ctx context.Context, path string, m message) (reply, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, s.opts.Timeout, errTimeout)
	defer cancel()
	req, err := s.request(ctx, path, m)
	if err != nil {
		return reply{}, err
	}
	start := time.Now()
	res, err := s.transport.RoundTrip(req)
	if err != nil {
		return reply{}, because(ctx, err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, maxReply+1))
	if err != nil {
		return reply{}, because(ctx, err)
	}
	if len(body) > maxReply {
		return reply{}, fmt.Errorf("the answer is over %d bytes", maxReply)
	}
	return reply{res.StatusCode, res.Header.Get("Content-Type"), body, time.Since(start)}, nil
}

var errTimeout = errors.New("no answer within --timeout")

// because tells our own time limit from other reasons to give up.
func because(ctx context.Context, err error) error {
	if errors.Is(context.Cause(ctx), errTimeout) && !isUnreachable(err) {
		return errTimeout
	}
	return err
}

func (s *sender) request(ctx context.Context, path string, m message) (*http.Request, error) {
	u := s.target.JoinPath(path)
	query := url.Values{}
	for name, values := range m.query {
		query[name] = values
	}
	if s.opts.Key != "" && s.opts.KeyIn == "query" {
		query.Set("key", s.opts.Key)
	}
	u.RawQuery = query.Encode()
	var body io.Reader
	if m.body != nil {
		body = bytes.NewReader(m.body)
	}
	req, err := http.NewRequestWithContext(ctx, m.method, u.String(), body)
	if err != nil {
		return nil, errors.New("the request cannot be made; see that --target is a plain URL")
	}
	req.Header.Set("User-Agent", "alohaasim")
	if m.contentType != "" {
		req.Header.Set("Content-Type", m.contentType)
	}
	switch {
	case s.opts.Key == "":
	case s.opts.KeyIn == "header":
		req.Header.Set(s.opts.KeyHeader, s.opts.Key)
	case s.opts.KeyIn == "basic":
		req.SetBasicAuth("alohaa", s.opts.Key)
	}
	return req, nil
}
