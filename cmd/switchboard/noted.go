package main

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"switchboard/engine"
	"switchboard/server"
)

// noteTime bounds how long the audit trail is waited for.
const noteTime = 2 * time.Second

// Who changed settings, as the audit trail names them: nobody knows more.
const (
	bySignal = "SIGHUP"
	byFile   = "file"
)

// noteSettings tells the audit trail which settings were put into force. Their
// values are secrets, or people's numbers.
func (s *settings) noteSettings(names []string) {
	if len(names) > 0 {
		s.noteEntry(engine.AuditEntry{By: bySignal, Action: "settings.change", Target: strings.Join(names, ", ")})
	}
}

// noteSecrets tells it who may come in since the files of secrets changed.
func (s *settings) noteSecrets(by string, secrets server.Secrets) {
	names := []string{}
	for _, t := range secrets.Tokens {
		names = append(names, t.Name)
	}
	slices.Sort(names)
	after, _ := json.Marshal(map[string]any{"keys": len(secrets.Keys), "tokens": slices.Compact(names)}) // nothing in it can fail to encode
	s.noteEntry(engine.AuditEntry{By: by, Action: "secrets.change", Target: "files", After: after})
}

func (s *settings) noteEntry(e engine.AuditEntry) {
	ctx, cancel := context.WithTimeout(context.Background(), noteTime)
	defer cancel()
	if err := s.note(ctx, e); err != nil {
		s.log.Error("the audit trail misses an entry", "action", e.Action, "by", e.By, "err", engine.Mask(err.Error()))
	}
}
