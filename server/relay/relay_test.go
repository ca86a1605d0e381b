package relay_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"switchboard/engine"
	"switchboard/server/relay"
)

func TestAMessageIsSignedAndSaysWhatItIs(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		w := newWorld(t, func(o *relay.Options) { o.Targets[0].Secrets = []string{secretA, secretB} })
		w.start()
		defer w.stop()
		w.store.complete("c1")
		w.store.complete("c1")
		synctest.Wait()
		got := w.to.got()
		if len(got) != 2 {
			t.Fatalf("got %d messages", len(got))
		}
		for _, s := range []string{secretA, secretB} {
			key, err := standardwebhooks.NewWebhook(s)
			if err != nil {
				t.Fatal(err)
			}
			if err := key.Verify([]byte(got[0].body), got[0].header); err != nil {
				t.Errorf("with one of two secrets: %v", err)
			}
			if err := key.Verify([]byte(got[0].body+" "), got[0].header); err == nil {
				t.Error("a changed body passed")
			}
		}
		if a := got[0].header.Get("User-Agent"); a != "Switchboard/1.2.3" {
			t.Errorf("User-Agent %q", a)
		}
		for i, kind := range []string{"call.completed", "call.updated"} {
			var m map[string]any
			if err := json.Unmarshal([]byte(got[i].body), &m); err != nil {
				t.Fatal(err)
			}
			if m["type"] != kind || m["version"] != 1.0 || m["sequence"] != float64(i+1) || m["timestamp"] != "2000-01-01T00:00:00Z" {
				t.Errorf("message %d: %s", i, got[i].body)
			}
		}
		if got[0].id == got[1].id {
			t.Error("two messages share an id")
		}
		want := `{"type":"call.completed","version":1,"timestamp":"2000-01-01T00:00:00Z","sequence":1,"data":{` +
			`"call":{"call_id":"c1","caller_number":"9988912345","did":"918645658689","receiver_number":"9876543210","status":"answered",` +
			`"routed_at":null,"received_at":null,"ended_at":null,"duration_seconds":42,"reason":"","source":"","hangup_cause":""},` +
			`"decision":null,"completion":{"caller_number":"","receiver_number":"","did":"","status":"answered","received_at":null,` +
			`"answered_at":null,"ended_at":null,"duration_seconds":42,"recording_url":"","hangup_cause":""},` +
			`"raw":{"type":"application/json","body":"{\"call_id\": \"c1\"}"}}}`
		if diff := cmp.Diff(want, got[0].body); diff != "" {
			t.Error(diff)
		}
		if s := w.status(); s.State != engine.RelayIdle || s.Delivered != 2 || s.Failed != 0 || s.Waiting != 0 || s.Unread != 0 {
			t.Errorf("status %+v", s)
		}
	})
}

func TestFailuresAreRepeatedUnderOneID(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		w := newWorld(t)
		w.to.script(func(n int, _ post) (int, http.Header, string, error) {
			switch n {
			case 0:
				return 500, nil, "", nil
			case 1:
				return 0, nil, "", errDown
			case 2:
				return 302, http.Header{"Location": {"https://elsewhere.example.com/"}}, "", nil
			}
			return 200, nil, "", nil
		})
		w.start()
		defer w.stop()
		w.store.complete("c1")
		time.Sleep(time.Minute)
		synctest.Wait()
		got := w.to.got()
		if len(got) != 4 {
			t.Fatalf("%d attempts", len(got))
		}
		key, _ := standardwebhooks.NewWebhook(secretA)
		for i, p := range got {
			if p.id != got[0].id || p.body != got[0].body || p.host != "crm.example.com" {
				t.Errorf("attempt %d: %+v", i, p)
			}
			if p.header.Get("webhook-timestamp") != strconv.FormatInt(p.at.Unix(), 10) {
				t.Errorf("attempt %d is dated %s", i, p.header.Get("webhook-timestamp"))
			}
			_, err := key.Sign(p.id, p.at, []byte(p.body))
			if err != nil || i == 0 {
				continue
			}
			gap, full := p.at.Sub(got[i-1].at), time.Second<<(i-1)
			if gap < full/2 || gap > full {
				t.Errorf("attempt %d came after %v, want between %v and %v", i, gap, full/2, full)
			}
		}
		if s := w.status(); s.Failed != 3 || s.Delivered != 1 || s.State != engine.RelayIdle {
			t.Errorf("status %+v", s)
		}
	})
}

