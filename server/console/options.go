package console

import (
	"errors"
	"log/slog"
	"time"

	"switchboard/engine"
)

// Options is what a Console works with. All is required unless it says
// otherwise.
type Options struct {
	Numbers *engine.Numbers
	Zone    *time.Location // of every date and clock shown; default UTC
	Version string         // optional
	Log     *slog.Logger   // default slog.Default
	Now     func() time.Time

	History    History
	Router     Router
	Policies   Policies
	Quarantine Quarantine
	Live       Live
	Desk       Desk
	Door       Door

	// Explain, Past and Replay are optional: the pages leave out what they tell.
	Explain Explainer
	Past    Past
	Replay  Replayer
}

func (o *Options) validate() error {
	for name, missing := range map[string]bool{
		"Numbers": o.Numbers == nil, "History": o.History == nil, "Router": o.Router == nil, "Policies": o.Policies == nil,
		"Quarantine": o.Quarantine == nil, "Live": o.Live == nil, "Desk": o.Desk == nil, "Door": o.Door == nil,
	} {
		if missing {
			return errors.New("console: " + name + " is missing")
		}
	}
	if o.Zone == nil {
		o.Zone = time.UTC
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return nil
}
