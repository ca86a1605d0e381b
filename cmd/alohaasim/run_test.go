package main

import (
	"bytes"
	"context"
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var everything = []string{
	"--retries", "0.4", "--simultaneous", "0.3", "--duplicates", "0.4", "--reorder", "0.3", "--masked", "0.3",
	"--no-completions", "0.1", "--anonymous", "0.1", "--spelling", "--dids", "918645658689,918045678901",
}

func TestRunAgainstAGoodServer(t *testing.T) {
	server := newGoodServer()
	web := httptest.NewServer(server)
	defer web.Close()
	var stdout, stderr bytes.Buffer
	args := append([]string{"--target", web.URL, "--calls", "300", "--concurrency", "16", "--json"}, everything...)
	args = append(args, patient...)
	if code := run(t.Context(), args, &stdout, &stderr); code != exitGood {
		t.Fatalf("exit %d\n%s%s", code, &stdout, &stderr)
	}
	var r report
	if err := json.Unmarshal(stdout.Bytes(), &r); err != nil {
		t.Fatal(err)
	}
	sent := 0
	for _, calls := range server.initiations {
		sent += len(calls)
	}
	completed := 0
	for _, bodies := range server.completions {
		completed += len(bodies)
	}
	switch {
	case r.Played != 300 || len(server.initiations) != 300 || r.CutOff != 0 || r.Interrupted:
		t.Errorf("played %d, cut off %d, server saw %d calls", r.Played, r.CutOff, len(server.initiations))
	case r.Initiations.Sent != sent || r.Initiations.ByStatus["200"] != sent || r.Initiations.Latency.Count != int64(sent):
		t.Errorf("report counts %+v, server saw %d initiations", r.Initiations, sent)
	case r.Initiations.Retries != sent-300 || r.Initiations.Retries == 0:
		t.Errorf("%d retries, server saw %d", r.Initiations.Retries, sent-300)
	case r.Initiations.Answered != 300 || r.Receivers[0].Calls != 300:
		t.Errorf("answered %d, receivers %v", r.Initiations.Answered, r.Receivers)
	case r.Completions.Sent != completed || r.Completions.ByResult["duplicate"] != completed-len(server.completions):
		t.Errorf("report counts %+v, server saw %d completions of %d calls", r.Completions, completed, len(server.completions))
	case len(server.completions) != 300-r.Abandoned || r.Abandoned == 0:
		t.Errorf("%d completed, %d abandoned", len(server.completions), r.Abandoned)
	case r.Receivers[0].Number != "…3210":
		t.Errorf("receiver shown as %s", r.Receivers[0].Number)
	}
}

func TestRunSaysWhatIsWrongWithTheCommandLine(t *testing.T) {
	for name, args := range map[string][]string{
		"unknown flag --nonsense":      {"--nonsense"},
		"unexpected argument":          {"surplus"},
		"--allow-remote":               {"--target", "http://192.0.2.1:8080"},
		"--allow-remote if":            {"--target", "https://alohaa.example"},
		"--target is no URL":           {"--target", "127.0.0.1:8080"},
		"as --key":                     {"--target", "http://127.0.0.1:8080/?key=hush"},
		"--calls is 0":                 {"--calls", "0"},
		"--concurrency is 20000":       {"--concurrency", "20000"},
		"--callers is 0":               {"--callers", "0"},
		"--rate is -1":                 {"--rate=-1"},
		"--speed is -1":                {"--speed=-1"},
		"--retries is 1.5":             {"--retries", "1.5"},
		"--masked is NaN":              {"--masked", "NaN"},
		"--timeout is 0s":              {"--timeout", "0s"},
		"--fail-slow is -1s":           {"--fail-slow=-1s"},
		`--dids has "sales"`:           {"--dids", "sales"},
		"--prefix has 201":             {"--prefix", strings.Repeat("x", 201)},
		"no range of durations":        {"--talk", "3m-20s"},
		"--key-in must be one of":      {"--key-in", "body"},
		"--acknowledged cannot be wri": {"--acknowledged", "/nonexistent/acks"},
	} {
		var stdout, stderr bytes.Buffer
		code := run(t.Context(), args, &stdout, &stderr)
		if code != exitUsage || !strings.Contains(stderr.String(), name) {
			t.Errorf("%v: exit %d, want %d and %q in\n%s", args, code, exitUsage, name, &stderr)
		}
		if strings.Contains(stderr.String(), "hush") || stdout.Len() > 0 {
			t.Errorf("%v prints %s%s", args, &stdout, &stderr)
		}
	}
}

func TestRunHelp(t *testing.T) {
	var stdout, stderr bytes.Buffer
	if code := run(t.Context(), []string{"--help"}, &stdout, &stderr); code != exitGood {
		t.Errorf("exit %d", code)
	}
	if !strings.Contains(stdout.String(), "--no-completions") || strings.Contains(stdout.String(), "calls played against") {
		t.Errorf("help is\n%s", &stdout)
	}
}

func TestRunWithoutAServer(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	target := "http://" + listener.Addr().String()
	listener.Close()
	var stdout, stderr bytes.Buffer
	code := run(t.Context(), []string{"--target", target, "--calls", "1000000"}, &stdout, &stderr)
	if code != exitUnreachable || !strings.Contains(stderr.String(), "switchboard serve") {
		t.Errorf("exit %d, %s", code, &stderr)
	}
	if !strings.Contains(stdout.String(), "0 of 1000000 calls played") {
		t.Errorf("no report:\n%s", &stdout)
	}
}

// A server that is killed leaves cut connections and then refuses new ones; what
// it acknowledged until then stands in the report.
func TestRunAgainstAServerThatDies(t *testing.T) {
	server := newGoodServer()
	web := httptest.NewUnstartedServer(nil)
	count := 0
	web.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if count++; count == 6 {
			web.Listener.Close()
			panic(http.ErrAbortHandler)
		}
		if count > 6 {
			panic(http.ErrAbortHandler)
		}
		server.ServeHTTP(w, r)
	})
	web.Start()
	defer web.Close()
	var stdout, stderr bytes.Buffer
	code := run(t.Context(), append(patient, "--target", web.URL, "--concurrency", "1", "--json"), &stdout, &stderr)
	var r report
	if err := json.Unmarshal(stdout.Bytes(), &r); err != nil {
		t.Fatal(err)
	}
	if code != exitUnreachable || r.Unreachable == "" {
		t.Errorf("exit %d, unreachable %q", code, r.Unreachable)
	}
	// The sixth message is the completion of the third call.
	if diff := cmp.Diff(map[promise]int{noAnswer: 1}, brokenCounts(r)); diff != "" || r.Completions.ByResult["stored"] != 2 {
		t.Errorf("stored %d, broken (-want +got):\n%s", r.Completions.ByResult["stored"], diff)
	}
}

