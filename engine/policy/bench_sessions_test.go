package policy_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"switchboard/engine"
	"switchboard/engine/history"
	"switchboard/engine/policy"
)

// sessionsVar names the numbers of open sessions to measure, such as "1e3,1e6".
const sessionsVar = "SWITCHBOARD_BENCH_SESSIONS"

const maskedRego = `package routing

decision := {"call_forwarding_number": other, "reason": "masked_pair"} if {
	some session in data.sessions[input.did][input.caller_number]
	some other in session.parties
	other != input.caller_number
	not data.facts.paused[other]
}
`

// BenchmarkDecisionWithSessions is one evaluation of a policy that connects
// masked pairs, for callers drawn at random from those who have a session.
func BenchmarkDecisionWithSessions(b *testing.B) {
	numbers, err := engine.NewNumbers("IN")
	if err != nil {
		b.Fatal(err)
	}
	set, report := policy.Load(b.Context(), policy.Tree{"routing/routing.rego": []byte(maskedRego)},
		policy.Options{Numbers: numbers, Zone: benchZone}, policy.Checks{})
	if set == nil {
		b.Fatal(report.Errors)
	}
	sizes, given := os.LookupEnv(sessionsVar)
	if !given {
		sizes = "1e3,1e5"
	}
	for word := range strings.SplitSeq(sizes, ",") {
		n, err := strconv.ParseFloat(word, 64)
		if err != nil || n < 1000 {
			b.Fatalf("%s is %q; name sizes such as 1e3,1e6", sessionsVar, sizes)
		}
		b.Run(word, func(b *testing.B) {
			s := openPaired(b, int(n))
			// The same number of people call, so that as much is in memory; then
			// everybody, so that with many sessions nearly everything is read.
			b.Run("callers=1e3", func(b *testing.B) { connect(b, s, set, int(n), 1000) })
			b.Run("callers=all", func(b *testing.B) { connect(b, s, set, int(n), int(n)) })
		})
	}
}

// connect decides calls of callers that are spread over n sessions.
func connect(b *testing.B, s *history.Store, set *policy.Set, n, callers int) {
	b.ReportAllocs()
	for b.Loop() {
		p := maskedPair(rand.IntN(callers) * (n / callers))
		v, err := s.View(b.Context(), nil)
		if err != nil {
			b.Fatal(err)
		}
		q := question(1, openAt, true)
		q.DID.Canonical, q.Caller.Canonical = p.DID, p.Parties[0]
		ev, err := set.Evaluate(b.Context(), q, v)
		v.Close()
		if err != nil || ev.Answer.Number != p.Parties[1] {
			b.Fatal(ev.Answer, err)
		}
	}
}

func maskedPair(i int) engine.Session {
	return engine.Session{Ref: fmt.Sprintf("order-%08d", i), DID: line(i % benchLines).Canonical,
		Parties: [2]string{fmt.Sprintf("98%08d", i), fmt.Sprintf("97%08d", i)}}
}

// openPaired opens a store with n sessions of which none is in memory.
func openPaired(b *testing.B, n int) *history.Store {
	b.Helper()
	o := history.Options{Path: filepath.Join(b.TempDir(), "switchboard.db"), CallTTL: 30 * time.Minute, Zone: benchZone}
	s, err := history.Open(o)
	if err != nil {
		b.Fatal(err)
	}
	var next atomic.Int64
	var wg sync.WaitGroup
	for range 512 {
		wg.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				if _, err := s.PutSession(b.Context(), maskedPair(i), nil, "bench"); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	if err := s.Close(); err != nil {
		b.Fatal(err)
	}
	if s, err = history.Open(o); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := s.Close(); err != nil {
			b.Error(err)
		}
	})
	return s
}
