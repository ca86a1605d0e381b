package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// patience is how long a script waits for what must come to pass: on a machine
// that does a dozen other things, with the race detector, a start takes its time.
const patience = 3 * time.Minute

// patientTests is the scripts' bound on the tests of policy sets, for the same
// cause; those that are about a bound name their own.
const patientTests = "SWITCHBOARD_TEST_TIMEOUT=10m"

func TestMain(m *testing.M) {
	if os.Getenv(fixedAnswer) != "" {
		fmt.Fprintln(os.Stderr, serveFixedAnswer())
		os.Exit(1)
	}
	testscript.Main(tests{m}, map[string]func(){
		"switchboard": func() { os.Exit(switchboard()) },
	})
}

// tests runs the tests with a folder for the binaries they build.
type tests struct{ *testing.M }

// Run is called in the test process only, not where it plays switchboard.
func (m tests) Run() int {
	dir, err := os.MkdirTemp("", "switchboard-build-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	buildDir = dir
	takeParameters()
	return m.M.Run()
}

// parameters are how long or how often the tests run, from the environment. They
// are taken out of it: the program refuses variables that look like settings.
var parameters = map[string]string{}

func takeParameters() {
	for _, pair := range os.Environ() {
		if name, value, _ := strings.Cut(pair, "="); strings.HasPrefix(name, envPrefix) {
			parameters[name] = value
			_ = os.Unsetenv(name)
		}
	}
}

func parameter(name string) string { return parameters[name] }

// TestScripts runs the whole program by the scripts in testdata/scripts.
func TestScripts(t *testing.T) {
	sim := buildEmulator(t)
	testscript.Run(t, testscript.Params{
		Dir: filepath.Join("..", "..", "testdata", "scripts"),
		Setup: func(env *testscript.Env) error {
			env.Setenv("PATH", filepath.Dir(sim)+string(os.PathListSeparator)+env.Getenv("PATH"))
			env.Setenv("HOME", env.WorkDir)
			env.Vars = append(env.Vars, patientTests)
			policies, err := filepath.Abs(filepath.Join("..", "..", "policies"))
			env.Setenv("STARTER", policies)
			return err
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"serve":     scriptServe,
			"halt":      scriptHalt,
			"http":      scriptHTTP,
			"until":     scriptUntil,
			"sub":       scriptSub,
			"signal":    scriptSignal,
			"revisions": scriptRevisions,
			"receiver":  scriptReceiver,
			"await":     scriptAwait,
		},
	})
}

// buildEmulator builds alohaasim, the outside world of the scripts.
func buildEmulator(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "alohaasim")
	out, err := exec.Command("go", "build", "-o", path, "switchboard/cmd/alohaasim").CombinedOutput()
	if err != nil {
		t.Fatalf("building alohaasim: %v\n%s", err, out)
	}
	return path
}

// served is a server that a script started.
type served struct {
	cmd  *exec.Cmd
	done chan error
}

// running holds the server of each script; scripts run in parallel.
var running sync.Map

