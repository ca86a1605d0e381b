package main

import (
	"fmt"
	"log/slog"
	"time"

	"switchboard/server"
	"switchboard/server/access"
	"switchboard/server/certs"
)

// The names of tokens that were given without one.
const (
	adminName  = "admin"
	readerName = "reader"
)

// secrets are what opens the listeners, from flags and files. No error of it
// quotes one.
func (c *serveCmd) secrets() (server.Secrets, error) {
	keys, err := secretLines("key", c.Key, c.KeyFile)
	if err != nil {
		return server.Secrets{}, err
	}
	for _, k := range keys {
		if err := access.CheckSecret(k); err != nil {
			return server.Secrets{}, fmt.Errorf("--key: a secret is unfit: %w", err)
		}
	}
	out := server.Secrets{Keys: keys}
	for _, t := range []struct {
		flag, file, name string
		given            []string
		readOnly         bool
	}{
		{"private-token", c.PrivateTokenFile, adminName, c.PrivateToken, false},
		{"private-read-token", c.PrivateReadTokenFile, readerName, c.PrivateReadToken, true},
	} {
		lines, err := secretLines(t.flag, t.given, t.file)
		if err != nil {
			return server.Secrets{}, err
		}
		for _, line := range lines {
			token, err := access.ParseToken(line, t.name)
			if err != nil {
				return server.Secrets{}, fmt.Errorf("--%s: a token is unfit: %w", t.flag, err)
			}
			token.ReadOnly = t.readOnly
			out.Tokens = append(out.Tokens, token)
		}
	}
	return out, nil
}

// secretLines joins secrets given as flags with those of a file.
func secretLines(flag string, given []string, file string) ([]string, error) {
	out := make([]string, 0, len(given))
	for _, s := range given {
		if s == "" {
			return nil, fmt.Errorf("--%s is empty; leave it out or give a secret", flag)
		}
		out = append(out, s)
	}
	if file == "" {
		return out, nil
	}
	lines, err := access.ReadLines(file)
	if err != nil {
		return nil, fmt.Errorf("--%s-file: %w", flag, err)
	}
	return append(out, lines...), nil
}

// certificate opens the files of a listener's certificate; nil where there are
// none.
func certificate(flag, cert, key string, log *slog.Logger) (*certs.Files, error) {
	switch {
	case cert == "" && key == "":
		return nil, nil
	case cert == "" || key == "":
		return nil, fmt.Errorf("--%[1]s-cert and --%[1]s-key go together; give both or none", flag)
	}
	f, err := certs.Open(cert, key, time.Now, func(s certs.State) {
		if s.Err != nil {
			log.Error("the old certificate stays in force", "file", cert, "err", s.Err)
			return
		}
		log.Info("a renewed certificate is in force", "file", cert, "name", s.Subject, "expires", s.NotAfter)
	})
	if err != nil {
		return nil, fmt.Errorf("--%s-cert: %w", flag, err)
	}
	return f, nil
}
