package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/rogpeppe/go-internal/testscript"
	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

// relaySecret signs in tests.
const relaySecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

// receiver is a customer's system: it checks signatures and writes down what it
// got, a line a message: status, webhook-id, body.
type receiver struct {
	*httptest.Server
	status atomic.Int64
	mu     sync.Mutex
	write  func(status int, id, body string)
}

func newReceiver(status int, write func(status int, id, body string)) (*receiver, error) {
	key, err := standardwebhooks.NewWebhook(relaySecret)
	if err != nil {
		return nil, err
	}
	r := &receiver{write: write}
	r.status.Store(int64(status))
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		body, err := io.ReadAll(q.Body)
		if err == nil {
			err = key.Verify(body, q.Header)
		}
		status := int(r.status.Load())
		if err != nil {
			status = http.StatusTeapot
			body = []byte(err.Error())
		}
		w.WriteHeader(status)
		r.mu.Lock()
		defer r.mu.Unlock()
		r.write(status, q.Header.Get("webhook-id"), string(body))
	}))
	return r, nil
}

// receivers holds those of each script, by name.
var receivers sync.Map

// scriptReceiver starts a receiver, or changes what it answers: receiver NAME
// STATUS. Its address is in the variable NAME; what it gets goes to NAME.log.
func scriptReceiver(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: receiver NAME STATUS")
	}
	status, err := strconv.Atoi(args[1])
	ts.Check(err)
	type key struct {
		ts   *testscript.TestScript
		name string
	}
	if r, ok := receivers.Load(key{ts, args[0]}); ok {
		r.(*receiver).status.Store(int64(status))
		return
	}
	file := ts.MkAbs(args[0] + ".log")
	ts.Check(os.WriteFile(file, nil, 0o600))
	r, err := newReceiver(status, func(status int, id, body string) {
		f, err := os.OpenFile(file, os.O_APPEND|os.O_WRONLY, 0o600)
		if err != nil {
			return // the script is over
		}
		defer f.Close()
		fmt.Fprintf(f, "%d %s %s\n", status, id, body)
	})
	ts.Check(err)
	receivers.Store(key{ts, args[0]}, r)
	ts.Setenv(args[0], r.URL)
	ts.Defer(func() {
		receivers.Delete(key{ts, args[0]})
		r.Close()
	})
}

// scriptAwait waits until a file matches: await FILE REGEXP.
func scriptAwait(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: await FILE REGEXP")
	}
	want, file := regexp.MustCompile(args[1]), ts.MkAbs(args[0])
	waitFor(ts, args[0]+" to match "+args[1], func() bool {
		text, err := os.ReadFile(file)
		return err == nil && want.Match(text)
	})
}
