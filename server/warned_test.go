package server_test

import (
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"switchboard/engine"
	"switchboard/server"
)

// warned is a warnings event.
type warned struct {
	Time                   time.Time
	New, Cleared, Warnings []engine.Warning
}

func codes(list []engine.Warning) string {
	var out []string
	for _, w := range list {
		out = append(out, strings.TrimSuffix(w.Code+"/"+w.About, "/"))
	}
	return strings.Join(out, " ")
}

func TestEventsTellOfWarnings(t *testing.T) {
	w, o := prepare(t)
	healthy(w, &o)
	o.WarningsEvery = time.Millisecond
	var own atomic.Pointer[[]engine.Warning]
	o.Warn = func() []engine.Warning {
		if list := own.Load(); list != nil {
			return *list
		}
		return nil
	}
	own.Store(&[]engine.Warning{{Code: "from_before", Message: "It was there at the start."}})
	startAs(t, w, o)
	stream := w.watch("?types=warnings")
	stream.want("hello", &hello{})

	dead := func(target, n string) engine.Warning {
		return engine.Warning{Code: "relay_dead", About: target, Message: n + " messages were given up.", Hint: "Look."}
	}
	for _, step := range []struct {
		now               []engine.Warning
		new, cleared, all string
	}{
		{[]engine.Warning{{Code: "from_before"}, dead("crm", "1")}, "relay_dead/crm", "", "from_before relay_dead/crm"},
		{[]engine.Warning{dead("crm", "2"), dead("erp", "1")}, "relay_dead/erp", "from_before", "relay_dead/crm relay_dead/erp"},
		{[]engine.Warning{dead("erp", "1")}, "", "relay_dead/crm", "relay_dead/erp"},
		{nil, "", "relay_dead/erp", ""},
	} {
		own.Store(&step.now)
		var e warned
		got := stream.want("warnings", &e)
		if codes(e.New) != step.new || codes(e.Cleared) != step.cleared || codes(e.Warnings) != step.all || e.Time.IsZero() {
			t.Errorf("new %q, cleared %q, all %q; want %+v", codes(e.New), codes(e.Cleared), codes(e.Warnings), step)
		}
		if strings.Contains(got.data, "null") || got.id == "" {
			t.Errorf("event %+v", got)
		}
	}
	w.wantMetric("switchboard_events_total", "4")
}

// The server's own warnings come with a code and what to do, and a figure that
// grows in one that stands is no event.
func TestEventsOfTheServersWarnings(t *testing.T) {
	w, o := prepare(t)
	healthy(w, &o)
	o.WarningsEvery = time.Millisecond
	startAs(t, w, o)
	stream := w.watch("?types=warnings")
	stream.want("hello", &hello{})
	w.send("POST", w.public+initiation, "").isProblem(401, "")
	next := func() (e warned) {
		stream.want("warnings", &e)
		return e
	}
	if e := next(); codes(e.New) != "refused/public" || !strings.HasPrefix(e.New[0].Message, "1 request ") || !strings.Contains(e.New[0].Hint, "compare") {
		t.Fatalf("new %+v", e.New)
	}
	w.send("POST", w.public+initiation, "").isProblem(401, "")
	w.server.SetFallbacks("", 0)
	if e := next(); codes(e.New) != "no_fallback" || codes(e.Warnings) != "no_fallback refused/public" || len(e.Cleared) != 0 {
		t.Errorf("event %+v", e)
	}
	w.server.SetFallbacks("9876500000", 0)
	if e := next(); codes(e.Cleared) != "no_fallback" || !strings.HasPrefix(e.Warnings[0].Message, "2 requests") {
		t.Errorf("event %+v", e)
	}
}

func TestWarningsAreLookedAtForWholeTimes(t *testing.T) {
	_, o := prepare(t)
	o.WarningsEvery = -time.Second
	if _, err := server.New(o); err == nil || !strings.Contains(err.Error(), "WarningsEvery") {
		t.Errorf("a negative pause: %v", err)
	}
}
