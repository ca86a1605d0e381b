package console_test

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"switchboard/engine"
	"switchboard/server"
	"switchboard/server/access"
)

// postbox is a relay whose dead letters lie in a list.
type postbox struct {
	mu   sync.Mutex
	dead []engine.DeadLetter
}

func (p *postbox) Targets() []engine.RelayTarget { return nil }

func (p *postbox) Dead(_, target string, seq uint64, limit int) (out []engine.DeadLetter, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, d := range p.dead {
		if (d.Target > target || d.Target == target && d.Letter.Seq > seq) && len(out) < limit {
			out = append(out, d)
		}
	}
	return out, nil
}

func (p *postbox) Retry(target string, seq uint64) (bool, error) {
	return p.take(target, seq, func(l engine.RelayLetter) error {
		if l.Gone {
			return engine.ErrLetterGone
		}
		return nil
	})
}

func (p *postbox) Delete(target string, seq uint64) (bool, error) {
	return p.take(target, seq, func(engine.RelayLetter) error { return nil })
}

func (p *postbox) take(target string, seq uint64, may func(engine.RelayLetter) error) (bool, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	i := slices.IndexFunc(p.dead, func(d engine.DeadLetter) bool { return d.Target == target && d.Letter.Seq == seq })
	if i < 0 {
		return false, nil
	}
	if err := may(p.dead[i].Letter); err != nil {
		return true, err
	}
	p.dead = slices.Delete(p.dead, i, i+1)
	return true, nil
}

func (p *postbox) left() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.dead)
}

// postboxOf has n letters; the third is one that can't be sent.
func postboxOf(n int) *postbox {
	p := &postbox{}
	for i := range n {
		p.dead = append(p.dead, engine.DeadLetter{Target: "crm", Letter: engine.RelayLetter{
			RelayEntry: engine.RelayEntry{Seq: uint64(i + 1), CallID: fmt.Sprintf("call-%d", i+1)}, Gone: i == 2,
			Attempts: 8 + i, First: 1763802300_000000000, Died: 1763888700_000000000, Status: 400, Error: fmt.Sprintf("400 Bad Request: no place for 9988912345 in box %d", i+1)}})
	}
	return p
}

// Dead letters are listed with why, sent again and deleted, one or all of them.
func TestFlowDeadLetters(t *testing.T) {
	box := postboxOf(30)
	w := begin(t, func(o *server.Options) { o.Relay = box })
	b := browse(w)
	for _, look := range []struct {
		width  int64
		scheme string
	}{{1440, "dark"}, {360, "light"}} {
		b.looks(look.width, look.scheme)
		b.visit("/system")
		b.sees("400 Bad Request: no place for …2345 in box 1")
		b.sees("8 attempts, the first 22 Nov 14:35:00, the last 23 Nov 14:35:00")
		b.sees("it can't be sent")
		b.fits("dead letters")
		b.accessible("dead letters")
		b.shoot(fmt.Sprintf("flow-letters-%d", look.width))
	}
	b.submit("button[aria-label='Send again: crm.1']")
	b.sees("The message is on its way again.")
	b.submit("button[aria-label='Delete crm.2']")
	b.sees("The message was deleted.")
	if box.left() != 28 || b.has("button[aria-label='Send again: crm.3']") || !b.has("button[aria-label='Delete crm.3']") {
		t.Errorf("%d letters are left; the page shows\n%s", box.left(), b.page())
	}
	b.submit("a[href*='letters=']")
	b.sees("in box 30")
	b.submit("form[action='/system/letter/all'] button")
	b.sees("All that can be sent is on its way again.")
	b.submit("button[aria-label='Delete crm.3']")
	b.sees("No message was given up.")
	b.sees("relay.retry_all")
	b.clean("the flow")
}

// send sends a form with a token, and with header lines of pairs.
func (w *world) send(path string, form url.Values, token string, header ...string) (int, string) {
	w.t.Helper()
	r, err := http.NewRequest(http.MethodPost, w.private+path, strings.NewReader(form.Encode()))
	w.must(err)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	for i := 0; i+1 < len(header); i += 2 {
		if header[i] == "Host" {
			r.Host = header[i+1]
		}
		r.Header.Set(header[i], header[i+1])
	}
	return w.do(r)
}

func TestDeadLettersAreGuardedAndAudited(t *testing.T) {
	box := postboxOf(4)
	w := begin(t, func(o *server.Options) {
		o.Relay = box
		o.Tokens = []access.Token{{Name: "boss", Secret: "admin-token"}, {Name: "guest", Secret: "read-token", ReadOnly: true}}
	})
	send := func(path, id, token string, header ...string) (int, string) {
		return w.send(path, url.Values{"id": {id}}, token, header...)
	}
	for _, path := range []string{"/system/letter/retry", "/system/letter/all", "/system/letter/delete"} {
		if status, _ := send(path, "crm.1", ""); status != http.StatusSeeOther && status != http.StatusUnauthorized {
			t.Errorf("%s without a token: %d", path, status)
		}
		if status, _ := send(path, "crm.1", "read-token"); status != http.StatusForbidden {
			t.Errorf("%s with a token that may only look: %d", path, status)
		}
		if status, _ := send(path, "crm.1", "admin-token", "Origin", "https://evil.example"); status != http.StatusForbidden {
			t.Errorf("%s from a foreign page: %d", path, status)
		}
		if status, _ := send(path, "crm.1", "admin-token", "Host", "rebound.example"); status != http.StatusForbidden {
			t.Errorf("%s by a rebound name: %d", path, status)
		}
	}
	if box.left() != 4 {
		t.Fatalf("%d letters are left", box.left())
	}
	for _, c := range []struct {
		path, id string
		status   int
		says     string
	}{
		{"/system/letter/retry", "crm.3", http.StatusConflict, "delete the letter"},
		{"/system/letter/retry", "crm.9", http.StatusNotFound, "There is no dead letter"},
		{"/system/letter/delete", "nonsense", http.StatusNotFound, "There is no dead letter"},
		{"/system/letter/retry", "crm.1", http.StatusSeeOther, ""},
		{"/system/letter/delete", "crm.2", http.StatusSeeOther, ""},
		{"/system/letter/all", "", http.StatusSeeOther, ""},
	} {
		if status, text := send(c.path, c.id, "admin-token"); status != c.status || !strings.Contains(text, c.says) {
			t.Errorf("%s of %q: %d %s", c.path, c.id, status, text)
		}
	}
	if box.left() != 1 {
		t.Errorf("%d letters are left", box.left())
	}
	page, err := w.store.Audit(t.Context(), engine.AuditFilter{Limit: 3})
	w.must(err)
	var got []string
	for _, e := range page.Entries {
		got = append(got, e.By+" "+e.Action+" "+e.Target+" "+string(e.After))
	}
	want := []string{`boss relay.retry_all relay {"cannot_be_sent":1,"sent_again":1}`, "boss relay.delete crm.2 null", "boss relay.retry crm.1 null"}
	if !slices.Equal(got, want) {
		t.Errorf("the audit trail says %q, want %q", got, want)
	}
}