func TestACallsMessagesKeepTheirOrderAndHoldUpNoOther(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		w := newWorld(t)
		w.to.script(func(n int, p post) (int, http.Header, string, error) {
			if strings.Contains(p.body, `"sequence":1,`) && p.at.Before(time.Date(2000, 1, 1, 0, 0, 10, 0, time.UTC)) {
				return 409, nil, "busy with 9988912345", nil // concerns this message alone
			}
			return 200, nil, "", nil
		})
		w.start()
		defer w.stop()
		w.store.complete("slow")
		w.store.complete("slow")
		w.store.complete("quick")
		synctest.Wait()
		if got := taken(w.to.got()); !slices.Equal(got, []string{"3"}) {
			t.Errorf("taken at once: %v", got)
		}
		s := w.status()
		if s.State != engine.RelayRetrying || s.Waiting != 2 || s.Oldest == 0 || !strings.Contains(s.LastError, "409 Conflict: busy with …2345") {
			t.Errorf("status %+v", s)
		}
		time.Sleep(time.Minute)
		if got := taken(w.to.got()); !slices.Equal(got, []string{"3", "1", "2"}) {
			t.Errorf("taken: %v", got)
		}
	})
}

// taken are the sequence numbers in the order in which they were taken.
func taken(posts []post) (out []string) {
	for _, p := range posts {
		if p.took {
			out = append(out, sequence(p))
		}
	}
	return out
}

func sequence(p post) string {
	_, rest, _ := strings.Cut(p.body, `"sequence":`)
	n, _, _ := strings.Cut(rest, ",")
	return n
}

func TestRetryAfterIsHonoured(t *testing.T) {
	for name, header := range map[string]string{"seconds": "120", "date": "Sat, 01 Jan 2000 00:02:00 GMT"} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T) {
				w := newWorld(t)
				w.to.script(func(n int, _ post) (int, http.Header, string, error) {
					if n == 0 {
						return 429, http.Header{"Retry-After": {header}}, "", nil
					}
					return 200, nil, "", nil
				})
				w.start()
				defer w.stop()
				w.store.complete("c1")
				synctest.Wait()
				w.store.complete("c2") // the target asked everybody to wait
				time.Sleep(119 * time.Second)
				synctest.Wait()
				if n := len(w.to.got()); n != 1 {
					t.Errorf("%d attempts before the time", n)
				}
				time.Sleep(3 * time.Second)
				synctest.Wait()
				if got := taken(w.to.got()); len(got) != 2 {
					t.Errorf("taken %v", got)
				}
			})
		})
	}
}

func TestARefusedMessageIsADeadLetter(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		w := newWorld(t)
		w.to.script(func(_ int, p post) (int, http.Header, string, error) {
			if sequence(p) != "3" {
				return 422, nil, "no such customer: +91 99889 12345", nil
			}
			return 200, nil, "", nil
		})
		w.start()
		defer w.stop()
		w.store.complete("c1")
		w.store.complete("c2")
		w.store.complete("c1") // the next of its call goes on
		time.Sleep(time.Minute)
		if got := w.dead(); !slices.Equal(got, []uint64{1, 2}) {
			t.Fatalf("dead: %v", got)
		}
		all, _ := w.relay.Dead("crm", "", 0, 10)
		if l := all[0].Letter; l.Attempts != 1 || l.Status != 422 || l.Error != "422 Unprocessable Entity: no such customer: +…2345" || l.Died == 0 {
			t.Errorf("letter %+v", l)
		}
		w.to.script(always(200))
		if found, err := w.relay.Retry("crm", 1); err != nil || !found {
			t.Fatal(found, err)
		}
		if found, err := w.relay.Delete("crm", 2); err != nil || !found {
			t.Fatal(found, err)
		}
		for name, f := range map[string]func(string, uint64) (bool, error){"retry": w.relay.Retry, "delete": w.relay.Delete} {
			for _, id := range []string{"crm", "other"} {
				if found, err := f(id, 77); found || err != nil {
					t.Errorf("%s of an unknown letter of %s: %v, %v", name, id, found, err)
				}
			}
		}
		synctest.Wait()
		if got := taken(w.to.got()); !slices.Equal(got, []string{"3", "1"}) {
			t.Errorf("taken: %v", got)
		}
		if s := w.status(); s.Dead != 0 || len(w.dead()) != 0 {
			t.Errorf("status %+v, dead %v", s, w.dead())
		}
	})
}

