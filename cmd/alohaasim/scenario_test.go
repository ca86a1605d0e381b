package main

import (
	"bytes"
	"context"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

// Two tours of a courier and the beginning of another's; two rounds of the sales
// team; two waves.
var sizes = map[string][]string{
	"delivery": {"--calls", "8"},
	"sales":    {"--calls", "8", "--answer-rate", "1"},
	"overload": {"--calls", "20", "--concurrency", "10"},
}

func playScenario(t *testing.T, server http.Handler, name string, args ...string) (int, report) {
	t.Helper()
	return playInMemory(t, t.Context(), server, slices.Concat([]string{"--scenario", name}, sizes[name], args)...)
}

func TestScenariosFindNothingInAGoodServer(t *testing.T) {
	for name := range scenarios {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := newScenarioServer(name, "")
			code, r := playScenario(t, server, name, "--retries", "0.3", "--duplicates", "0.3", "--masked", "0.5", "--private-token", "hush")
			if code != exitGood || len(r.Broken) > 0 || r.CutOff > 0 || r.Scenario.Name != name {
				t.Fatalf("exit %d, %d cut off, broken %v", code, r.CutOff, r.Broken)
			}
			calls := 0
			for _, line := range r.Scenario.Reached {
				calls += line.Calls
				if line.Reason == "" || line.Source == "not known" || !slices.Equal(line.Skipped, []string{"busy"}) {
					t.Errorf("not explained: %+v", line)
				}
			}
			if calls != r.Played || r.Asked != r.Played || calls != len(server.records) {
				t.Errorf("%d calls reached somebody, %d of %d played, the server had %d", calls, r.Played, r.Asked, len(server.records))
			}
			if slices.ContainsFunc(server.tokens, func(token string) bool { return token != "Bearer hush" }) {
				t.Errorf("tokens %v", server.tokens)
			}
		})
	}
}

// Each server breaks one promise: once, or all the time where once would show
// nothing.
func TestScenariosFindWhatIsBroken(t *testing.T) {
	for name, promises := range map[string][]promise{
		"delivery": {didShared, poolOverbooked, orderMoved, pairApart, pairLingers, endedAnswer, apiRefused, callNotKept, recordDiffer, answerStatus},
		"sales":    {rotationUnfair, stickyLost, pausedRung, teamMissed, overflowMissed, closedRung, openMissed, callNotKept, recordDiffer, answerStatus},
		"overload": {overCapacity, overflowEarly, turnedAway, policiesIdle, miscounted, callNotKept, recordDiffer, answerStatus},
	} {
		for _, p := range promises {
			t.Run(name+"/"+string(p), func(t *testing.T) {
				t.Parallel()
				code, r := playScenario(t, newScenarioServer(name, p), name)
				if code != exitBroken || brokenCounts(r)[p] == 0 {
					t.Fatalf("exit %d, broken %v", code, r.Broken)
				}
				if p != didShared && p != overflowEarly && p != miscounted && brokenCounts(r)[p] != 1 {
					t.Errorf("found %d times, broken once: %v", brokenCounts(r)[p], r.Broken)
				}
			})
		}
	}
}

func TestScenarioTellsWhoWasReachedAndWhy(t *testing.T) {
	var stdout, stderr bytes.Buffer
	o := flags(t, append([]string{"--scenario", "delivery", "--calls", "6"}, patient...)...)
	if code := emulate(t.Context(), o, inMemory{newScenarioServer("delivery", pairLingers)}, &stdout, &stderr); code != exitBroken {
		t.Errorf("exit %d, %s", code, &stderr)
	}
	for _, want := range []string{
		"scenario delivery: who was reached, and why", "order open\n", "the courier          6  pair", "…3219",
		"rejected", "no_session, source rejected", "orders ended by DELETE       4", "BROKEN pair_lingers: 1 times", "still reached …",
	} {
		if !strings.Contains(stdout.String(), want) {
			t.Errorf("%q is missing in\n%s", want, &stdout)
		}
	}
	if strings.Contains(stdout.String(), "9876543219") {
		t.Errorf("a number is not masked:\n%s", &stdout)
	}
}

