package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"
)

// ask sends a request to the server and reads the whole answer.
func (f serverFlags) ask(ctx context.Context, method, path string, query url.Values, body any) (text json.RawMessage, status int, err error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	a, err := f.connect()
	if err != nil {
		return nil, 0, err
	}
	resp, err := a.send(ctx, method, path, query, body)
	if err != nil {
		return nil, 0, err
	}
	defer resp.Body.Close()
	text, err = io.ReadAll(resp.Body)
	return text, resp.StatusCode, err
}

// printText prints what the API answered, if it did.
func printText(io stdio, text json.RawMessage) error {
	if len(text) == 0 {
		return nil
	}
	return printJSON(io, text)
}

// jsonFlag is JSON that was given on the command line.
func jsonFlag(name, text, such string) (json.RawMessage, error) {
	if !json.Valid([]byte(text)) {
		return nil, fmt.Errorf("%s %s is no JSON; write %s", name, text, such)
	}
	return json.RawMessage(text), nil
}

// expires is how the API wants to be told when something ends; it reads the
// time itself.
func expires(when string) any {
	if when == "never" {
		return nil
	}
	return when
}

// outcome is a change in a word.
func outcome(status int) string {
	if status == http.StatusCreated {
		return "put"
	}
	return "changed"
}