// scriptServe starts "switchboard serve" on free ports and sets PUBLIC and
// PRIVATE to the base URLs. The log goes to server.log.
func scriptServe(ts *testscript.TestScript, neg bool, args []string) {
	if neg {
		ts.Fatalf("use '! exec switchboard serve' for a server that must not start")
	}
	ready := ts.MkAbs("ready.json")
	_ = os.Remove(ready)
	log, err := os.OpenFile(ts.MkAbs("server.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	ts.Check(err)
	defer log.Close()
	cmd := exec.Command(lookPath(ts, "switchboard"), append([]string{"serve",
		"--listen", "127.0.0.1:0", "--private-listen", "127.0.0.1:0", "--ready-file", ready}, args...)...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = ts.MkAbs("."), log, log
	cmd.Env = []string{"HOME=" + ts.MkAbs("."), "PATH=" + ts.Getenv("PATH"), patientTests}
	ts.Check(cmd.Start())
	s := &served{cmd: cmd, done: make(chan error, 1)}
	go func() { s.done <- cmd.Wait() }()
	running.Store(ts, s)
	ts.Defer(func() { _ = cmd.Process.Kill() })
	var addresses struct{ Public, Private string }
	waitFor(ts, "the server to be ready", func() bool {
		select {
		case err := <-s.done:
			text, _ := os.ReadFile(ts.MkAbs("server.log"))
			ts.Fatalf("serve ended: %v\n%s", err, text)
		default:
		}
		text, err := os.ReadFile(ready)
		return err == nil && json.Unmarshal(text, &addresses) == nil
	})
	ts.Setenv("PUBLIC", "http://"+addresses.Public)
	ts.Setenv("PRIVATE", "http://"+addresses.Private)
}

// scriptHalt ends the server: "halt" by SIGTERM and a clean exit, "halt -kill"
// by SIGKILL.
func scriptHalt(ts *testscript.TestScript, _ bool, args []string) {
	v, ok := running.LoadAndDelete(ts)
	if !ok {
		ts.Fatalf("no server runs")
	}
	s := v.(*served)
	signal, clean := syscall.SIGTERM, true
	if len(args) > 0 && args[0] == "-kill" {
		signal, clean = syscall.SIGKILL, false
	}
	ts.Check(s.cmd.Process.Signal(signal))
	select {
	case err := <-s.done:
		if clean && err != nil {
			ts.Fatalf("the server did not stop cleanly: %v", err)
		}
	case <-time.After(patience):
		ts.Fatalf("the server did not stop")
	}
}

// scriptSignal sends the server a signal: signal HUP.
func scriptSignal(ts *testscript.TestScript, neg bool, args []string) {
	v, ok := running.Load(ts)
	if neg || !ok || len(args) != 1 || args[0] != "HUP" {
		ts.Fatalf("usage: signal HUP, while a server runs")
	}
	ts.Check(v.(*served).cmd.Process.Signal(syscall.SIGHUP))
}

// scriptRevisions sets NEW to the revision that serves and OLD to the one before.
func scriptRevisions(ts *testscript.TestScript, _ bool, _ []string) {
	text, err := request(ts, []string{http.MethodGet, ts.Getenv("PRIVATE") + "/api/v1/policies"})
	ts.Check(err)
	var list struct{ Revisions []struct{ Revision string } }
	_, body, _ := strings.Cut(text, "\n")
	ts.Check(json.Unmarshal([]byte(body), &list))
	if len(list.Revisions) < 2 {
		ts.Fatalf("there are no two revisions: %s", text)
	}
	ts.Setenv("NEW", list.Revisions[0].Revision)
	ts.Setenv("OLD", list.Revisions[1].Revision)
}

// scriptHTTP sends a request: http METHOD URL [BODY] [Header:value ...]. A body
// of @file is read. Status and body are the standard output.
func scriptHTTP(ts *testscript.TestScript, neg bool, args []string) {
	text, err := request(ts, args)
	ts.Check(err)
	fmt.Fprint(ts.Stdout(), text)
	if ok := strings.HasPrefix(text, "2"); ok == neg {
		ts.Fatalf("answered %s", text)
	}
}

// scriptUntil repeats a request until its answer matches: until REGEXP METHOD
// URL [BODY].
func scriptUntil(ts *testscript.TestScript, neg bool, args []string) {
	want := regexp.MustCompile(args[0])
	var text string
	defer func() { fmt.Fprint(ts.Stdout(), text) }()
	waitFor(ts, "an answer that matches "+args[0], func() bool {
		var err error
		text, err = request(ts, args[1:])
		return err == nil && want.MatchString(text) != neg
	})
}

// scriptSub edits a file in place: sub FILE OLD NEW.
func scriptSub(ts *testscript.TestScript, _ bool, args []string) {
	path := ts.MkAbs(args[0])
	text := ts.ReadFile(args[0])
	if !strings.Contains(text, args[1]) {
		ts.Fatalf("%s does not contain %q", args[0], args[1])
	}
	ts.Check(os.WriteFile(path, []byte(strings.ReplaceAll(text, args[1], args[2])), 0o644))
}

func request(ts *testscript.TestScript, args []string) (string, error) {
	if len(args) < 2 {
		ts.Fatalf("usage: http METHOD URL [BODY] [Header:value ...]")
	}
	var body string
	if len(args) > 2 {
		if body = args[2]; strings.HasPrefix(body, "@") {
			body = ts.ReadFile(body[1:])
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, args[0], args[1], strings.NewReader(body))
	if err != nil {
		return "", err
	}
	for _, h := range args[min(3, len(args)):] {
		name, value, _ := strings.Cut(h, ":")
		req.Header.Set(name, value)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	return fmt.Sprintf("%d %s\n%s\n", resp.StatusCode, resp.Header.Get("Content-Type"), text), err
}

func waitFor(ts *testscript.TestScript, what string, done func() bool) {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(patience)
	for !done() {
		select {
		case <-tick.C:
		case <-deadline:
			ts.Fatalf("waited %v for %s", patience, what)
		}
	}
}

func lookPath(ts *testscript.TestScript, name string) string {
	for dir := range strings.SplitSeq(ts.Getenv("PATH"), string(os.PathListSeparator)) {
		path := filepath.Join(dir, name)
		if info, err := os.Stat(path); err == nil && !info.IsDir() {
			return path
		}
	}
	ts.Fatalf("%s is not in PATH", name)
	return ""
}
