package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"time"

	"switchboard/engine"
	"switchboard/server/access"
)

// serverFlags name a running server.
type serverFlags struct {
	Server    string `default:"http://127.0.0.1:8081" placeholder:"URL" help:"The running server's private listener."`
	Token     string `env:"SWITCHBOARD_PRIVATE_TOKEN" placeholder:"TOKEN" help:"Its bearer token."`
	TokenFile string `env:"SWITCHBOARD_PRIVATE_TOKEN_FILE" placeholder:"FILE" help:"The same from a file: the first that stands there."`
}

// sourceFlags say where a command reads from: a running server, or a database
// file that no server uses.
type sourceFlags struct {
	serverFlags
	DB string `name:"db" env:"-" placeholder:"FILE" help:"Read this database file instead; no server may be using it."`
}

// api speaks the private API, whether a server answers it or a database file.
type api struct {
	base  string
	token string
	http  http.Client

	accept    string // the form of answers that is asked for; empty for any
	otherwise string // what else there is where no server answers
	close     func() error
}

// open returns the API that the flags name. Close it.
func (f sourceFlags) open(ctx context.Context, p place) (*api, error) {
	if f.DB != "" {
		return openOffline(ctx, offline{place: p, db: f.DB, historyOnly: true})
	}
	a, err := f.connect()
	if err == nil {
		a.otherwise = ", or read a file with --db"
	}
	return a, err
}

// connect returns the API of the server.
func (f serverFlags) connect() (*api, error) {
	u, err := url.Parse(f.Server)
	if err != nil || u.Scheme == "" || u.Host == "" {
		return nil, fmt.Errorf("--server %q is no URL; write it like http://127.0.0.1:8081", f.Server)
	}
	token, err := f.token()
	if err != nil {
		return nil, err
	}
	return &api{base: strings.TrimSuffix(f.Server, "/"), token: token, close: func() error { return nil }}, nil
}

// token is the secret to show. Both flags take what serve's take, the name
// included; of several it is the first.
func (f serverFlags) token() (string, error) {
	text, _, _ := strings.Cut(strings.TrimSpace(f.Token), "\n")
	if text == "" && f.TokenFile != "" {
		lines, err := access.ReadLines(f.TokenFile)
		if err != nil {
			return "", fmt.Errorf("--token-file: %w", err)
		}
		text = lines[0]
	}
	if text == "" {
		return "", nil
	}
	t, err := access.ParseToken(text, adminName)
	if err != nil {
		return "", fmt.Errorf("--token is unfit: %w", err)
	}
	return t.Secret, nil
}

// call sends a request and decodes the answer. A problem becomes an error with
// its sentence.
func (a *api) call(ctx context.Context, method, path string, query url.Values, body, into any) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	resp, err := a.send(ctx, method, path, query, body)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	return json.NewDecoder(resp.Body).Decode(into)
}

// send sends a request; a status of 300 or more is an error.
func (a *api) send(ctx context.Context, method, path string, query url.Values, body any) (*http.Response, error) {
	if body == nil {
		return a.do(ctx, method, path, query, "", nil)
	}
	text, err := json.Marshal(body)
	if err != nil {
		return nil, err
	}
	return a.do(ctx, method, path, query, "application/json", bytes.NewReader(text))
}

// post sends a body as it is.
func (a *api) post(ctx context.Context, path, contentType string, body io.Reader) (*http.Response, error) {
	return a.do(ctx, http.MethodPost, path, nil, contentType, body)
}

func (a *api) do(ctx context.Context, method, path string, query url.Values, contentType string, payload io.Reader) (*http.Response, error) {
	target := a.base + path
	if len(query) > 0 {
		target += "?" + query.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, method, target, payload)
	if err != nil {
		return nil, err
	}
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	if a.accept != "" {
		req.Header.Set("Accept", a.accept)
	}
	if a.token != "" {
		req.Header.Set("Authorization", "Bearer "+a.token)
	}
	resp, err := a.http.Do(req)
	if errors.Is(err, syscall.ECONNREFUSED) {
		return nil, fmt.Errorf("no server answers at %s; start one with switchboard serve, or name another with --server%s", a.base, a.otherwise)
	}
	if err != nil {
		return nil, err
	}
	if resp.StatusCode >= http.StatusMultipleChoices {
		defer resp.Body.Close()
		text, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
		return nil, errors.Join(problemError(resp.StatusCode, text), err)
	}
	return resp, nil
}

// statusError is a problem that the API answered.
type statusError struct {
	status int
	detail string
	text   []byte // the whole answer
}

func (e *statusError) Error() string { return e.detail }

func problemError(status int, text []byte) error {
	var p struct {
		Detail string           `json:"detail"`
		Errors []engine.Problem `json:"errors"`
	}
	if json.Unmarshal(text, &p) != nil || p.Detail == "" {
		return &statusError{status, fmt.Sprintf("the server answered %d %s", status, http.StatusText(status)), text}
	}
	var b strings.Builder
	b.WriteString(p.Detail)
	for _, e := range p.Errors {
		fmt.Fprintf(&b, "\n  %v", e)
		if e.Hint != "" {
			fmt.Fprintf(&b, "\n    %s", e.Hint)
		}
	}
	return &statusError{status, b.String(), text}
}
