package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
)

type dbConfirmClockCmd struct {
	serverFlags
	JSON bool `name:"json" env:"-" help:"Print the API's answer."`
}

// Run has the server believe its clock.
func (c *dbConfirmClockCmd) Run(ctx context.Context, io stdio) error {
	text, _, err := c.ask(ctx, http.MethodPost, "/api/v1/retention/confirm", nil, nil)
	if err != nil {
		return err
	}
	if c.JSON {
		return printText(io, json.RawMessage(text))
	}
	var said struct{ Clock string }
	if err := json.Unmarshal([]byte(text), &said); err != nil {
		return fmt.Errorf("the server's answer can't be read: %w", err)
	}
	_, err = fmt.Fprintf(io.out, "the server deletes old records by its clock, which says %s\n", said.Clock)
	return err
}