// Whatever a run that is cut off has paused is back at work.
func TestBreaksEndWithAnInterruptedRun(t *testing.T) {
	ctx, interrupt := context.WithCancel(t.Context())
	server := newScenarioServer("sales", "")
	watch := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if server.ServeHTTP(w, r); r.Method == http.MethodPut {
			interrupt()
		}
	})
	code, r := playInMemory(t, ctx, watch, "--scenario", "sales", "--calls", "8")
	if code != exitGood || !r.Interrupted || len(r.Broken) > 0 {
		t.Errorf("exit %d, interrupted %t, broken %v", code, r.Interrupted, r.Broken)
	}
	server.mu.Lock()
	defer server.mu.Unlock()
	if len(server.paused) != len(salesTeam) {
		t.Errorf("breaks %v", server.paused)
	}
	for agent, paused := range server.paused {
		if paused {
			t.Errorf("%s is still on a break", agent)
		}
	}
}

func TestScenarioWithoutAPrivateListener(t *testing.T) {
	var stdout, stderr bytes.Buffer
	code := run(t.Context(), append(patient, "--scenario", "sales", "--private", "http://127.0.0.1:1"), &stdout, &stderr)
	if code != exitUnreachable || !strings.Contains(stderr.String(), "private API at http://127.0.0.1:1") {
		t.Errorf("exit %d, %s", code, &stderr)
	}
	for want, args := range map[string][]string{
		"--scenario must be one of":           {"--scenario", "opera"},
		"--private http 192.0.2.1 is not":     {"--private", "http://192.0.2.1:8081"},
		"--private is no URL":                 {"--private", "127.0.0.1:8081"},
		"give the secret as --private-token ": {"--private", "http://:hush@127.0.0.1:8081"},
	} {
		stderr.Reset()
		code := run(t.Context(), args, &stdout, &stderr)
		want = strings.Replace(want, "http 192.0.2.1", "192.0.2.1:8081", 1)
		if code != exitUsage || !strings.Contains(stderr.String(), want) || strings.Contains(stderr.String(), "hush") {
			t.Errorf("%v: exit %d, %s", args, code, &stderr)
		}
	}
}

// The emulator knows the worlds of the scenarios by heart.
func TestScenariosKnowTheirDirectories(t *testing.T) {
	type entry struct {
		Team        []string `yaml:"team"`
		NoSessionTo string   `yaml:"no_session_to"`
		Overflow    string   `yaml:"overflow"`
		AfterHours  string   `yaml:"after_hours"`
		Most        int      `yaml:"max_concurrent"`
	}
	read := func(name string) map[string]entry {
		text, err := os.ReadFile(filepath.Join("..", "..", "testdata", "scenarios", name+".yaml"))
		if err != nil {
			t.Fatal(err)
		}
		var directory struct {
			DIDs map[string]entry `yaml:"dids"`
		}
		if err := yaml.Unmarshal(text, &directory); err != nil {
			t.Fatal(err)
		}
		return directory.DIDs
	}
	pool := read("delivery")
	for did, to := range deliveryDIDs {
		if got := strings.Replace(pool[did].NoSessionTo, "reject", "", 1); got != to || len(pool) != len(deliveryDIDs) {
			t.Errorf("delivery: DID %s of %d sends strangers to %q, the emulator knows %q", did, len(pool), got, to)
		}
	}
	sales, office := read("sales")[salesDID], read("sales")[officeDID]
	if !slices.Equal(sales.Team, salesTeam) || sales.Overflow != salesOverflow || office.AfterHours != salesAfterHours {
		t.Errorf("sales: %+v, %+v", sales, office)
	}
	support := read("overload")[supportDID]
	if !slices.Equal(support.Team, supportTeam) || support.Overflow != supportOverflow || support.Most != callsPerAgent {
		t.Errorf("overload: %+v", support)
	}
}
