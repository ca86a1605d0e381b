package main

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"time"
)

// options are the command line. Shares are probabilities from 0 to 1.
type options struct {
	Target      string `default:"http://127.0.0.1:8080" placeholder:"URL" help:"The server's public listener (${default})."`
	AllowRemote bool   `help:"Allow a target that is not a loopback address."`
	Key         string `env:"ALOHAASIM_KEY" placeholder:"SECRET" help:"The webhooks' shared secret."`
	KeyIn       string `enum:"header,basic,query" default:"header" help:"Where the secret travels: ${enum} (${default})."`
	KeyHeader   string `default:"X-Switchboard-Key" placeholder:"NAME" help:"Header of the secret (${default})."`

	Scenario     string `enum:",delivery,sales,overload" default:"" placeholder:"NAME" help:"Play a story instead of single calls, against a server with the starter policies and testdata/scenarios/NAME.yaml as their directory/data.yaml: delivery, sales or overload. --calls is then the number of orders, of callers, of calls."`
	Private      string `default:"http://127.0.0.1:8081" placeholder:"URL" help:"The server's private listener, for scenarios (${default})."`
	PrivateToken string `env:"ALOHAASIM_PRIVATE_TOKEN" placeholder:"TOKEN" help:"Bearer token of the private listener."`

	Calls       int           `default:"100" placeholder:"N" help:"Calls to play (${default})."`
	Concurrency int           `default:"8" placeholder:"N" help:"Calls played at the same time (${default})."`
	Rate        float64       `default:"0" placeholder:"N" help:"Calls started per second; 0 is as fast as possible."`
	Talk        span          `default:"20s-3m" placeholder:"FROM-TO" help:"Talk time of answered calls, one duration or a range (${default})."`
	Speed       float64       `default:"0" placeholder:"X" help:"Wait this times the ring and talk time; 0 is instant, 1 real time."`
	Timeout     time.Duration `default:"15s" help:"Longest wait for one answer (${default})."`
	FailSlow    time.Duration `default:"2s" help:"An initiation answered later than this is a broken promise; 0 is never (${default})."`

	DIDs      []string `name:"dids" default:"918645658689" placeholder:"DID" help:"DIDs that are called, comma-separated or repeated (${default})."`
	Callers   int      `default:"50" placeholder:"N" help:"Distinct made-up callers (${default})."`
	Seed      uint64   `default:"1" help:"Draws everything that happens; the same seed plays the same calls (${default})."`
	Prefix    string   `placeholder:"TEXT" help:"Beginning of the call_ids; new on every run where it is not given."`
	Anonymous float64  `default:"0" placeholder:"P" help:"Share of callers who withhold their number."`

	AnswerRate    float64 `default:"0.8" placeholder:"P" help:"Share of calls that the receiver answers (${default})."`
	Retries       float64 `default:"0" placeholder:"P" help:"Share of initiations sent again after their answer; the answer must be the same."`
	Simultaneous  float64 `default:"0" placeholder:"P" help:"Share of calls whose messages are repeated while the first is under way."`
	Duplicates    float64 `default:"0" placeholder:"P" help:"Share of completions sent twice."`
	Reorder       float64 `default:"0" placeholder:"P" help:"Share of calls whose completion leaves before the initiation or before its answer."`
	Masked        float64 `default:"0" placeholder:"P" help:"Share of completions with masked numbers."`
	NoCompletions float64 `default:"0" placeholder:"P" help:"Share of calls that no completion follows."`
	Spelling      bool    `help:"Vary the spelling of numbers, the encoding and the fields of the messages."`

	HangupListen string `placeholder:"HOST:PORT" help:"Answer the provider's hangup API here, for calls that talk (see --speed): name it to the server as --alohaa-url."`
	HangupKey    string `env:"ALOHAASIM_HANGUP_KEY" default:"alohaasim" placeholder:"KEY" help:"The key that the hangup API asks for (${default})."`

	ExpectRejects bool   `default:"true" negatable:"" help:"Count rejected calls (403, empty number) as good answers (${default})."`
	JSON          bool   `name:"json" help:"Print the report as JSON."`
	ShowNumbers   bool   `help:"Print numbers in full."`
	Acknowledged  string `placeholder:"FILE" help:"Append a line of JSON for every acknowledged message to this file."`
}

// maxConcurrency bounds connections and goroutines; maxCallers is how many
// distinct numbers the made-up block holds.
const (
	maxConcurrency = 10_000
	maxCallers     = callerSpan
)

