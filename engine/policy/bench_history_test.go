package policy_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"switchboard/engine"
	"switchboard/engine/history"
	"switchboard/engine/policy"
	"switchboard/policies"
)

// Variables of the environment that change what BenchmarkDecision does.
const (
	// callersVar names the sizes of the history to measure, such as
	// "1e3,1e5,1e6". Loading a million callers takes minutes and some GB of disk.
	callersVar = "SWITCHBOARD_BENCH_CALLERS"
	// folderVar names a folder that keeps what was loaded, for the next run.
	folderVar = "SWITCHBOARD_BENCH_FOLDER"
)

const (
	benchLines = 1000 // DIDs in the directory
	benchCalls = 2    // earlier calls of each caller
)

// BenchmarkDecision is one evaluation of the starter policy over a history in
// bbolt, for callers drawn at random: with each size every one of them is read
// from the file, in the disk's cache, as a caller is who did not call lately; what
// calls share is in memory. "again" is "sticky" for callers who are in memory
// themselves. It is measured as it serves ("plan"), by OPA's own evaluator ("opa"),
// and with four of its steps instead of all ("four-steps"). "rules" is the same
// without a history, "read" is the view and the profiles alone.
func BenchmarkDecision(b *testing.B) {
	sets := benchSets(b)
	for _, n := range benchSizes(b) {
		b.Run(fmt.Sprintf("callers=%.0e", float64(n)), func(b *testing.B) {
			h := openFilled(b, n)
			for _, p := range []struct {
				path, reason string
				at           time.Time
				known        bool // the caller called before
				again        bool // and lately
			}{
				{"sticky", "sticky", openAt, true, false},
				{"again", "sticky", openAt, true, true},
				{"new", "round_robin", openAt, false, false},
				{"closed", "after_hours", closedAt, true, false},
			} {
				for _, s := range sets {
					b.Run(p.path+"/"+s.name, func(b *testing.B) {
						next := h.unread(b)
						if p.again {
							next = h.lately()
						}
						h.decide(b, s.set, p.reason, p.at, p.known, next)
					})
				}
			}
			b.Run("read", h.read)
		})
	}
	for _, s := range sets {
		b.Run("rules/"+s.name, func(b *testing.B) {
			q := question(1, openAt, true)
			b.ReportAllocs()
			report := cpu(b)
			for b.Loop() {
				if ev, err := s.set.Evaluate(b.Context(), q, nil); err != nil || ev.Answer.Reason != "round_robin" {
					b.Fatal(ev.Answer, err)
				}
			}
			report()
		})
	}
}

type benchSet struct {
	name string
	set  *policy.Set
}

func benchSets(b *testing.B) []benchSet {
	b.Helper()
	four, err := os.ReadFile(filepath.Join("testdata", "four-steps.rego"))
	if err != nil {
		b.Fatal(err)
	}
	all := starterSet(b, nil)
	return []benchSet{
		{"plan", all},
		{"opa", policy.Slow(all)},
		{"four-steps", starterSet(b, map[string]string{"routing/routing.rego": string(four)})},
	}
}

var (
	benchZone = time.FixedZone("Asia/Kolkata", 19800)
	openAt    = time.Date(2025, 11, 22, 14, 35, 0, 0, benchZone) // a Saturday
	closedAt  = openAt.AddDate(0, 0, 1)
)

// benchSizes are the sizes to measure: up to 1e5 unless asked for.
func benchSizes(b *testing.B) (sizes []int) {
	text, given := os.LookupEnv(callersVar)
	if !given {
		text = "1e3,1e5"
	}
	for word := range strings.SplitSeq(text, ",") {
		n, err := strconv.ParseFloat(word, 64)
		if err != nil || n < 1 {
			b.Fatalf("%s is %q; name sizes such as 1e3,1e5,1e6", callersVar, text)
		}
		sizes = append(sizes, int(n))
	}
	return sizes
}

