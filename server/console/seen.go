package console

import (
	"encoding/json"
	"net/http"
	"strings"

	"switchboard/engine"
)

// seenView is the history that a decision read, as it stood then.
type seenView struct {
	Documents []seenDocument
	LeftOut   int
}

type seenDocument struct {
	Path string
	Text string // JSON; empty where there was nothing
}

// maxSeen bounds how many documents of a history are shown.
const maxSeen = 40

// seen shows what the policies read for a call, folded as of that moment.
func (c *Console) seen(a *asked) error {
	ctx, cancel := a.reading()
	defer cancel()
	recorded, err := c.o.Past.Past(ctx, a.FormValue("id"), "")
	if err != nil {
		return err
	}
	if recorded == nil {
		return refuse(http.StatusNotFound, "There is no decision of this call.")
	}
	defer recorded.View.Close()
	var v seenView
	known := map[string]bool{}
	for _, path := range recorded.Record.Evaluation.Read {
		document, read := entryOf(path)
		switch {
		case read == nil || known[document]:
			continue
		case len(v.Documents) == maxSeen:
			v.LeftOut++
			continue
		}
		known[document] = true
		value, err := read(recorded.View)
		if err != nil {
			return err
		}
		d := seenDocument{Path: a.eyes.text("data." + strings.ReplaceAll(document, "/", "."))}
		if value != nil {
			text, err := json.Marshal(value)
			if err != nil {
				return err
			}
			d.Text = a.eyes.document(text)
		}
		v.Documents = append(v.Documents, d)
	}
	return a.part(http.StatusOK, "seen", v)
}

// entryOf is the document in which a path that was read lies, and how to read
// it; nil for a path that names none.
func entryOf(path string) (document string, read func(engine.View) (any, error)) {
	parts := strings.Split(path, "/")
	if len(parts) < 3 {
		return "", nil
	}
	document = strings.Join(parts[:3], "/")
	root, of, key := parts[0], parts[1], parts[2]
	switch {
	case root == "history" && of == "calls":
		read = func(v engine.View) (any, error) { return orNothing(v.Call(key)) }
	case root == "history":
		read = func(v engine.View) (any, error) { return orNothing(v.Profile(engine.ProfileKind(of), key)) }
	case root == "facts":
		read = func(v engine.View) (any, error) {
			fact, err := orNothing(v.Fact(of, key))
			if f, ok := fact.(*engine.Fact); ok {
				return f.Value, err
			}
			return nil, err
		}
	case root == "sessions":
		read = func(v engine.View) (any, error) {
			sessions, err := v.Sessions(of, key)
			if len(sessions) == 0 {
				return nil, err
			}
			return sessions, err
		}
	}
	return document, read
}

// orNothing keeps a nil pointer from being a value.
func orNothing[T any](v *T, err error) (any, error) {
	if v == nil || err != nil {
		return nil, err
	}
	return v, nil
}
