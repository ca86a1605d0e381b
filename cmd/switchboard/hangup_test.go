package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestCallsHangup ends a call at an emulated provider; its key changes while the
// server runs.
func TestCallsHangup(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "key")
	put := func(key string) {
		if err := os.WriteFile(file, []byte(key+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	put("old-metro-key")
	provider := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		switch {
		case r.Header.Get("x-metro-api-key") != "new-metro-key":
			fmt.Fprint(w, `{"success": false, "error": {"code": 1002, "reason": "Invalid key"}}`)
		case string(body) != `{"call_id":"c/1"}` || r.URL.Path != "/v1/external/call/hangup":
			fmt.Fprint(w, `{"success": false, "error": {"code": 1040, "reason": "Call details not found"}}`)
		default:
			fmt.Fprint(w, `{"success": true, "response": {"call_id": "c/1"}}`)
		}
	}))
	defer provider.Close()
	p := startProcess(t, dir, "--alohaa-url", provider.URL, "--alohaa-key-file", file)
	hangup := func(id string) (string, error) {
		out, err := exec.Command(switchboardBinary(t), "calls", "hangup", id, "--server", p.private).CombinedOutput()
		return string(out), err
	}
	if out, err := hangup("c/1"); err == nil || !strings.Contains(out, "refuses the API key") {
		t.Errorf("with a wrong key: %v %s", err, out)
	}
	put("new-metro-key")
	poll(t, "the new key", func() bool {
		out, err := hangup("c/1")
		return err == nil && out == "hung up c/1\n"
	})
	if out, err := hangup("c2"); err == nil || !strings.Contains(out, "no active call") {
		t.Errorf("a call that is over: %v %s", err, out)
	}
	p.terminate(t)
}
