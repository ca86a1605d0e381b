package console_test

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"switchboard/engine"
	"switchboard/server"
)

// A warning that comes is on the live page without a reload, with what to do,
// and goes when it is over.
func TestFlowWarningComesAndGoes(t *testing.T) {
	var own atomic.Pointer[engine.Warning]
	w := begin(t, func(o *server.Options) {
		o.Warn = func() (w []engine.Warning) {
			if one := own.Load(); one != nil {
				w = append(w, *one)
			}
			return w
		}
	})
	b := browse(w)
	for _, width := range []int64{1440, 360} {
		b.looks(width, "light")
		b.visit("/")
		b.sees("The public listener has no secret")
		ask[int](b, "window.same = 1")
		own.Store(&engine.Warning{Code: "relay_dead", About: "crm", Message: "3 messages to 9988912345 were given up.", Hint: "Retry or delete them."})
		b.sees("3 messages to …2345 were given up. Retry or delete them.")
		b.sees("2 warnings")
		b.shoot(fmt.Sprintf("flow-warning-%d", width))
		b.fits("the live page with warnings")
		b.accessible("the live page with warnings")
		own.Store(nil)
		b.until("the warning is gone", func() bool { return !strings.Contains(b.page(), "given up") })
		if ask[int](b, "window.same ?? 0") != 1 {
			t.Error("the page was loaded anew")
		}
	}
	b.clean("the flow")
}

// The audit trail goes back page by page.
func TestFlowAuditTrail(t *testing.T) {
	w := begin(t, nil)
	for i := range 30 {
		w.must(w.store.Note(t.Context(), engine.AuditEntry{By: "priya", Action: "test", Target: fmt.Sprintf("entry-%d.", i)}))
	}
	b := browse(w)
	b.looks(360, "light")
	b.visit("/system")
	b.sees("entry-29.")
	if strings.Contains(b.page(), "entry-2.") {
		t.Error("the first page shows all of it")
	}
	b.click("#trail .pager button")
	b.sees("entry-2.")
	b.sees("policies.activate")
	b.fits("an older page")
	b.accessible("an older page")
	b.click("#trail .pager button")
	b.sees("entry-29.")
	b.clean("the flow")
}

func TestFlowQuarantine(t *testing.T) {
	w := begin(t, nil)
	if status, _ := w.post(w.public+"/alohaa/send-call-details", "application/json", `{"call_status": "answered"`); status != 400 {
		t.Fatalf("a broken completion: %d", status)
	}
	b := browse(w)
	b.visit("/system")
	b.sees("syntax")
	b.submit("form[action='/system/retry'] button")
	b.sees("It still cannot be read")
	b.bad = nil // the browser notes the refusal itself
	b.visit("/system")
	b.submit("form[action='/system/discard'] button")
	b.sees("The payload was deleted")
	b.sees("Everything that came could be understood")
	b.clean("the flow")
}
