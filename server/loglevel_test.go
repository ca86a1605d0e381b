package server_test

import (
	"log/slog"
	"strings"
	"testing"

	"switchboard/server"
)

func TestLogLevelChangesAtRunTime(t *testing.T) {
	var level slog.LevelVar
	live := newFakeLive()
	w, o := prepare(t)
	o.LogLevel, o.Live = &level, live
	o.Log = slog.New(slog.NewTextHandler(w.log, &slog.HandlerOptions{Level: &level}))
	startAs(t, w, o)
	path := w.private + "/api/v1/log-level"
	w.send("GET", path, "").is(200, `{"level":"info"}`)
	o.Log.Debug("unheard")
	w.send("PUT", path, `{"level": "debug"}`).is(200, `{"level":"debug"}`)
	o.Log.Debug("heard")
	w.send("GET", path, "").is(200, `{"level":"debug"}`)
	if log := w.log.String(); strings.Contains(log, "unheard") || !strings.Contains(log, "msg=heard") {
		t.Errorf("the log says\n%s", log)
	}
	if noted := live.noted(); len(noted) != 1 || noted[0] != "anonymous log_level.put debug" || string(live.entries[0].After) != `{"before":"info"}` {
		t.Errorf("noted %q", noted)
	}
	for body, says := range map[string]string{`{"level": "debg"}`: `Did you mean "debug"`, `{"level": "INFO"}`: "level", `{}`: "level", `x`: "", `{"levl": "info"}`: "levl"} {
		w.send("PUT", path, body).isProblem(400, says)
	}
	w.send("DELETE", path, "").isProblem(405, "")
}

func TestALogWithoutALevel(t *testing.T) {
	w := begin(t, func(o *server.Options) { o.LogLevel = nil })
	w.send("GET", w.private+"/api/v1/log-level", "").isProblem(404, "no level")
	w.send("PUT", w.private+"/api/v1/log-level", `{"level": "debug"}`).isProblem(404, "no level")
}
