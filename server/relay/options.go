package relay

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"switchboard/engine"
)

// Log is where the relay learns what there is to deliver; *history.Store is one.
type Log interface {
	// RelayWait returns when the log on disk goes beyond a sequence number.
	RelayWait(ctx context.Context, after uint64) error
	// RelayEntries returns at most limit entries after a sequence number, and up
	// to where it looked.
	RelayEntries(ctx context.Context, after uint64, limit int) ([]engine.RelayEntry, uint64, error)
	// RelayedCall returns what there is to tell, nil where the record is gone.
	RelayedCall(ctx context.Context, e engine.RelayEntry) (*engine.RelayedCall, error)
	// RelayEnd is the last sequence number on disk.
	RelayEnd() uint64
}

// Outbox keeps how far each target is; *history.Store is one. Each method that
// changes something returns once that is on disk.
type Outbox interface {
	RelayRegister(targets []string) (map[string]engine.RelayState, error)
	// RelaySave, RelayRevive and RelayDelete tell how many letters of the target
	// are dead now.
	RelaySave(target string, c engine.RelayChanges) (dead int, err error)
	// RelayRevive returns nil for an unknown letter.
	RelayRevive(target string, seq uint64) (l *engine.RelayLetter, dead int, err error)
	RelayDelete(target string, seq uint64) (found bool, dead int, err error)
	// RelayDead lists in order of target and sequence number, after (target, seq).
	RelayDead(only, target string, seq uint64, limit int) ([]engine.DeadLetter, error)
	// RelayRemoved are targets that are not configured any more.
	RelayRemoved() (map[string]int, error)
}

// Defaults of Options.
const (
	DefaultParallel = 8
	DefaultTimeout  = 15 * time.Second
	DefaultGiveUp   = 24 * time.Hour
	DefaultWindow   = 1000
)

// Options is what a Relay works with. Zero values take the defaults above.
type Options struct {
	Targets []Target // of calls
	Notify  []Target // of operational events

	Log    Log
	Outbox Outbox

	// AllowPrivate lets targets be inside a network, and those need no
	// encryption.
	AllowPrivate bool
	// Parallel is how many messages are under way to one target at once.
	Parallel int
	// Timeout bounds one attempt, from dialling to the end of the answer.
	Timeout time.Duration
	// GiveUp is how long after its first attempt a message is a dead letter.
	GiveUp time.Duration
	// Window is how many messages a target has in memory; the others stay in the
	// log.
	Window int

	Version string            // of the program, for the User-Agent; optional
	Logger  *slog.Logger      // default slog.Default
	HTTP    http.RoundTripper // default: one of its own for each target, which checks addresses
}

func (o *Options) validate() error {
	switch {
	case o.Log == nil:
		return errors.New("relay: Log is missing")
	case o.Outbox == nil:
		return errors.New("relay: Outbox is missing")
	case o.Parallel < 0 || o.Window < 0:
		return errors.New("relay: Parallel and Window must be at least 1")
	case o.Timeout < 0 || o.GiveUp < 0:
		return fmt.Errorf("relay: Timeout is %v and GiveUp %v; both must be longer than nothing", o.Timeout, o.GiveUp)
	}
	orDefault(&o.Parallel, DefaultParallel)
	orDefault(&o.Timeout, DefaultTimeout)
	orDefault(&o.GiveUp, DefaultGiveUp)
	orDefault(&o.Window, DefaultWindow)
	orDefault(&o.Logger, slog.Default())
	if err := errors.Join(unique(o.Targets), unique(o.Notify)); err != nil {
		return fmt.Errorf("relay: %w", err)
	}
	return nil
}

func orDefault[T comparable](v *T, d T) {
	var zero T
	if *v == zero {
		*v = d
	}
}
