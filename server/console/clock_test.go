package console_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"switchboard/engine"
	"switchboard/engine/history"
	"switchboard/server"
	"switchboard/server/access"
)

// jumped is a history that does not believe its clock until it is confirmed.
type jumped struct {
	*history.Store
	confirmed atomic.Int32
}

const jumpedSays = "The clock says 2027-11-22T14:35:00+05:30, and by the uptime and by when it was believed last it should say 2025-11-22T14:35:00+05:30; so nothing is deleted by age."

func (j *jumped) Status() engine.StoreStatus {
	st := j.Store.Status()
	st.Retention = 400 * 24 * time.Hour
	if j.confirmed.Load() == 0 {
		st.Warnings = append(st.Warnings, engine.Warning{Code: "retention_held", Message: jumpedSays, Hint: "Set the clock right."})
	}
	return st
}

func (j *jumped) ConfirmClock() (time.Time, error) {
	j.confirmed.Add(1)
	return time.Date(2027, 11, 22, 9, 5, 0, 0, time.UTC), nil
}

func beginJumped(t *testing.T, tokens ...access.Token) (*world, *jumped) {
	t.Helper()
	j := &jumped{}
	w := begin(t, func(o *server.Options) {
		j.Store = o.History.(*history.Store)
		o.History, o.Clock, o.Tokens = j, j, tokens
	})
	return w, j
}

// Why nothing is deleted by age is told, and the clock confirmed with one button.
func TestFlowConfirmTheClock(t *testing.T) {
	w, j := beginJumped(t)
	b := browse(w)
	for _, look := range []struct {
		width  int64
		scheme string
	}{{1440, "dark"}, {1440, "light"}, {360, "dark"}, {360, "light"}} {
		b.looks(look.width, look.scheme)
		b.visit("/system")
		b.sees("Deleting by age is held back")
		b.sees(jumpedSays)
		b.fits("a clock that jumped")
		b.accessible("a clock that jumped")
		b.shoot(fmt.Sprintf("flow-clock-%d-%s", look.width, look.scheme))
	}
	b.submit("form[action='/system/clock'] button")
	b.sees("The clock counts as right.")
	b.sees("clock.confirm")
	if j.confirmed.Load() != 1 || b.has("form[action='/system/clock']") {
		t.Errorf("it is confirmed %d times; the page shows\n%s", j.confirmed.Load(), b.page())
	}
	b.clean("the flow")
}

func TestTheClockIsGuardedAndAudited(t *testing.T) {
	w, j := beginJumped(t, access.Token{Name: "boss", Secret: "admin-token"}, access.Token{Name: "guest", Secret: "read-token", ReadOnly: true})
	for _, c := range []struct {
		who, token string
		sees       bool
	}{{"who may change", "admin-token", true}, {"who may only look", "read-token", false}} {
		_, text := w.get("/system", "Authorization", "Bearer "+c.token)
		if !strings.Contains(text, "Deleting by age is held back") || strings.Contains(text, `action="/system/clock"`) != c.sees {
			t.Errorf("%s gets\n%s", c.who, text)
		}
	}
	const path = "/system/clock"
	if status, _ := w.send(path, nil, ""); status != http.StatusSeeOther && status != http.StatusUnauthorized {
		t.Errorf("without a token: %d", status)
	}
	for what, header := range map[string][]string{
		"a token that may only look": {"read-token"}, "a foreign page": {"admin-token", "Origin", "https://evil.example"}, "a rebound name": {"admin-token", "Host", "rebound.example"},
	} {
		if status, _ := w.send(path, nil, header[0], header[1:]...); status != http.StatusForbidden {
			t.Errorf("by %s: %d", what, status)
		}
	}
	if n := j.confirmed.Load(); n != 0 {
		t.Fatalf("it is confirmed %d times", n)
	}
	if status, text := w.send(path, nil, "admin-token"); status != http.StatusSeeOther || j.confirmed.Load() != 1 {
		t.Errorf("by an admin: %d %s", status, text)
	}
	page, err := w.store.Audit(t.Context(), engine.AuditFilter{Limit: 1})
	w.must(err)
	if len(page.Entries) != 1 || page.Entries[0].By != "boss" || page.Entries[0].Action != "clock.confirm" || page.Entries[0].Target != "2027-11-22T14:35:00+05:30" {
		t.Errorf("the audit trail says %+v", page.Entries)
	}
	if _, text := w.get("/system", "Authorization", "Bearer admin-token"); strings.Contains(text, "held back") {
		t.Error("the page still says that it is held back")
	}
}
