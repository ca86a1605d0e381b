package main

import (
	"bufio"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestEventsOfAWholeServer watches one from the first call to its end.
func TestEventsOfAWholeServer(t *testing.T) {
	dir := t.TempDir()
	folder := filepath.Join(dir, "rules", "routing")
	if err := os.MkdirAll(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	rule := func(text string) {
		if err := os.WriteFile(filepath.Join(folder, "routing.rego"), []byte("package routing\n\n"+text+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	rule(`decision := {"call_forwarding_number": "9876543210", "reason": "fixed"}`)
	p := startProcess(t, dir, "--policies", filepath.Dir(folder))
	resp, err := http.Get(p.private + "/api/v1/events")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	lines := bufio.NewScanner(resp.Body)
	// next reads on to the next message and returns its data.
	next := func(kind string) string {
		t.Helper()
		for lines.Scan() {
			if lines.Text() == "event:"+kind {
				for lines.Scan() {
					if data, ok := strings.CutPrefix(lines.Text(), "data:"); ok {
						return data
					}
				}
			}
		}
		t.Fatalf("the stream ended before a %s: %v", kind, lines.Err())
		return ""
	}
	post := func(path, body string) {
		t.Helper()
		resp, err := http.Post(p.public+path, "application/json", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
	}
	says := func(data string, wants ...string) {
		t.Helper()
		for _, want := range wants {
			if !strings.Contains(data, want) {
				t.Errorf("%s lacks %s", data, want)
			}
		}
	}
	next("hello")
	post("/alohaa/get-receiver-details", `{"caller_number": "+919988912345", "did": "918645658689", "call_id": "e1"}`)
	says(next("decision"), `"call_id":"e1"`, `"caller_number":"9988912345"`, `"receiver_number":"9876543210"`, `"reason":"fixed"`)
	post("/alohaa/send-call-details", `{"call_id": "e1", "did": "918645658689", "call_status": "answered"}`)
	says(next("completion"), `"call_id":"e1"`, `"result":"stored"`)
	rule(`decision := {`)
	says(next("reload"), `"ok":false`, `routing.rego`)
	rule(`decision := {"call_forwarding_number": "9876543211", "reason": "other"}`)
	says(next("reload"), `"ok":true`, `"changed":true`)
	post("/alohaa/get-receiver-details", `{"caller_number": "9988912345", "did": "918645658689", "call_id": "e2"}`)
	says(next("decision"), `"receiver_number":"9876543211"`, `"reason":"other"`)
	p.terminate(t)
	says(next("end"), "stopping")
}
