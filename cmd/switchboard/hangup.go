package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"switchboard/server/hangup"
)

// hangupFlags reach the provider's own API.
type hangupFlags struct {
	AlohaaURL     string `name:"alohaa-url" default:"https://number-masking.alohaa.ai" placeholder:"URL" help:"The provider's API, for hanging calls up."`
	AlohaaKey     string `secret:"bare" placeholder:"KEY" help:"API key of the provider's account."`
	AlohaaKeyFile string `placeholder:"FILE" help:"The same from a file."`
}

// key is the API key; empty for none.
func (f hangupFlags) key() (string, error) {
	var given []string
	if f.AlohaaKey != "" {
		given = []string{f.AlohaaKey}
	}
	keys, err := secretLines("alohaa-key", given, f.AlohaaKeyFile)
	if err != nil {
		return "", err
	}
	if len(keys) > 1 {
		return "", errors.New("--alohaa-key and its file give several keys; the provider takes one")
	}
	if len(keys) == 0 {
		return "", nil
	}
	return keys[0], nil
}

func (f hangupFlags) client() (*hangup.Client, error) {
	key, err := f.key()
	if err != nil {
		return nil, err
	}
	c, err := hangup.New(hangup.Options{Base: f.AlohaaURL, Key: key})
	if err != nil {
		return nil, fmt.Errorf("--alohaa-url: %w", err)
	}
	return c, nil
}

type callsHangupCmd struct {
	serverFlags
	CallID string `arg:"" name:"call-id" help:"The provider's id of the call."`
	JSON   bool   `name:"json" help:"Print the API's answer."`
}

// Run has the server end a running call.
func (c *callsHangupCmd) Run(ctx context.Context, io stdio) error {
	text, _, err := c.ask(ctx, http.MethodPost, "/api/v1/calls/"+url.PathEscape(c.CallID)+"/hangup", nil, nil)
	if err != nil {
		return err
	}
	if c.JSON {
		return printText(io, json.RawMessage(text))
	}
	_, err = fmt.Fprintf(io.out, "hung up %s\n", c.CallID)
	return err
}
