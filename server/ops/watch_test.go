package ops_test

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"switchboard/engine"
	"switchboard/server/ops"
)

// world is a watch that runs in fake time, and what it looks at.
type world struct {
	t      *testing.T
	store  engine.StoreStatus
	policy engine.PolicyStatus
	told   []string
	data   []ops.Data
	watch  *ops.Watch
	mu     sync.Mutex
}

// set changes what the watch looks at.
func (w *world) set(change func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	change()
}

// watching runs f beside a watch. Between the watch's looks, every five seconds,
// f has the world for itself.
func watching(t *testing.T, change func(*ops.Options), f func(w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := &world{t: t}
		w.policy.Reload = engine.Report{OK: true, At: time.Now()}
		o := ops.Options{
			Store:    func() (out engine.StoreStatus) { w.set(func() { out = w.store }); return out },
			Policies: func() (out engine.PolicyStatus) { w.set(func() { out = w.policy }); return out },
			Notify: func(kind string, _ time.Time, data any) {
				w.mu.Lock()
				defer w.mu.Unlock()
				w.told, w.data = append(w.told, kind), append(w.data, data.(ops.Data))
			},
			Log: slog.New(slog.DiscardHandler),
		}
		if change != nil {
			change(&o)
		}
		var err error
		if w.watch, err = ops.New(o); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { defer close(done); _ = w.watch.Run(ctx) }()
		time.Sleep(time.Second) // never at the same moment as a look
		f(w)
		cancel()
		<-done
	})
}

// wants sleeps, and then checks what was told in all.
func (w *world) wants(after time.Duration, events ...string) {
	w.t.Helper()
	time.Sleep(after)
	w.mu.Lock()
	defer w.mu.Unlock()
	if !slices.Equal(w.told, events) {
		w.t.Errorf("told %v, want %v", w.told, events)
	}
}

func (w *world) decide(n int, source engine.Source) {
	for range n {
		w.watch.Decided(&engine.DecisionRecord{Decision: engine.Decision{Source: source}})
	}
}

func TestAReloadThatFailsIsToldOnceAndItsEndToo(t *testing.T) {
	watching(t, nil, func(w *world) {
		broken := engine.Report{At: time.Now(), Errors: []engine.Problem{
			{File: "routing.rego", Line: 3, Message: "unsafe variable for 9988912345"}, {}, {}, {}, {}, {}}}
		w.set(func() { w.policy.Revision, w.policy.Reload = "r1", broken })
		time.Sleep(5 * time.Second)
		w.set(func() { w.policy.Reload.OK = true }) // mended at once: not worth a word
		w.wants(time.Minute)
		w.set(func() { w.policy.Reload = broken })
		w.wants(time.Hour, ops.ReloadFailed)
		d := w.first()
		if d.Revision != "r1" || len(d.Errors) != 5 || d.Errors[0].Line != 3 || strings.Contains(d.Errors[0].Message, "9988912345") ||
			!strings.Contains(d.Message, "serves on") {
			t.Errorf("data %+v", d)
		}
		w.set(func() { w.policy.Reload.OK = true })
		w.wants(time.Minute, ops.ReloadFailed, ops.ReloadRecovered)
	})
}

func TestAServerThatStartsWithoutPoliciesSaysSo(t *testing.T) {
	watching(t, nil, func(w *world) {
		w.set(func() { w.policy.Reload = engine.Report{At: time.Now(), Errors: []engine.Problem{{Message: "broken"}}} })
		w.wants(time.Minute, ops.ReloadFailed)
		if !strings.Contains(w.first().Message, "none serve") {
			t.Errorf("data %+v", w.first())
		}
	})
}

func TestAStoreThatFlickersIsToldOnce(t *testing.T) {
	watching(t, nil, func(w *world) {
		w.set(func() { w.store.Error = "no space left on device" })
		time.Sleep(20 * time.Second)
		for range 10 {
			w.set(func() { w.store.Error = "" })
			time.Sleep(5 * time.Second)
			w.set(func() { w.store.Error = "no space left on device" })
			time.Sleep(5 * time.Second)
		}
		w.wants(0, ops.StoreDegraded)
		if !strings.Contains(w.first().Message, "no space left") || w.first().Since.IsZero() {
			t.Errorf("data %+v", w.first())
		}
		w.set(func() { w.store.Error = "" })
		w.wants(30*time.Second, ops.StoreDegraded, ops.StoreRecovered)
	})
}

func TestManyFallbacks(t *testing.T) {
	watching(t, func(o *ops.Options) { o.FallbackShare = 0.25 }, func(w *world) {
		w.decide(19, engine.SourceFallback) // too few to say anything
		w.wants(time.Minute)
		w.decide(61, engine.SourcePolicy)
		w.decide(20, engine.SourceRejected)
		w.wants(time.Minute) // 19 of 100
		w.decide(3, engine.SourceDIDFallback)
		w.decide(3, engine.SourceShed)
		w.decide(3, engine.SourceNone)
		w.wants(time.Minute, ops.FallbacksHigh) // 28 of 109
		if d := w.first(); d.Decided != 109 || d.FellBack != 28 || !strings.Contains(d.Message, "28 of 109") {
			t.Errorf("data %+v", d)
		}
		for range 12 {
			w.decide(10, engine.SourcePolicy)
			time.Sleep(time.Minute)
		}
		w.wants(0, ops.FallbacksHigh, ops.FallbacksRecovered)
	})
}

func TestCompletionsThatStayAway(t *testing.T) {
	watching(t, nil, func(w *world) {
		anHour := func() {
			for range 59 {
				w.decide(1, engine.SourcePolicy)
				time.Sleep(time.Minute)
			}
		}
		anHour()
		w.wants(0) // no hour has passed
		w.wants(2*time.Minute, ops.CompletionsMissing)
		if !strings.Contains(w.first().Message, "Send Call Details") || w.first().Decided == 0 {
			t.Errorf("data %+v", w.first())
		}
		w.set(func() { w.store.LastCompletion = time.Now().UnixNano() })
		w.wants(time.Minute, ops.CompletionsMissing, ops.CompletionsRecovered)
		w.wants(24*time.Hour, ops.CompletionsMissing, ops.CompletionsRecovered) // nobody calls: nothing is missing
		w.decide(100, engine.SourcePolicy)
		w.wants(20*time.Minute, ops.CompletionsMissing, ops.CompletionsRecovered) // they may still be talking
		w.wants(20*time.Minute, ops.CompletionsMissing, ops.CompletionsRecovered, ops.CompletionsMissing)
	})
}

func TestOptionsAreChecked(t *testing.T) {
	good := ops.Options{Store: func() (s engine.StoreStatus) { return }, Policies: func() (p engine.PolicyStatus) { return },
		Notify: func(string, time.Time, any) {}}
	for name, change := range map[string]func(*ops.Options){
		"Store":         func(o *ops.Options) { o.Store = nil },
		"FallbackShare": func(o *ops.Options) { o.FallbackShare = 2 },
		"Window":        func(o *ops.Options) { o.Window = -time.Second },
		"Silence":       func(o *ops.Options) { o.Silence = 48 * time.Hour },
	} {
		o := good
		change(&o)
		if _, err := ops.New(o); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// first is what the first event said.
func (w *world) first() (d ops.Data) {
	w.set(func() { d = w.data[0] })
	return d
}