// starterSet is the starter policy for a directory of benchLines DIDs, with other
// files laid over it.
func starterSet(b *testing.B, over map[string]string) *policy.Set {
	b.Helper()
	tree, err := policy.FromFS(policies.Files)
	if err != nil {
		b.Fatal(err)
	}
	tree = tree.Overlay(over)
	const file = "directory/data.yaml"
	head, rest, _ := strings.Cut(string(tree[file]), "dids:\n")
	entry, tail, found := strings.Cut(rest, "\n# For DIDs that are not listed")
	if !found {
		b.Fatalf("%s no longer has the two comments that this benchmark cuts it at", file)
	}
	var text strings.Builder
	text.WriteString(head + "dids:\n")
	for i := range benchLines {
		text.WriteString(strings.Replace(entry, "918645658689", line(i).Canonical, 1))
	}
	text.WriteString("\n# For DIDs that are not listed" + tail)
	tree[file] = []byte(text.String())
	numbers, err := engine.NewNumbers("IN")
	if err != nil {
		b.Fatal(err)
	}
	set, report := policy.Load(b.Context(), tree, policy.Options{Numbers: numbers, Zone: benchZone}, policy.Checks{SkipTests: true})
	if set == nil || !set.Planned() {
		b.Fatal(report.Errors, report.Warnings)
	}
	return set
}

// filled is a history of n callers.
type filled struct {
	*history.Store
	path    string
	callers int
	now     atomic.Int64
}

// openFilled loads n callers, and opens the history anew: nothing of it is in
// memory then.
func openFilled(b *testing.B, n int) *filled {
	b.Helper()
	h := &filled{callers: n}
	h.now.Store(openAt.UnixNano())
	folder := os.Getenv(folderVar)
	if folder == "" {
		folder = b.TempDir()
	}
	path := filepath.Join(folder, fmt.Sprintf("callers-%d.db", n))
	h.open(b, path)
	if status := h.Status(); status.Records == 0 || status.Rebuilding {
		var err error
		if status.Records == 0 {
			err = h.fill(b.Context())
		}
		h.settle(b)
		if err := errors.Join(err, h.Close()); err != nil {
			b.Fatal(err)
		}
		h.open(b, path)
	}
	b.Cleanup(func() {
		if err := h.Close(); err != nil {
			b.Error(err)
		}
	})
	return h
}

func (h *filled) open(b *testing.B, path string) {
	b.Helper()
	s, err := history.Open(history.Options{
		Path: path, CallTTL: 30 * time.Minute, Zone: benchZone,
		Now: func() time.Time { return time.Unix(0, h.now.Load()) },
	})
	if err != nil {
		b.Fatal(err)
	}
	h.Store, h.path = s, path
}

// settle waits until the index holds all of the log. A kept one is made anew
// where another version of the program has loaded it.
func (h *filled) settle(b *testing.B) {
	b.Helper()
	for tick := time.Tick(20 * time.Millisecond); ; {
		status := h.Status()
		if !status.Rebuilding && status.IndexLag == 0 {
			return
		}
		select {
		case <-tick:
		case <-b.Context().Done():
			b.Fatal("interrupted while the index was written")
		}
	}
}

// fill records the calls of all callers, many at once: one sync of the disk then
// serves thousands.
func (h *filled) fill(ctx context.Context) error {
	const workers = 2048
	var wg sync.WaitGroup
	failures := make([]error, workers)
	for w := range workers {
		wg.Go(func() {
			for i := w; i < h.callers && failures[w] == nil; i += workers {
				failures[w] = h.call(ctx, i)
			}
		})
	}
	wg.Wait()
	return errors.Join(slices.Compact(failures)...)
}

// call records the earlier calls of one caller, answered by one of the team.
func (h *filled) call(ctx context.Context, i int) error {
	for n := range benchCalls {
		at := openAt.Add(-time.Duration(n+1)*24*time.Hour - time.Duration(i)*time.Millisecond)
		q, member := question(i, at, true), receiver(i)
		q.CallID = fmt.Sprintf("65015fbd9c%d%010d", n, i)
		commit, err := h.Publish(nil, &engine.DecisionRecord{
			CallID: q.CallID, Caller: q.Caller, DID: q.DID, RoutedAt: at.UnixNano(), Arrived: at.UnixNano(),
			Decision: engine.Decision{Number: member.Canonical, Reason: "round_robin", Source: engine.SourcePolicy},
			Tries:    1, ReceiverIsNumber: true,
		})
		if err != nil {
			return err
		}
		end := at.Add(time.Minute)
		if _, err = h.Complete(ctx, &engine.Completion{
			CallID: q.CallID, Caller: q.Caller, DID: q.DID, Receiver: member, Status: engine.StatusAnswered,
			ReceivedAt: at.UnixNano(), AnsweredAt: at.Add(10 * time.Second).UnixNano(), EndedAt: end.UnixNano(),
			Duration: 50, Arrived: end.UnixNano(),
		}); err != nil {
			return err
		}
		if err := commit.Err(); err != nil {
			return err
		}
	}
	return nil
}