func TestALetterWithoutItsRecordIsNotSent(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		w := newWorld(t)
		w.to.script(always(422))
		w.start()
		defer w.stop()
		w.store.complete("c1")
		time.Sleep(time.Second)
		w.store.mu.Lock()
		l := w.store.place["crm"].dead[1]
		l.Gone = true
		w.store.place["crm"].dead[1] = l
		w.store.erased[2] = true
		w.store.mu.Unlock()
		if _, err := w.relay.Retry("crm", 1); err != engine.ErrLetterGone {
			t.Errorf("retry: %v", err)
		}
		w.store.complete("erased")
		time.Sleep(time.Minute)
		if n := len(w.to.got()); n != 1 || w.status().Waiting != 0 {
			t.Errorf("%d posts, status %+v", n, w.status())
		}
	})
}

func TestGoneStopsUntilSomebodyRetries(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		w := newWorld(t)
		w.to.script(func(n int, _ post) (int, http.Header, string, error) {
			if n == 0 {
				return 400, nil, "", nil
			}
			return 410, nil, "", nil
		})
		w.start()
		w.store.complete("c1")
		time.Sleep(time.Second)
		w.store.complete("c2")
		time.Sleep(48 * time.Hour)
		w.store.complete("c3")
		synctest.Wait()
		if n := len(w.to.got()); n != 2 {
			t.Errorf("%d posts to a target that is gone", n)
		}
		if s := w.status(); s.State != engine.RelayStopped || s.Waiting != 2 || s.Dead != 1 {
			t.Errorf("status %+v", s)
		}
		if warned := strings.Join(engine.WarningTexts(w.relay.Warnings()), "\n"); !strings.Contains(warned, "answered 410") || !strings.Contains(warned, "2 messages wait") {
			t.Errorf("warnings: %s", warned)
		}
		w.to.script(always(200))
		if _, err := w.relay.Retry("crm", 1); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Hour)
		if got := slices.Sorted(slices.Values(taken(w.to.got()))); !slices.Equal(got, []string{"1", "2", "3"}) {
			t.Errorf("taken: %v", got)
		}
		w.to.script(always(410))
		w.store.complete("c4")
		time.Sleep(time.Minute)
		w.stop()
		w.to.script(always(200))
		w.start()
		defer w.stop()
		time.Sleep(time.Hour)
		if got := taken(w.to.got()); got[len(got)-1] != "4" {
			t.Errorf("taken after a restart: %v", got)
		}
	})
}

func TestAMessageIsGivenUpAfterADay(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		w := newWorld(t)
		w.to.script(func(_ int, p post) (int, http.Header, string, error) {
			if sequence(p) == "1" {
				return 500, nil, "", nil
			}
			return 200, nil, "", nil
		})
		w.start()
		w.store.complete("poison")
		time.Sleep(12 * time.Hour)
		w.stop() // its time goes on over a restart
		time.Sleep(time.Hour)
		w.start()
		defer w.stop()
		w.store.complete("fine")
		time.Sleep(10*time.Hour + 58*time.Minute)
		if got := w.dead(); len(got) != 0 {
			t.Fatalf("dead before a day: %v", got)
		}
		time.Sleep(4 * time.Minute)
		if got := w.dead(); !slices.Equal(got, []uint64{1}) {
			t.Errorf("dead: %v, status %+v", got, w.status())
		}
		if got := taken(w.to.got()); !slices.Equal(got, []string{"2"}) {
			t.Errorf("taken: %v", got)
		}
	})
}
