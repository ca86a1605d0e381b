package relay

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"switchboard/engine"
)

// Bounds on what a target may answer, in bytes. Nothing of it is used but the
// beginning, for the error.
const (
	maxAnswerHeader = 32 << 10
	maxAnswer       = 64 << 10
	maxQuoted       = 160
)

// verdict is what an attempt came to.
type verdict int

const (
	delivered   verdict = iota
	failed              // worth another attempt
	failedWide          // the same, and others to this target would fail as well
	refused             // this message will never be taken
	stopped             // the target is gone
	interrupted         // the program ends; as if it had not been tried
	vanished            // the record is gone, there is nothing to send
	ourselves           // our own store could not tell what to send
)

// outcome is a verdict with what led to it.
type outcome struct {
	verdict    verdict
	status     int           // HTTP; zero where no answer came
	why        string        // for people; numbers masked
	retryAfter time.Duration // what the target asked for; zero for nothing
	took       time.Duration
}

// sender posts messages to one target.
type sender struct {
	url     string
	client  *http.Client
	keys    atomic.Pointer[[]*standardwebhooks.Webhook]
	agent   string
	timeout time.Duration
}

func newSender(t Target, o *Options) (*sender, error) {
	s := &sender{url: t.URL.String(), agent: "Switchboard/" + strings.Trim(o.Version, "()"), timeout: o.Timeout}
	s.agent = strings.TrimSuffix(s.agent, "/")
	keys, err := t.keys()
	if err != nil {
		return nil, err
	}
	s.keys.Store(&keys)
	rt := o.HTTP
	if rt == nil {
		rt = transport(t.URL.Scheme != "https", o)
	}
	s.client = &http.Client{Transport: rt, CheckRedirect: func(*http.Request, []*http.Request) error {
		return http.ErrUseLastResponse // a redirect would leave the checked and agreed address
	}}
	return s, nil
}

// keys are a target's secrets as they sign.
func (t Target) keys() (out []*standardwebhooks.Webhook, err error) {
	for _, text := range t.Secrets {
		key, err := standardwebhooks.NewWebhook(text)
		if err != nil {
			return nil, fmt.Errorf("relay: a secret of %s can't be used; it is whsec_ and base64", t.Label())
		}
		out = append(out, key)
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("relay: %s has no secret to sign with", t.Label())
	}
	return out, nil
}

// close lets go of idle connections.
func (s *sender) close() { s.client.CloseIdleConnections() }

// send makes one attempt. ctx ends it early when the program ends.
func (s *sender) send(ctx context.Context, id string, body []byte) outcome {
	began := time.Now()
	limited, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	out := s.attempt(limited, id, began, body)
	out.took = time.Since(began)
	if out.verdict != delivered && ctx.Err() != nil {
		out.verdict = interrupted
	}
	return out
}

func (s *sender) attempt(ctx context.Context, id string, now time.Time, body []byte) outcome {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url, bytes.NewReader(body))
	if err != nil {
		return outcome{verdict: failedWide, why: "the address can't be asked"}
	}
	keys := *s.keys.Load()
	signatures := make([]string, len(keys))
	for i, key := range keys {
		if signatures[i], err = key.Sign(id, now, body); err != nil {
			return outcome{verdict: failedWide, why: "the message can't be signed"}
		}
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", s.agent)
	req.Header.Set(standardwebhooks.HeaderWebhookID, id)
	req.Header.Set(standardwebhooks.HeaderWebhookTimestamp, strconv.FormatInt(now.Unix(), 10))
	req.Header.Set(standardwebhooks.HeaderWebhookSignature, strings.Join(signatures, " "))
	resp, err := s.client.Do(req)
	if err != nil {
		return outcome{verdict: failedWide, why: plainly(ctx, err, s.timeout)}
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil && resp.StatusCode/100 == 2 {
		// It was taken: the status says so.
		return outcome{verdict: delivered, status: resp.StatusCode}
	}
	return judge(resp, answer, now)
}

// judge says what an answer means for the message and for its target.
func judge(resp *http.Response, answer []byte, now time.Time) outcome {
	out := outcome{status: resp.StatusCode, why: quote(resp.StatusCode, answer)}
	switch code := resp.StatusCode; {
	case code/100 == 2:
		out.verdict, out.why = delivered, ""
	case code == http.StatusGone:
		out.verdict = stopped
	case code/100 == 3:
		out.verdict, out.why = failedWide, fmt.Sprintf("%d: redirects are not followed; give the address it leads to", code)
	case code == http.StatusRequestTimeout, code == http.StatusTooEarly, code == http.StatusConflict, code == http.StatusLocked:
		out.verdict = failed
	case code == http.StatusUnauthorized, code == http.StatusPaymentRequired, code == http.StatusForbidden,
		code == http.StatusNotFound, code == http.StatusMethodNotAllowed, code == http.StatusProxyAuthRequired,
		code == http.StatusMisdirectedRequest, code == http.StatusTooManyRequests:
		out.verdict = failedWide // of the address or of who we are, not of this message
	case code/100 == 4:
		out.verdict = refused
	default:
		out.verdict = failedWide
	}
	if code := resp.StatusCode; code == http.StatusTooManyRequests || code == http.StatusServiceUnavailable {
		out.retryAfter = retryAfter(resp.Header.Get("Retry-After"), now)
	}
	return out
}

// retryAfter reads the header of that name: seconds, or a date.
func retryAfter(text string, now time.Time) time.Duration {
	if n, err := strconv.Atoi(strings.TrimSpace(text)); err == nil {
		return time.Duration(min(max(n, 0), int(maxRetryAfter/time.Second))) * time.Second
	}
	at, err := http.ParseTime(text)
	if err != nil {
		return 0
	}
	return min(max(at.Sub(now), 0), maxRetryAfter)
}

// quote is a status with the beginning of what the target said about it.
func quote(status int, answer []byte) string {
	text := strings.Join(strings.Fields(strings.ToValidUTF8(string(answer[:min(len(answer), 2*maxQuoted)]), "")), " ")
	if runes := []rune(text); len(runes) > maxQuoted {
		text = string(runes[:maxQuoted]) + "…"
	}
	out := strings.TrimSpace(fmt.Sprintf("%d %s", status, http.StatusText(status)))
	if text != "" {
		out += ": " + engine.Mask(text)
	}
	return out
}

// plainly says why no answer came, without the address: it may hold credentials.
func plainly(ctx context.Context, err error, limit time.Duration) string {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return fmt.Sprintf("no answer within %v", limit)
	}
	var asked *url.Error
	if errors.As(err, &asked) {
		err = asked.Err
	}
	if asked != nil && asked.Timeout() {
		return fmt.Sprintf("no answer within %v", limit)
	}
	return engine.Mask(err.Error())
}
