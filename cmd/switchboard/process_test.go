package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// process is a server running as a child process.
type process struct {
	cmd             *exec.Cmd
	public, private string
}

// startProcess runs the test binary as switchboard serve in dir.
func startProcess(t testing.TB, dir string, args ...string) *process {
	t.Helper()
	return startLimited(t, dir, 0, args...)
}

// startLimited is startProcess with a limit on open files; 0 is the machine's.
func startLimited(t testing.TB, dir string, files int, args ...string) *process {
	t.Helper()
	ready := filepath.Join(dir, "ready.json")
	_ = os.Remove(ready)
	command := []string{switchboardBinary(t)}
	if files > 0 {
		command = []string{"sh", "-c", fmt.Sprintf(`ulimit -n %d && exec "$0" "$@"`, files), command[0]}
	}
	command = append(command, "serve", "--listen", "127.0.0.1:0", "--private-listen", "127.0.0.1:0",
		"--ready-file", ready, "--db", filepath.Join(dir, "switchboard.db"), "--fallback", "9000000009", "--log-level", "warn")
	command = append(command, args...)
	cmd := exec.Command(command[0], command[1:]...)
	var log bytes.Buffer
	cmd.Dir, cmd.Stderr = dir, &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if cmd.ProcessState == nil {
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
		}
		if t.Failed() {
			t.Logf("server log:\n%s", log.Bytes()[max(0, log.Len()-4000):])
		}
	})
	var addresses struct{ Public, Private string }
	poll(t, "the server to be ready", func() bool {
		text, err := os.ReadFile(ready)
		return err == nil && json.Unmarshal(text, &addresses) == nil
	})
	return &process{cmd, "http://" + addresses.Public, "http://" + addresses.Private}
}

func (p *process) kill(t testing.TB) {
	t.Helper()
	if err := p.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = p.cmd.Wait()
}

func (p *process) terminate(t *testing.T) {
	t.Helper()
	if err := p.cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Wait(); err != nil {
		t.Errorf("the server did not stop cleanly: %v", err)
	}
}

func poll(t testing.TB, what string, done func() bool) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(3 * time.Minute)
	for !done() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

// storeStatus is what status says of the store.
type storeStatus struct {
	Store struct {
		Error   string `json:"error"`
		Unsaved int    `json:"unsaved"`
		Queue   int    `json:"queue"`
		Dirty   int    `json:"dirty"`
	} `json:"store"`
	Warnings []string `json:"warnings"`
}

func (p *process) status(t *testing.T) (out storeStatus) {
	t.Helper()
	resp, err := http.Get(p.private + "/api/v1/status")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(resp.Body).Decode(&out); err != nil {
		t.Fatal(err)
	}
	return out
}

// switchboardBinary builds the program, once for all tests of this package.
func switchboardBinary(t testing.TB) string {
	t.Helper()
	path, err := builtBinary()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// buildDir is made by TestMain, which also removes it.
var buildDir string

var builtBinary = sync.OnceValues(func() (string, error) {
	path := filepath.Join(buildDir, "switchboard")
	if out, err := exec.Command("go", "build", "-o", path, "switchboard/cmd/switchboard").CombinedOutput(); err != nil {
		return "", fmt.Errorf("building switchboard: %w\n%s", err, out)
	}
	return path, nil
})