func TestRunReportsWhenInterrupted(t *testing.T) {
	ctx, interrupt := context.WithCancel(t.Context())
	server := newGoodServer()
	server.before = func(r *http.Request) {
		server.mu.Lock()
		defer server.mu.Unlock()
		if len(server.initiations) == 5 {
			interrupt()
			<-r.Context().Done()
		}
	}
	code, r := playInMemory(t, ctx, server, "--calls", "1000", "--concurrency", "1")
	if code != exitGood || !r.Interrupted || r.CutOff != 1 || r.Played != 4 || len(r.Broken) != 0 {
		t.Errorf("exit %d, %d played, %d cut off, interrupted %t, broken %v", code, r.Played, r.CutOff, r.Interrupted, r.Broken)
	}
}

func TestSecretTravelsAsAsked(t *testing.T) {
	for where, want := range map[string]string{
		"header": "hush||", "query": "|hush|", "basic": "||Basic YWxvaGFhOmh1c2g=",
	} {
		server := newGoodServer()
		t.Setenv("ALOHAASIM_KEY", "hush")
		code, _ := playInMemory(t, t.Context(), server, "--calls", "10", "--key-in", where, "--spelling")
		if code != exitGood {
			t.Errorf("%s: exit %d", where, code)
		}
		for _, got := range server.keys {
			if got != want {
				t.Errorf("%s: server saw %q, want %q", where, got, want)
			}
		}
	}
}