// decide measures a decision as the router makes it: a view, then the policy. The
// heap is as large as it becomes before: what is allocated in memory that the
// process never had costs page faults, which come once, and more of them the more
// there is in memory.
func (h *filled) decide(b *testing.B, set *policy.Set, reason string, at time.Time, known bool, next func() int) {
	h.now.Store(at.UnixNano())
	one := func() {
		i := next()
		view, err := h.View(b.Context(), nil)
		if err != nil {
			b.Fatal(err)
		}
		ev, err := set.Evaluate(b.Context(), question(i, view.At(), known), view)
		view.Close()
		if err != nil || ev.Answer.Reason != reason {
			b.Fatalf("caller %d: %+v %v, want %s", i, ev.Answer, err, reason)
		}
	}
	for before := collections(); collections() < before+2; {
		for range 1000 {
			one()
		}
	}
	b.ReportAllocs()
	for b.Loop() {
		one()
	}
}

// lately draws the same callers again and again, so that they are in memory.
func (h *filled) lately() func() int {
	draw := rand.New(rand.NewPCG(1, 2))
	return func() int { return draw.IntN(min(h.callers, 1000)) }
}

// unread draws callers none of whom is in memory: once all were drawn, the history
// is opened anew. What their calls share is read before.
func (h *filled) unread(b *testing.B) func() int {
	draw := rand.New(rand.NewPCG(1, 2))
	var left []int
	return func() int {
		if len(left) == 0 {
			b.StopTimer()
			if err := h.Close(); err != nil {
				b.Fatal(err)
			}
			h.open(b, h.path)
			view, err := h.View(b.Context(), nil)
			for i := 0; err == nil && i < benchLines; i++ {
				_, err = view.Profile(engine.DIDs, line(i).Canonical)
				if err == nil {
					_, err = view.Profile(engine.Receivers, receiver(i).Canonical)
				}
			}
			if err != nil {
				b.Fatal(err)
			}
			view.Close()
			left = draw.Perm(h.callers)
			b.StartTimer()
		}
		i := left[len(left)-1]
		left = left[:len(left)-1]
		return i
	}
}

// collections is how often the heap was collected.
func collections() uint32 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.NumGC
}

// read measures what a decision reads, without the policy: the caller's profile
// and the DID's.
func (h *filled) read(b *testing.B) {
	h.now.Store(openAt.UnixNano())
	draw := rand.New(rand.NewPCG(3, 4))
	b.ReportAllocs()
	for b.Loop() {
		i := draw.IntN(h.callers)
		q := question(i, openAt, true)
		view, err := h.View(b.Context(), nil)
		if err != nil {
			b.Fatal(err)
		}
		p, err := view.Profile(engine.Callers, q.Caller.Canonical)
		if err != nil || p == nil || p.LastAnswered == nil {
			b.Fatalf("caller %d: %+v %v", i, p, err)
		}
		if _, err := view.Profile(engine.DIDs, q.DID.Canonical); err != nil {
			b.Fatal(err)
		}
		view.Close()
	}
}

// question is a call of the i-th caller who called before, or of a new one.
func question(i int, at time.Time, known bool) engine.Question {
	caller := "98" + digits(i, 8)
	if !known {
		caller = "97" + digits(i, 8)
	}
	return engine.Question{CallID: "call" + strconv.Itoa(i), Caller: person(caller), DID: line(i), At: at}
}

// receiver is whom the i-th caller talked to: one of the sample team.
func receiver(i int) engine.Number { return person("987654321" + strconv.Itoa(i%3)) }

func person(n string) engine.Number {
	return engine.Number{Canonical: n, Raw: n, E164: "+91" + n, Country: "IN", Valid: true}
}

// line is the DID that the i-th caller calls.
func line(i int) engine.Number {
	did := "91864565" + digits(i%benchLines, 4)
	return engine.Number{Canonical: did, Raw: did, E164: "+" + did, Country: "IN", Valid: true}
}

// digits writes a number with leading zeros.
func digits(n, width int) string {
	s := strconv.Itoa(n)
	return strings.Repeat("0", max(width-len(s), 0)) + s
}
