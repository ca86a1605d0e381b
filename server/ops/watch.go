package ops

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"switchboard/engine"
)

// The types of the events.
const (
	ReloadFailed         = "ops.reload_failed"
	ReloadRecovered      = "ops.reload_recovered"
	FallbacksHigh        = "ops.fallbacks_high"
	FallbacksRecovered   = "ops.fallbacks_recovered"
	CompletionsMissing   = "ops.completions_missing"
	CompletionsRecovered = "ops.completions_recovered"
	StoreDegraded        = "ops.store_degraded"
	StoreRecovered       = "ops.store_recovered"
)

// Defaults and bounds of Options.
const (
	DefaultFallbackShare = 0.1
	DefaultWindow        = 5 * time.Minute
	DefaultSilence       = time.Hour

	// MaxTime bounds Window and Silence.
	MaxTime = 24 * time.Hour
)

const (
	// every is the pause between two looks.
	every = 5 * time.Second
	// moment is how long a change must last before it is told: saving a file
	// twice, or a disk that stalls, is none.
	moment = 10 * time.Second
	// calm is the same for the end of what is counted over a time.
	calm = time.Minute
	// enough is how many calls it takes before their share says something.
	enough = 20
	// maxErrors is how many problems of a policy set an event names.
	maxErrors = 5
)

// Options is what a Watch works with. Zero values take the defaults above.
type Options struct {
	Store    func() engine.StoreStatus
	Policies func() engine.PolicyStatus
	// Notify is told of each event; it must not wait.
	Notify func(kind string, at time.Time, data any)

	// FallbackShare is the share of calls, up to 1, above which fallbacks are
	// worth an event.
	FallbackShare float64
	// Window is the time over which that share is taken.
	Window time.Duration
	// Silence is how long no completion may come while calls are decided.
	Silence time.Duration

	Log *slog.Logger // default slog.Default
}

func (o *Options) validate() error {
	switch {
	case o.Store == nil || o.Policies == nil || o.Notify == nil:
		return errors.New("ops: Store, Policies and Notify must be given")
	case !(o.FallbackShare >= 0 && o.FallbackShare <= 1): // nor a share that is no number
		return fmt.Errorf("ops: FallbackShare is %v; give a share between 0 and 1", o.FallbackShare)
	case o.Window < 0 || o.Window > MaxTime || o.Silence < 0 || o.Silence > MaxTime:
		return fmt.Errorf("ops: Window is %v and Silence %v; both are at most a day", o.Window, o.Silence)
	}
	orDefault(&o.FallbackShare, DefaultFallbackShare)
	orDefault(&o.Window, DefaultWindow)
	orDefault(&o.Silence, DefaultSilence)
	orDefault(&o.Log, slog.Default())
	return nil
}

func orDefault[T comparable](v *T, d T) {
	var zero T
	if *v == zero {
		*v = d
	}
}

// Watch looks at the server from time to time. It is an engine.Observer: it
// counts the decisions.
type Watch struct {
	o       Options
	calls   *tally
	started time.Time

	reload, fallbacks, completions, store condition
}

var _ engine.Observer = (*Watch)(nil)

// New checks the options.
func New(o Options) (*Watch, error) {
	if err := o.validate(); err != nil {
		return nil, err
	}
	return &Watch{
		o: o, calls: newTally(max(o.Window, o.Silence)), started: time.Now(),
		reload:      condition{bad: ReloadFailed, good: ReloadRecovered, rise: moment, fall: moment},
		store:       condition{bad: StoreDegraded, good: StoreRecovered, rise: moment, fall: moment},
		fallbacks:   condition{bad: FallbacksHigh, good: FallbacksRecovered, fall: calm},
		completions: condition{bad: CompletionsMissing, good: CompletionsRecovered, fall: moment},
	}, nil
}

// Decided counts a decision.
func (w *Watch) Decided(rec *engine.DecisionRecord) {
	w.calls.count(time.Now(), fellBack(rec.Decision))
}

// Replayed is not counted: its call was.
func (w *Watch) Replayed(*engine.DecisionRecord, bool) {}

// Late is not counted: the store's state tells of a slow disk.
func (w *Watch) Late(*engine.DecisionRecord) {}

