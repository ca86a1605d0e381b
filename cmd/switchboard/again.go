package main

import (
	"cmp"
	"context"
	"crypto/sha256"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"reflect"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/alecthomas/kong"

	"switchboard/engine"
	"switchboard/engine/policy"
	"switchboard/server"
	"switchboard/server/certs"
)

// lookEvery is how often the files of secrets are looked at.
const lookEvery = time.Second

// liveSettings are the flags that change while serving. What a file of theirs
// holds changes with the file.
var liveSettings = []string{"log-level", "key", "key-file", "private-token", "private-token-file",
	"private-read-token", "private-read-token-file", "relay-secret", "relay-secret-file", "alohaa-key", "alohaa-key-file", "fallback", "fallback-did"}

// settings are a running server's: what is in force, and the way to read them
// again. Its methods but warnings are for one goroutine.
type settings struct {
	command *serveCmd      // in force, as far as that goes
	started map[string]any // every flag as it was at the start
	values  map[string]any // and as it was read last
	taken   string         // sight of the secrets in force
	again   invocation

	router   *engine.Router
	server   *server.Server
	policies *policy.Manager
	outlets  *outlets
	files    *settled
	note     func(context.Context, engine.AuditEntry) error // in the audit trail
	log      *slog.Logger

	trouble atomic.Pointer[engine.Warning] // why new settings were not taken up
	secrets atomic.Pointer[engine.Warning] // why changed files of secrets were not
	pending atomic.Pointer[engine.Warning] // which ones wait for a restart
}

// begin remembers what the server was started with.
func (s *settings) begin(i invocation, values map[string]any) {
	s.again, s.started, s.values = i, values, values
}

// snapshot is the value of every flag of the command.
func snapshot(parsed *kong.Context) map[string]any {
	values := make(map[string]any)
	for _, flag := range parsed.Selected().Flags {
		if settable(flag) {
			values[flag.Name] = flag.Target.Interface()
		}
	}
	return values
}

// run follows signals and files until ctx ends.
func (s *settings) run(ctx context.Context, hangup <-chan os.Signal) error {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	last := s.taken
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-hangup:
			s.reload()
			s.policies.Reload(ctx, "SIGHUP")
		case <-tick.C:
			now := s.command.sight()
			// A file that is being written is left alone until it is quiet.
			if now != s.taken && now == last {
				s.retake()
			}
			last = now
		}
	}
}

// sight tells one content of the files of secrets from another. It is taken
// before they are read: what changes in between is then seen the next time.
func (c *serveCmd) sight() string {
	var all []byte
	for _, path := range []string{c.KeyFile, c.PrivateTokenFile, c.PrivateReadTokenFile, c.RelaySecretFile, c.AlohaaKeyFile} {
		if path == "" {
			continue
		}
		text, err := os.ReadFile(path)
		all = fmt.Appendf(all, "%q %q %v\n", path, text, err != nil)
	}
	return fmt.Sprintf("%x", sha256.Sum256(all))
}

// retake reads the files of secrets again.
func (s *settings) retake() {
	s.taken = s.command.sight()
	secrets, err := s.setSecrets(s.command)
	if err != nil {
		s.refuse(&s.secrets, "secrets_refused", "Repair the file; until then the old ones are in force.", err)
		return
	}
	s.secrets.Store(nil)
	s.log.Info("secrets were changed", "keys", len(secrets.Keys), "tokens", tokenNames(secrets))
	s.noteSecrets(byFile, secrets)
}

// setSecrets puts the secrets of a command into force, all or none.
func (s *settings) setSecrets(c *serveCmd) (server.Secrets, error) {
	secrets, err := c.secrets()
	if err != nil {
		return secrets, err
	}
	sign, err := s.outlets.secrets(c.relayFlags)
	if err != nil {
		return secrets, err
	}
	alohaa, err := c.hangupFlags.key()
	if err != nil {
		return secrets, err
	}
	if err := s.server.SetSecrets(secrets); err != nil {
		return secrets, err
	}
	sign()
	s.files.hangup.SetKey(alohaa)
	return secrets, nil
}

