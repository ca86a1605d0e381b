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
	}{
		hangup.NoKey: {501, "--alohaa-key-file"}, hangup.NoCall: {409, "no active call"}, hangup.BadKey: {502, "refuses the API key"},
		hangup.BadRequest: {502, "1009"}, hangup.Provider: {502, "failed"}, hangup.Late: {504, "in time"}, hangup.Unreachable: {502, "--alohaa-url"},
	} {
		h.err = &hangup.Error{Kind: kind}
		w.send("POST", path("a"), "", as(newToken)).isProblem(want.status, want.says)
	}
	h.err = errors.New("torn")
	w.send("POST", path("a"), "", as(newToken)).isProblem(500, "")
	asked := len(h.asked)
	w.send("POST", path("~MADEUP"), "", as(newToken)).isProblem(409, "no id")
	w.send("POST", path(strings.Repeat("x", 257)), "", as(newToken)).isProblem(400, "256")
	w.send("POST", path("a")+"?x=1", "", as(newToken)).isProblem(400, "")
	w.send("GET", path("a"), "", as(newToken)).isProblem(405, "")
	if len(h.asked) != asked || len(live.noted()) != 1 {
		t.Errorf("asked %q, noted %q", h.asked, live.noted())
	}
	without := begin(t, nil)
	without.send("POST", without.private+"/api/v1/calls/a/hangup", "").isProblem(501, "--alohaa-key-file")
}