// Run looks until ctx ends.
func (w *Watch) Run(ctx context.Context) error {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			w.look(time.Now())
		}
	}
}

// Data is what an event says, beside its type and time.
type Data struct {
	// Message says what is the matter, or over, and what to do.
	Message string    `json:"message"`
	Since   time.Time `json:"since"`

	Revision string           `json:"revision,omitempty"` // of the policies that serve
	Errors   []engine.Problem `json:"errors,omitempty"`   // why a reload failed, the first few
	Decided  int              `json:"decided,omitempty"`  // calls in the time looked at
	FellBack int              `json:"fell_back,omitempty"`
}

func (w *Watch) look(now time.Time) {
	policies, store := w.o.Policies(), w.o.Store()
	w.tell(now, &w.reload, !policies.Reload.OK && !policies.Reload.At.IsZero(), func(bad bool) Data { return reloadData(bad, policies) })
	w.tell(now, &w.store, store.Error != "", func(bad bool) Data { return storeData(bad, store) })
	recent := w.calls.latest(now, w.o.Window)
	w.tell(now, &w.fallbacks, recent.decided >= enough && float64(recent.fellBack) > w.o.FallbackShare*float64(recent.decided),
		func(bad bool) Data { return w.fallbackData(bad, recent) })
	// Calls of a moment ago are still being talked on: only those of the older
	// half of the time should have ended.
	all, young := w.calls.latest(now, w.o.Silence).decided, w.calls.latest(now, w.o.Silence/2).decided
	last := later(w.started, time.Unix(0, store.LastCompletion))
	w.tell(now, &w.completions, all-young >= enough && now.Sub(last) >= w.o.Silence,
		func(bad bool) Data { return w.completionData(bad, all) })
}

// tell notifies of a change that has lasted long enough.
func (w *Watch) tell(now time.Time, c *condition, bad bool, data func(bad bool) Data) {
	event, since := c.see(now, bad)
	if event == "" {
		return
	}
	d := data(bad)
	d.Since = since.UTC()
	level := slog.LevelInfo
	if bad {
		level = slog.LevelWarn
	}
	w.o.Log.Log(context.Background(), level, "operational event", "type", event, "message", d.Message)
	w.o.Notify(event, now, d)
}

func reloadData(bad bool, p engine.PolicyStatus) Data {
	if !bad {
		return Data{Message: "The policies were loaded again.", Revision: p.Revision}
	}
	d := Data{Revision: p.Revision, Message: "The policies could not be reloaded; the set that served before serves on. Mend the folder; saving reloads it."}
	if p.Revision == "" {
		d.Message = "The policies could not be loaded and none serve; every call goes to a fallback. Mend the folder; saving reloads it."
	}
	for _, e := range p.Reload.Errors[:min(len(p.Reload.Errors), maxErrors)] {
		e.Message, e.Hint = engine.Mask(e.Message), engine.Mask(e.Hint)
		d.Errors = append(d.Errors, e)
	}
	return d
}

func storeData(bad bool, s engine.StoreStatus) Data {
	if !bad {
		return Data{Message: "The disk takes records again."}
	}
	return Data{Message: "The disk does not take records: " + engine.Mask(s.Error) +
		". Calls are routed from memory and completions are answered 503; make room, repair the disk, or let it be written."}
}

func (w *Watch) fallbackData(bad bool, s slot) Data {
	d := Data{Decided: s.decided, FellBack: s.fellBack}
	d.Message = fmt.Sprintf("%d of %d calls of the last %v went to a fallback.", s.fellBack, s.decided, w.o.Window)
	if bad {
		d.Message += " GET /api/v1/calls?source=fallback and the log say why."
	}
	return d
}

func (w *Watch) completionData(bad bool, decided int) Data {
	if !bad {
		return Data{Message: "Completions come again, or no calls any more.", Decided: decided}
	}
	return Data{Decided: decided, Message: fmt.Sprintf("No completion came for %v, and %d calls were decided in that time. "+
		"See whether the provider still has the address of the webhook \"Send Call Details\", and its secret.", w.o.Silence, decided)}
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