// reload reads all settings again and puts into force what can change while
// serving: all of that, or nothing.
func (s *settings) reload() {
	if err := s.readAgain(); err != nil {
		s.refuse(&s.trouble, "settings_refused", "Repair them and send SIGHUP; the old ones are in force.", err)
	}
}

func (s *settings) readAgain() error {
	next, parsed, err := s.again.again()
	if err != nil {
		return err
	}
	c := &next.Serve
	sight := c.sight()
	// What waits for a restart must not keep the server from starting then.
	if _, err := c.check(); err != nil {
		return err
	}
	judge, err := c.judge(s.files.judge.Numbers)
	if err != nil {
		return err
	}
	secrets, err := s.setSecrets(c)
	if err != nil {
		return err
	}
	s.router.SetFallbacks(judge.Fallback, judge.DIDFallbacks)
	s.server.SetFallbacks(judge.Fallback, len(judge.DIDFallbacks))
	// A level that was set over the API stands until the setting changes.
	if c.LogLevel != s.command.LogLevel {
		s.command.level.Set(levelOf(c.LogLevel))
	}
	s.reloadCertificates()
	c.level = s.command.level
	changed := sight != s.taken
	s.command, s.taken = c, sight
	s.trouble.Store(nil)
	s.secrets.Store(nil)
	s.noteSettings(s.report(snapshot(parsed), secrets))
	if changed {
		s.noteSecrets(bySignal, secrets)
	}
	return nil
}

// reloadCertificates takes up new files at once; handshakes do it by and by.
func (s *settings) reloadCertificates() {
	for _, f := range []*certs.Files{s.files.tls, s.files.privateTLS} {
		if f != nil {
			_ = f.Reload() // told to the log, and to status
		}
	}
}

// report says what changed, and what did not although it was asked for. It
// returns the names of what did.
func (s *settings) report(now map[string]any, secrets server.Secrets) (applied []string) {
	var waiting []string
	for _, name := range slices.Sorted(maps.Keys(now)) {
		live := slices.Contains(liveSettings, name)
		switch {
		case live && !reflect.DeepEqual(now[name], s.values[name]):
			applied = append(applied, name)
		case !live && !reflect.DeepEqual(now[name], s.started[name]):
			waiting = append(waiting, name)
		}
	}
	s.values = now
	s.log.Info("settings were read again", "changed", list(applied), "keys", len(secrets.Keys), "tokens", tokenNames(secrets))
	s.pending.Store(nil)
	if len(waiting) > 0 {
		s.pending.Store(&engine.Warning{Code: "settings_pending", Message: fmt.Sprintf("Settings that were changed take effect with a restart only: %s.", list(waiting)),
			Hint: "Restart when it suits."})
		s.log.Warn("settings that were changed take effect with a restart only", "settings", list(waiting))
	}
	return applied
}

// refuse leaves everything as it is, and says so.
func (s *settings) refuse(into *atomic.Pointer[engine.Warning], code, hint string, err error) {
	why := strings.TrimRight(engine.Mask(err.Error()), ".?")
	into.Store(&engine.Warning{Code: code, Message: fmt.Sprintf("Changed settings were not taken up: %s.", why), Hint: hint})
	s.log.Error("changed settings were not taken up; the old ones are in force", "err", why)
}

// warnings are for status.
func (s *settings) warnings() (w []engine.Warning) {
	for _, p := range []*engine.Warning{s.trouble.Load(), s.secrets.Load(), s.pending.Load()} {
		if p != nil {
			w = append(w, *p)
		}
	}
	return w
}

// list is names for a person; "none" where there are none.
func list(names []string) string { return cmp.Or(strings.Join(names, ", "), "none") }

func tokenNames(s server.Secrets) string {
	var names []string
	for _, t := range s.Tokens {
		names = append(names, t.Name)
	}
	return list(names)
}
