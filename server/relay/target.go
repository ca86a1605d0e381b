package relay

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"regexp"
	"strconv"
	"strings"

	"switchboard/engine"
)

// Target is a place to deliver to.
type Target struct {
	ID      string   // given, or made of the address; what its place in the outbox hangs on
	URL     *url.URL // with credentials and query
	Secrets []string // whsec_ and base64; each signs, so that two at once allow a change
}

var (
	named   = regexp.MustCompile(`^([a-z0-9][a-z0-9-]{0,31})=(https?://.*)$`)
	secret  = regexp.MustCompile(`^(?:([a-z0-9][a-z0-9-]{0,31})=)?(whsec_.*)$`)
	unsafe  = regexp.MustCompile(`[^a-z0-9-]+`)
	example = "https://crm.example.com/calls, or crm=https://crm.example.com/calls"
)

// maxHost bounds the part of a made-up ID that comes from the host's name.
const maxHost = 24

// ParseTarget reads "[NAME=]URL". Without a name the address is the target's
// identity, its query and credentials aside.
//
// The errors never repeat the text: it may hold credentials.
func ParseTarget(text string, allowPrivate bool) (Target, error) {
	t := Target{}
	if m := named.FindStringSubmatch(text); m != nil {
		t.ID, text = m[1], m[2]
	}
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return t, fmt.Errorf("the address is no URL; write it like %s", example)
	}
	if u.Hostname() == "" || !isPort(u.Port()) {
		return t, fmt.Errorf("the address names no host, or a port that is none; write it like %s", example)
	}
	u.Fragment, u.RawFragment = "", ""
	t.URL = u
	if t.ID == "" {
		t.ID = madeID(u)
	}
	if allowPrivate {
		return t, nil
	}
	if u.Scheme != "https" {
		return t, fmt.Errorf("%s is not encrypted, and what is sent names people; give an https address, or say --relay-allow-private for one inside your own network", t.Label())
	}
	host := strings.TrimSuffix(strings.ToLower(u.Hostname()), ".")
	if ip, err := netip.ParseAddr(host); err == nil && guardian.SafeAddr(ip) != nil || host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return t, fmt.Errorf("%s is an address inside a network; say --relay-allow-private if it is meant", t.Label())
	}
	return t, nil
}

// isPort reports whether a port of an address is one, or is left to its scheme. One
// with zeros before it reads as a telephone number where people see it.
func isPort(port string) bool {
	n, err := strconv.ParseUint(port, 10, 16)
	return port == "" || err == nil && n > 0 && port[0] != '0'
}

// madeID is an ID that a person recognises and that two addresses don't share.
func madeID(u *url.URL) string {
	host := strings.Trim(unsafe.ReplaceAllString(strings.ToLower(u.Hostname()), "-"), "-")
	sum := sha256.Sum256([]byte(u.Scheme + "://" + strings.ToLower(u.Host) + u.EscapedPath()))
	return strings.Trim(host[:min(len(host), maxHost)], "-") + "-" + hex.EncodeToString(sum[:4])
}

// Label is the target's address as people may see it: where it goes. Its path is
// what opens many a webhook, as is its query.
func (t Target) Label() string {
	text := t.URL.Scheme + "://" + t.URL.Host
	if strings.Trim(t.URL.Path, "/") != "" {
		text += "/…"
	}
	return engine.Mask(text)
}

// Assign gives the targets of all lists their secrets: those that name it, or
// else those that name none. A secret is "[NAME=]whsec_" and 24 to 64 bytes in
// base64.
func Assign(secrets []string, lists ...[]Target) error {
	byName := make(map[string][]string)
	for _, text := range secrets {
		m := secret.FindStringSubmatch(text)
		if m == nil {
			return errors.New("a secret does not begin with whsec_; switchboard relay secret makes one")
		}
		key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(m[2], "whsec_"))
		if err != nil || len(key) < 24 || len(key) > 64 {
			return errors.New("a secret is not whsec_ and 24 to 64 bytes in base64; switchboard relay secret makes one")
		}
		byName[m[1]] = append(byName[m[1]], m[2])
	}
	used := map[string]bool{"": true}
	for _, targets := range lists {
		if err := unique(targets); err != nil {
			return err
		}
		for i := range targets {
			t := &targets[i]
			used[t.ID] = true
			if t.Secrets = byName[t.ID]; len(t.Secrets) == 0 {
				t.Secrets = byName[""]
			}
			if len(t.Secrets) == 0 {
				return fmt.Errorf("%s has no secret to sign with; switchboard relay secret makes one, give it with --relay-secret-file", t.Label())
			}
		}
	}
	for name := range byName {
		if !used[name] {
			return fmt.Errorf("a secret is for %q, and no target has that name; write the target as %s=URL", name, name)
		}
	}
	return nil
}

// unique refuses two targets of one identity.
func unique(targets []Target) error {
	seen := make(map[string]bool)
	for _, t := range targets {
		if seen[t.ID] {
			return fmt.Errorf("two targets are %s (%s); give each a name of its own, such as crm=URL", t.ID, t.Label())
		}
		seen[t.ID] = true
	}
	return nil
}
