package server

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"switchboard/engine"
	"switchboard/server/access"
	"switchboard/server/console"
)

// desk does for the console what the API's handlers do for programs, by the
// same rules.
type desk struct{ *Server }

var _ console.Desk = desk{}

// pausedCollection is where the starter policies look for people on a break.
const pausedCollection = "paused"

// newConsole builds the web console over the server's ports.
func (s *Server) newConsole() (*console.Console, error) {
	return console.New(console.Options{
		Numbers: s.o.Numbers, Zone: s.o.Zone, Version: s.o.Version, Log: s.o.Log, Now: s.o.Now,
		History: s.o.History, Router: s.o.Router, Policies: s.o.Policies, Quarantine: s.o.Quarantine, Live: s.o.Live,
		Desk: desk{s}, Door: door{s}, Explain: s.o.Explainer, Past: s.o.Past, Replay: s.o.Replayer,
	})
}

// as makes a context tell who asks, as tokenGuard does for the API.
func as(ctx context.Context, v console.Visitor) context.Context {
	if v.Anonymous {
		return ctx
	}
	return context.WithValue(ctx, holder{}, access.Token{Name: v.Name, ReadOnly: !v.Changes})
}

// said makes an error one that the console can show.
func said(err error) error {
	if err == nil {
		return nil
	}
	return asFailure(err)
}

// commit bounds a change as committing does.
func (d desk) commit(ctx context.Context, v console.Visitor) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(as(ctx, v)), d.o.CompletionTimeout)
}

// PutSession creates a masked pair or changes the one of its ref.
func (d desk) PutSession(ctx context.Context, v console.Visitor, f console.SessionForm) error {
	req := sessionRequest{Parties: []literal{literal(f.Parties[0]), literal(f.Parties[1])}, Expires: quoted(f.Expires)}
	if did := literal(f.DID); strings.TrimSpace(f.DID) != "" {
		req.DID = &did
	}
	ctx, cancel := d.commit(ctx, v)
	defer cancel()
	_, _, err := d.keepSession(ctx, f.Ref, &req)
	return said(err)
}

// quoted is a text as JSON.
func quoted(text string) json.RawMessage {
	b, _ := json.Marshal(text) // a string encodes
	return b
}

// EndSession ends a session now.
func (d desk) EndSession(ctx context.Context, v console.Visitor, ref string) (bool, error) {
	ctx, cancel := d.commit(ctx, v)
	defer cancel()
	ended, err := d.o.Live.EndSession(ctx, ref, by(ctx))
	if err == nil && ended != nil {
		d.changed(ctx, "session", "ended", ref)
	}
	return ended != nil, said(err)
}

// Pause sets the fact that takes a person out of the rotation.
func (d desk) Pause(ctx context.Context, v console.Visitor, number, why, expires string) error {
	person, err := possible("number", number, d.o.Numbers.Person, "9876543210")
	if err != nil {
		return said(err)
	}
	ctx, cancel := d.commit(ctx, v)
	defer cancel()
	now := d.o.Now()
	fact := engine.Fact{Collection: pausedCollection, Key: person.Canonical, Set: now.UnixNano(), By: by(ctx)}
	value, _ := json.Marshal(map[string]string{"why": why}) // texts encode
	if fact.Value, err = document("why", value, engine.MaxFactValue); err != nil {
		return said(err)
	}
	if fact.Expires, err = d.expiry(quoted(expires), now); err != nil {
		return said(err)
	}
	if _, err = d.o.Live.PutFact(ctx, fact); err == nil {
		d.changed(ctx, "fact", "created", pausedCollection+"/"+person.Canonical)
	}
	return said(err)
}

// Resume takes the pause back.
func (d desk) Resume(ctx context.Context, v console.Visitor, number string) error {
	ctx, cancel := d.commit(ctx, v)
	defer cancel()
	found, err := d.o.Live.DeleteFact(ctx, pausedCollection, number, by(ctx))
	if err == nil && found {
		d.changed(ctx, "fact", "deleted", pausedCollection+"/"+number)
	}
	return said(err)
}

// Retry reads a quarantined completion again.
func (d desk) Retry(ctx context.Context, v console.Visitor, id string) error {
	ctx = as(ctx, v)
	item, err := d.quarantinedItem(ctx, id)
	if err == nil {
		_, err = d.readAgain(ctx, id, item)
	}
	return said(err)
}

// Discard deletes a quarantined item.
func (d desk) Discard(ctx context.Context, v console.Visitor, id string) error {
	return said(d.discardItem(as(ctx, v), id))
}

// Letters is a page of the relay's dead letters.
func (d desk) Letters(cursor string, limit int) ([]console.Letter, string, error) {
	found, next, err := d.deadPage("", cursor, limit)
	letters := make([]console.Letter, 0, len(found))
	for _, l := range found {
		letters = append(letters, console.Letter{ID: joinLetter(l.Target, l.Letter.Seq), DeadLetter: l})
	}
	return letters, next, said(err)
}

// RetryLetter sends a dead letter again.
func (d desk) RetryLetter(ctx context.Context, v console.Visitor, id string) error {
	return said(d.retryDead(as(ctx, v), id))
}

// RetryLetters sends all dead letters again; more reports that time ran out.
func (d desk) RetryLetters(ctx context.Context, v console.Visitor) (more bool, err error) {
	more, err = d.retryAllDead(as(ctx, v))
	return more, said(err)
}

// DeleteLetter deletes a dead letter.
func (d desk) DeleteLetter(ctx context.Context, v console.Visitor, id string) error {
	return said(d.deleteDead(as(ctx, v), id))
}

// Revealed notes that somebody looked at what is masked.
func (d desk) Revealed(ctx context.Context, v console.Visitor, target string) {
	d.audited(as(ctx, v), "console.reveal", engine.Mask(target), nil)
}

// Rollback serves an archived set again.
func (d desk) Rollback(ctx context.Context, v console.Visitor, revision string) (engine.Report, error) {
	report, err := d.o.Policies.Rollback(as(ctx, v), revision, v.Name)
	if errors.Is(err, engine.ErrNoRevision) {
		err = noRevision(revision)
	}
	if err == nil && !report.OK {
		d.noteReport(as(ctx, v), "policies.rollback_refused", "policies/"+revision, report)
	}
	return report, said(err)
}

// Reload loads the folder now.
func (d desk) Reload(ctx context.Context, v console.Visitor) engine.Report {
	report := d.o.Policies.Reload(ctx, "console")
	d.noteReport(as(ctx, v), "policies.reload", "policies", report)
	return report
}

// Forget erases a person.
func (d desk) Forget(ctx context.Context, v console.Visitor, number string) (*console.Erased, error) {
	got, err := d.eraseSomebody(as(ctx, v), number)
	if err != nil {
		return nil, said(err)
	}
	return &console.Erased{Erasure: got.Erasure, Policies: got.Policies, Next: got.Next}, nil
}

// ConfirmClock says that the clock is right.
func (d desk) ConfirmClock(ctx context.Context, v console.Visitor) error {
	_, err := d.believeClock(as(ctx, v))
	return said(err)
}

// Backup sends a copy of the database.
func (d desk) Backup(w http.ResponseWriter, r *http.Request, v console.Visitor) error {
	return said(d.sendBackup(w, r.WithContext(as(r.Context(), v))))
}

// Warnings are those of the status.
func (d desk) Warnings() []engine.Warning { return d.warnings() }
