package relay_test

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"switchboard/engine"
	"switchboard/server/relay"
)

// notifying is a world whose target is told of events alone.
func notifying(o *relay.Options) { o.Targets, o.Notify = nil, o.Targets }

// bodies are the messages that were taken.
func bodies(posts []post) (out []string) {
	for _, p := range posts {
		if p.took {
			out = append(out, p.body)
		}
	}
	return out
}

func TestEventsAreToldInOrderAndRepeated(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		w := newWorld(t, notifying)
		w.to.script(func(n int, _ post) (int, http.Header, string, error) {
			if n < 3 {
				return 500, nil, "", nil
			}
			return 200, nil, "", nil
		})
		w.start()
		w.relay.Notify("ops.a", time.Now(), map[string]int{"n": 1})
		w.relay.Notify("ops.b", time.Now(), nil)
		synctest.Wait()
		if s := w.status(); s.State != engine.RelayRetrying || s.Waiting != 2 || s.Kind != engine.RelayEvents || s.NextAttempt == 0 {
			t.Errorf("status %+v", s)
		}
		time.Sleep(time.Minute)
		want := []string{
			`{"type":"ops.a","version":1,"timestamp":"2000-01-01T00:00:00Z","data":{"n":1}}`,
			`{"type":"ops.b","version":1,"timestamp":"2000-01-01T00:00:00Z","data":null}`,
		}
		got := w.to.got()
		if !slices.Equal(bodies(got), want) {
			t.Errorf("told %q", bodies(got))
		}
		if got[0].id != got[3].id || got[3].id == got[4].id {
			t.Errorf("ids %s %s %s", got[0].id, got[3].id, got[4].id)
		}
		w.to.script(down)
		w.relay.Notify("ops.stale", time.Now(), nil)
		time.Sleep(3 * time.Hour)
		if s := w.status(); s.Waiting != 0 || s.Dropped != 1 || s.State == engine.RelayStopped {
			t.Errorf("an event that nobody took for hours: %+v", s)
		}
		if warned := strings.Join(engine.WarningTexts(w.relay.Warnings()), "\n"); !strings.Contains(warned, "1 operational events to crm were dropped") {
			t.Errorf("warnings: %s", warned)
		}
		for range 150 {
			w.relay.Notify("ops.flood", time.Now(), nil)
		}
		synctest.Wait()
		if s := w.status(); s.Waiting > 100 || s.Dropped < 50 {
			t.Errorf("a flood: %+v", s)
		}
		w.to.script(always(200))
		w.stop() // what is left gets its last chance
		if n := len(bodies(w.to.got())); n < 90 {
			t.Errorf("%d taken in all", n)
		}
	})
}

func TestARefusedEventHoldsUpNoOther(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		w := newWorld(t, notifying)
		w.to.script(func(_ int, p post) (int, http.Header, string, error) {
			if strings.Contains(p.body, "ops.bad") {
				return 400, nil, "", nil
			}
			return 200, nil, "", nil
		})
		w.start()
		defer w.stop()
		w.relay.Notify("ops.bad", time.Now(), nil)
		w.relay.Notify("ops.good", time.Now(), nil)
		w.relay.Notify("ops.unspeakable", time.Now(), func() {})
		time.Sleep(time.Minute)
		if s := w.status(); s.Delivered != 1 || s.Dropped != 1 || s.Waiting != 0 {
			t.Errorf("status %+v", s)
		}
		if !strings.Contains(w.log.String(), "ops.unspeakable") {
			t.Error("an event that can't be written is not in the log")
		}
	})
}

func TestSecretsChangeWhileItRuns(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		w := newWorld(t, func(o *relay.Options) { o.Notify = []relay.Target{target(t, "ops=https://ops.example.com/")} })
		w.start()
		defer w.stop()
		for _, bad := range [][]string{nil, {"nonsense"}, {"ops=" + secretB}} {
			if take, err := w.relay.Secrets(bad); err == nil || take != nil {
				t.Errorf("%v was taken", bad)
			}
		}
		w.store.complete("c1")
		synctest.Wait()
		take, err := w.relay.Secrets([]string{secretB})
		if err != nil {
			t.Fatal(err)
		}
		take()
		w.store.complete("c2")
		w.relay.Notify("ops.a", time.Now(), nil)
		synctest.Wait()
		for i, secret := range []string{secretA, secretB, secretB} {
			key, _ := standardwebhooks.NewWebhook(secret)
			if p := w.to.got()[i]; key.Verify([]byte(p.body), p.header) != nil {
				t.Errorf("message %d is not signed with %s", i, secret)
			}
		}
	})
}

func TestARelayWithoutTargetsTakesAnything(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		w := newWorld(t, func(o *relay.Options) { o.Targets = nil })
		w.start()
		defer w.stop()
		take, err := w.relay.Secrets([]string{"crm=" + secretA})
		if err != nil {
			t.Fatal(err)
		}
		take()
		w.relay.Notify("ops.a", time.Now(), nil)
		w.store.complete("c1")
		time.Sleep(time.Minute)
		if len(w.to.got()) != 0 || len(w.relay.Targets()) != 0 || len(w.relay.Warnings()) != 0 {
			t.Errorf("posts %v, targets %v", w.to.got(), w.relay.Targets())
		}
	})
}

func TestADiskThatIsFullAtTheStartHoldsUpTheRelayAlone(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		w := newWorld(t)
		w.store.fail = errors.New("no space left on device")
		w.start()
		time.Sleep(time.Minute)
		w.store.mu.Lock()
		w.store.fail = nil
		w.store.mu.Unlock()
		time.Sleep(2 * time.Second)
		w.store.complete("c1")
		synctest.Wait()
		if s := w.status(); s.Delivered != 1 || strings.Count(w.log.String(), "can't be registered") != 1 {
			t.Errorf("status %+v, log %s", s, w.log)
		}
		w.stop()
		w.store.fail = errors.New("no space left on device")
		w.start()
		w.stop() // before it could begin
	})
}

func TestMetrics(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		w := newWorld(t, func(o *relay.Options) { o.Notify = []relay.Target{target(t, "crm=https://ops.example.com/")} })
		w.to.script(down)
		w.start()
		defer w.stop()
		registry := prometheus.NewRegistry()
		if err := w.relay.Register(registry); err != nil {
			t.Fatal(err)
		}
		w.store.complete("c1")
		time.Sleep(10 * time.Minute)
		families, err := registry.Gather()
		if err != nil {
			t.Fatal(err)
		}
		got := make(map[string]float64)
		for _, f := range families {
			for _, m := range f.Metric {
				if m.Label[0].GetValue() == "calls" {
					got[f.GetName()] = m.GetGauge().GetValue() + m.GetCounter().GetValue()
				}
			}
		}
		if got["switchboard_relay_backlog"] != 1 || got["switchboard_relay_oldest_age_seconds"] != 600 || got["switchboard_relay_up"] != 0 ||
			got["switchboard_relay_failed_total"] < 8 || got["switchboard_relay_delivered_total"] != 0 {
			t.Errorf("metrics %v", got)
		}
	})
}
