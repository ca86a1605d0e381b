package policy

import (
	"bytes"
	"fmt"
	"strconv"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/storage"
	"github.com/open-policy-agent/opa/v1/util"

	"switchboard/engine"
)

// Where live data hang in the data document.
const (
	sessionsRoot = "sessions" // by DID and number
	factsRoot    = "facts"    // by collection and key
)

// liveRead is one entry of live data as a value, so that a policy that asks for
// several of its fields has it made once.
type liveRead struct {
	root, a, b string
	value      ast.Value // nil: there is none
}

// live reads below data.sessions or data.facts.
func (r *run) live(path storage.Path) (ast.Value, error) {
	if len(path) < 3 {
		return nil, &collectionError{root: path[0], collection: path[1:]}
	}
	r.note(path[0], path[1:3])
	if r.view == nil {
		return nil, errNotFound
	}
	v, err := r.entry(path[0], path[1], path[2])
	if err != nil {
		return nil, err
	}
	return valueAt(v, path[3:])
}

func (r *run) entry(root, a, b string) (ast.Value, error) {
	for i := range r.entries {
		if known := &r.entries[i]; known.a == a && known.b == b && known.root == root {
			return known.value, nil
		}
	}
	v, err := r.readEntry(root, a, b)
	if err != nil {
		return nil, err
	}
	if len(r.entries) < maxReads {
		r.entries = append(r.entries, liveRead{root, a, b, v})
	}
	return v, nil
}

func (r *run) readEntry(root, a, b string) (ast.Value, error) {
	if root == sessionsRoot {
		list, err := r.view.Sessions(a, b)
		if err != nil || len(list) == 0 {
			return nil, err
		}
		return sessionsValue(list)
	}
	f, err := r.view.Fact(a, b)
	if err != nil || f == nil {
		return nil, err
	}
	v, err := jsonValue(f.Value)
	if err != nil {
		return nil, fmt.Errorf("the fact %s/%s: %w", a, b, err)
	}
	return v, nil
}

var (
	keyRef, keyParties, keyCreated    = key("ref"), key("parties"), key("created")
	keyExpires, keyLastEnded, keyData = key("expires"), key("last_ended"), key("data")
	emptyObject                       = ast.NewTerm(ast.NewObject())
)

// sessionsValue is a list of sessions as [engine.Session.MarshalJSON] writes
// them.
func sessionsValue(list []*engine.Session) (ast.Value, error) {
	terms := make([]*ast.Term, len(list))
	for i, s := range list {
		data := emptyObject
		if len(s.Data) > 0 {
			v, err := jsonValue(s.Data)
			if err != nil {
				return nil, fmt.Errorf("the data of the session %q: %w", s.Ref, err)
			}
			data = ast.NewTerm(v)
		}
		b := make(block, 0, 9)
		parties := ast.NewArray(b.text(s.Parties[0]), b.text(s.Parties[1]))
		terms[i] = b.term(ast.NewObject(
			ast.Item(keyRef, b.text(s.Ref)),
			ast.Item(keyDID, b.text(s.DID)),
			ast.Item(keyParties, b.term(parties)),
			ast.Item(keyCreated, b.seconds(s.Created)),
			ast.Item(keyExpires, b.seconds(s.Expires)),
			ast.Item(keyLastEnded, b.seconds(s.LastEnded)),
			ast.Item(keyData, data),
		))
	}
	return ast.NewArray(terms...), nil
}

// jsonValue reads JSON with numbers as they are written.
func jsonValue(raw []byte) (ast.Value, error) {
	var doc any
	if err := util.NewJSONDecoder(bytes.NewReader(raw)).Decode(&doc); err != nil {
		return nil, err
	}
	return ast.InterfaceToValue(doc)
}

// valueAt is what lies at path in a value; nil holds nothing.
func valueAt(at ast.Value, path storage.Path) (ast.Value, error) {
	for _, part := range path {
		var next *ast.Term
		switch v := at.(type) {
		case ast.Object:
			next = v.Get(ast.StringTerm(part))
		case *ast.Array:
			if i, err := strconv.Atoi(part); err == nil && i >= 0 && i < v.Len() {
				next = v.Elem(i)
			}
		}
		if next == nil {
			return nil, errNotFound
		}
		at = next.Value
	}
	if at == nil {
		return nil, errNotFound
	}
	return at, nil
}
