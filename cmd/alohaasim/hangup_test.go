package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestHangupAPI(t *testing.T) {
	l := &lines{key: "k", open: map[string]chan struct{}{}}
	web := httptest.NewServer(l)
	defer web.Close()
	post := func(key, body string) string {
		t.Helper()
		r, err := http.NewRequest("POST", web.URL+hangupPath, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set(hangupKeyHeader, key)
		resp, err := web.Client().Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		text, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return strings.TrimSpace(string(text))
	}
	hungUp := l.talking("on")
	l.talking("over")
	l.over("over")
	for _, c := range [][3]string{
		{"wrong", `{"call_id": "on"}`, `{"error":{"code":1002,"reason":"Invalid API key"},"success":false}`},
		{"k", `{"call": "on"}`, `{"error":{"code":1009,"reason":"Invalid request schema"},"success":false}`},
		{"k", `on`, `{"error":{"code":1009,"reason":"Invalid request schema"},"success":false}`},
		{"k", `{"call_id": "over"}`, `{"error":{"code":1040,"reason":"Call details not found"},"success":false}`},
		{"k", `{"call_id": "on"}`, `{"response":{"call_id":"on"},"success":true}`},
		{"k", `{"call_id": "on"}`, `{"error":{"code":1040,"reason":"Call details not found"},"success":false}`},
	} {
		if got := post(c[0], c[1]); got != c[2] {
			t.Errorf("key %s, %s: %s, want %s", c[0], c[1], got, c[2])
		}
	}
	select {
	case <-hungUp:
	default:
		t.Error("nobody told the call that it is over")
	}
}

// What a hung-up call reports is what was until then.
func TestHangingUpCutsTheTalk(t *testing.T) {
	for after, want := range map[time.Duration]call{
		5 * time.Second:                        {ring: 10 * time.Second},
		10*time.Second + 2500*time.Millisecond: {ring: 10 * time.Second, talk: 2 * time.Second, answered: true},
	} {
		synctest.Test(t, func(t *testing.T) {
			l := &lines{open: map[string]chan struct{}{}}
			p := &player{opts: &options{Speed: 2}, tally: newTally(), lines: l}
			c := call{id: "c", ring: 10 * time.Second, talk: time.Hour, answered: true}
			go func() {
				<-time.After(2 * after)
				l.hangUp("c")
			}()
			p.talk(t.Context(), &c)
			want.id = "c"
			if c != want {
				t.Errorf("hung up after %v: %+v, want %+v", after, c, want)
			}
		})
	}
}

func TestHangupFlags(t *testing.T) {
	for args, want := range map[string]string{
		"--hangup-listen=8090":                         "write host:port",
		"--hangup-listen=0.0.0.0:8090":                 "not a loopback address",
		"--hangup-listen=127.0.0.1:8090 --hangup-key=": "--hangup-key is empty",
		"--hangup-listen=127.0.0.1:notaport --calls=1": "--hangup-listen",
	} {
		var out, errs strings.Builder
		if code := run(t.Context(), strings.Fields(args), &out, &errs); code != exitUsage || !strings.Contains(errs.String(), want) {
			t.Errorf("%s: exit %d, %s", args, code, &errs)
		}
	}
}
