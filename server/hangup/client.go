package hangup

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"
)

// Defaults of Options.
const (
	DefaultBase    = "https://number-masking.alohaa.ai"
	DefaultTimeout = 10 * time.Second
)

const (
	path      = "/v1/external/call/hangup"
	keyHeader = "x-metro-api-key"
	maxReply  = 64 << 10 // bytes read of a reply
)

// Options is what a Client works with.
type Options struct {
	Base    string        // of the provider's API; default DefaultBase
	Key     string        // the customer's API key; SetKey changes it later
	Timeout time.Duration // for the whole request; default DefaultTimeout
	// Transport carries the requests; nil is http.DefaultTransport.
	Transport http.RoundTripper
}

// Client hangs calls up. It is safe for concurrent use.
type Client struct {
	target string
	http   http.Client
	key    atomic.Pointer[string]
}

// New checks the options.
func New(o Options) (*Client, error) {
	if o.Base == "" {
		o.Base = DefaultBase
	}
	if o.Timeout == 0 {
		o.Timeout = DefaultTimeout
	}
	u, err := url.Parse(o.Base)
	if err != nil || u.Host == "" || u.RawQuery != "" || u.User != nil {
		return nil, fmt.Errorf("the address of the provider's API is no plain URL; write it like %s", DefaultBase)
	}
	// The key goes in the clear over plain HTTP: for an emulator on this machine.
	if ip := net.ParseIP(u.Hostname()); u.Scheme != "https" && !(u.Scheme == "http" && (u.Hostname() == "localhost" || ip.IsLoopback())) {
		return nil, fmt.Errorf("the provider's API must be reached over https; write it like %s", DefaultBase)
	}
	c := &Client{target: strings.TrimSuffix(o.Base, "/") + path, http: http.Client{
		Timeout: o.Timeout, Transport: o.Transport,
		// A redirect would carry the key elsewhere.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
	c.SetKey(o.Key)
	return c, nil
}

// SetKey changes the API key, from the next request on; empty takes it away.
func (c *Client) SetKey(key string) { c.key.Store(&key) }

// reply is what the provider answers.
type reply struct {
	Success bool `json:"success"`
	Error   *struct {
		Code   int    `json:"code"`
		Reason string `json:"reason"`
	} `json:"error"`
}

// Hangup ends a running call. The error is *Error, or ctx's.
func (c *Client) Hangup(ctx context.Context, callID string) error {
	key := *c.key.Load()
	if key == "" {
		return &Error{Kind: NoKey}
	}
	body, err := json.Marshal(map[string]string{"call_id": callID})
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.target, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set(keyHeader, key)
	resp, err := c.http.Do(req)
	if err != nil {
		return c.notReached(ctx, err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxReply))
	if err != nil {
		return c.notReached(ctx, err)
	}
	return judge(resp.StatusCode, text)
}

// notReached leaves the caller's own giving up as it is. The rest may have
// reached the provider or not: nobody knows.
func (c *Client) notReached(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	// What url.Error adds is the address, which the operator knows.
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		if wrapped.Timeout() {
			return &Error{Kind: Late, cause: err}
		}
		err = wrapped.Err
	}
	return &Error{Kind: Unreachable, cause: err}
}

// judge reads a reply. The body decides where it can be read: nothing says that
// the status follows it.
func judge(status int, text []byte) error {
	var r reply
	if err := json.Unmarshal(text, &r); err != nil || !r.Success && r.Error == nil {
		return &Error{Kind: Unexpected, Status: status}
	}
	if r.Success {
		return nil
	}
	e := &Error{Kind: kindOf(r.Error.Code), Code: r.Error.Code, Reason: r.Error.Reason, Status: status}
	return e
}
