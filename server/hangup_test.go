package server_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"switchboard/server"
	"switchboard/server/hangup"
)

// fakeHangup answers with an error, and remembers.
type fakeHangup struct {
	err   error
	asked []string
}

func (h *fakeHangup) Hangup(_ context.Context, id string) error {
	h.asked = append(h.asked, id)
	return h.err
}

func TestHangUp(t *testing.T) {
	h, live := &fakeHangup{}, newFakeLive()
	w := begin(t, func(o *server.Options) { o.Hangup, o.Live, o.Tokens = h, live, tokens(newToken, oldToken) })
	path := func(id string) string { return w.private + "/api/v1/calls/" + id + "/hangup" }
	w.send("POST", path("a%2Fb"), "", as(newToken)).is(200, `{"call_id":"a/b","status":"hung_up"}`)
	w.send("POST", path("a"), "", as(oldToken)).isProblem(403, "read only")
	if strings.Join(h.asked, " ") != "a/b" || strings.Join(live.noted(), " ") != "admin calls.hangup calls/a/b" {
		t.Errorf("asked %q, noted %q", h.asked, live.noted())
	}
	for kind, want := range map[hangup.Kind]struct {
		status int
		says   string
		may    bool // the call may be over all the same
	}{
		hangup.NoKey: {501, "--alohaa-key-file", false}, hangup.NoCall: {409, "no active call", false}, hangup.BadKey: {502, "refuses the API key", false},
		hangup.BadRequest: {502, "1009", false}, hangup.Provider: {502, "failed", false}, hangup.Late: {504, "in time", true},
		hangup.Unreachable: {502, "--alohaa-url", true}, hangup.Unexpected: {502, "is none of its hangup API's", true},
	} {
		h.err = &hangup.Error{Kind: kind}
		before := len(live.noted())
		w.send("POST", path("a"), "", as(newToken)).isProblem(want.status, want.says)
		if noted := len(live.noted()) > before; noted != want.may {
			t.Errorf("%s: in the audit trail: %v", kind, noted)
		}
	}
	h.err = context.Canceled // whoever asked went away
	before := len(live.noted())
	w.send("POST", path("a"), "", as(newToken)).isProblem(503, "")
	if noted := live.noted()[before:]; strings.Join(noted, " ") != "admin calls.hangup calls/a" {
		t.Errorf("noted %q", noted)
	}
	h.err = errors.New("torn")
	w.send("POST", path("a"), "", as(newToken)).isProblem(500, "")
	audited := len(live.noted())
	asked := len(h.asked)
	w.send("POST", path("~MADEUP"), "", as(newToken)).isProblem(409, "no id")
	w.send("POST", path(strings.Repeat("x", 257)), "", as(newToken)).isProblem(400, "256")
	w.send("POST", path("a")+"?x=1", "", as(newToken)).isProblem(400, "")
	w.send("GET", path("a"), "", as(newToken)).isProblem(405, "")
	if len(h.asked) != asked || len(live.noted()) != audited {
		t.Errorf("asked %q, noted %q", h.asked, live.noted())
	}
	without := begin(t, nil)
	without.send("POST", without.private+"/api/v1/calls/a/hangup", "").isProblem(501, "--alohaa-key-file")
}