// validate names the first flag that makes no sense. It brings DIDs to digits.
func (o *options) validate() error {
	if err := o.validateURL("--target", o.Target, "http://127.0.0.1:8080", "--key"); err != nil {
		return err
	}
	if err := o.validateURL("--private", o.Private, "http://127.0.0.1:8081", "--private-token"); err != nil {
		return err
	}
	if err := o.validateHangups(); err != nil {
		return err
	}
	switch {
	case o.Calls < 1:
		return fmt.Errorf("--calls is %d; play at least 1", o.Calls)
	case o.Concurrency < 1 || o.Concurrency > maxConcurrency:
		return fmt.Errorf("--concurrency is %d; give 1 to %d", o.Concurrency, maxConcurrency)
	case o.Callers < 1 || o.Callers > maxCallers:
		return fmt.Errorf("--callers is %d; give 1 to %d", o.Callers, maxCallers)
	case !(o.Rate >= 0 && o.Rate <= 1e6):
		return fmt.Errorf("--rate is %v; give calls per second from 0 (no limit) to 1000000", o.Rate)
	case !(o.Speed >= 0 && o.Speed <= 1000):
		return fmt.Errorf("--speed is %v; give 0 (instant) to 1000", o.Speed)
	case o.Timeout <= 0:
		return fmt.Errorf("--timeout is %s; give a duration above 0", o.Timeout)
	case o.FailSlow < 0:
		return fmt.Errorf("--fail-slow is %s; give a duration, or 0 for never", o.FailSlow)
	case len(o.Prefix) > 200:
		return fmt.Errorf("--prefix has %d bytes; give at most 200, a call_id holds 256", len(o.Prefix))
	}
	for _, s := range []struct {
		flag  string
		share float64
	}{
		{"--anonymous", o.Anonymous}, {"--answer-rate", o.AnswerRate}, {"--retries", o.Retries},
		{"--simultaneous", o.Simultaneous}, {"--duplicates", o.Duplicates}, {"--reorder", o.Reorder},
		{"--masked", o.Masked}, {"--no-completions", o.NoCompletions},
	} {
		if !(s.share >= 0 && s.share <= 1) { // written so that NaN fails too
			return fmt.Errorf("%s is %v; give a share from 0 to 1", s.flag, s.share)
		}
	}
	return o.validateDIDs()
}

// validateURL checks one of the server's two addresses. Secret is the flag that a
// secret belongs into.
func (o *options) validateURL(flag, text, such, secret string) error {
	u, err := url.Parse(text)
	switch {
	case err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Hostname() == "":
		return fmt.Errorf("%s is no URL; give something like %s", flag, such)
	case u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return fmt.Errorf("%s carries more than scheme, host and path; give the secret as %s", flag, secret)
	case !o.AllowRemote && !mayBeLoopback(u.Hostname()):
		return fmt.Errorf("%s %s is not a loopback address; made-up calls would reach a server elsewhere, give --allow-remote if that is meant", flag, u.Host)
	}
	return nil
}

func (o *options) validateHangups() error {
	if o.HangupListen == "" {
		return nil
	}
	host, _, err := net.SplitHostPort(o.HangupListen)
	switch {
	case err != nil:
		return fmt.Errorf("--hangup-listen %q is no address; write host:port, such as 127.0.0.1:8090", o.HangupListen)
	case !mayBeLoopback(host):
		return fmt.Errorf("--hangup-listen %s is not a loopback address; others could end the calls", o.HangupListen)
	case o.HangupKey == "":
		return errors.New("--hangup-key is empty; give the key that the server sends")
	}
	return nil
}

func (o *options) validateDIDs() error {
	for i, did := range o.DIDs {
		digits := strings.NewReplacer("+", "", " ", "", "-", "").Replace(did)
		if len(digits) < 5 || len(digits) > 15 || strings.Trim(digits, "0123456789") != "" {
			return fmt.Errorf("--dids has %q, which is no DID; give 5 to 15 digits with the country code, like 918645658689", did)
		}
		o.DIDs[i] = digits
	}
	if len(o.DIDs) == 0 {
		return fmt.Errorf("--dids is empty; name at least one DID")
	}
	return nil
}

// span is a range of durations, both ends included.
type span struct{ from, to time.Duration }

// UnmarshalText reads "90s" or "20s-3m".
func (s *span) UnmarshalText(text []byte) error {
	from, to, isRange := strings.Cut(string(text), "-")
	if !isRange {
		to = from
	}
	var err error
	if s.from, err = time.ParseDuration(from); err == nil {
		s.to, err = time.ParseDuration(to)
	}
	if err != nil || s.from < 0 || s.to < s.from || s.to > 24*time.Hour {
		return fmt.Errorf("%q is no range of durations up to 24h; give something like 20s-3m", text)
	}
	return nil
}
