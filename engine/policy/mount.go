package policy

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"switchboard/engine/policy/mounted"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/storage"
)

// historyRoot is where the history hangs in the data document.
const historyRoot = mounted.History

// mount is the data document of one policy set: the files of the set, with
// what one decision's view shows hung in at data.history, data.sessions and
// data.facts.
//
// The files never change, so one read transaction on them serves every
// evaluation. What belongs to a single evaluation lives in its run.
type mount struct {
	storage.PolicyNotSupported
	storage.TriggersNotSupported

	files    storage.Store
	read     storage.Transaction // on files, open as long as the mount lives
	document ast.Object          // all of files
}

// newMount hangs the mounted documents into the files' own. The mount keeps those.
func newMount(own *documents) (*mount, error) {
	for _, root := range slices.Sorted(maps.Keys(mounted.Reserved)) {
		if _, taken := own.data[root]; taken {
			return nil, fmt.Errorf("data.%s is where the server shows %s; give the data file that defines it another folder or name", root, mounted.Reserved[root])
		}
	}
	if err := own.hang(); err != nil {
		return nil, err
	}
	return &mount{files: own.store, read: own.read, document: own.all}, nil
}

// NewTransaction opens a transaction on an empty history.
func (m *mount) NewTransaction(_ context.Context, params ...storage.TransactionParams) (storage.Transaction, error) {
	if slices.ContainsFunc(params, func(p storage.TransactionParams) bool { return p.Write }) {
		return nil, errReadOnly
	}
	return newRun(nil), nil
}

// Commit ends a transaction; there is nothing to keep.
func (*mount) Commit(context.Context, storage.Transaction) error { return nil }

// Abort ends a transaction; there is nothing to undo.
func (*mount) Abort(context.Context, storage.Transaction) {}

// Truncate fails: a policy set in force never changes.
func (*mount) Truncate(context.Context, storage.Transaction, storage.TransactionParams, storage.Iterator) error {
	return errReadOnly
}

// Write fails: the history is written by calls, live data by the API, the files
// by loading a set.
func (*mount) Write(context.Context, storage.Transaction, storage.PatchOp, storage.Path, any) error {
	return errReadOnly
}

// NonEmpty tells the compiler that everything under the mounted documents is
// taken, so that a policy's own "package history" fails when it is loaded.
func (m *mount) NonEmpty(ctx context.Context, _ storage.Transaction) func([]string) (bool, error) {
	files := storage.NonEmpty(ctx, m.files, m.read)
	return func(path []string) (bool, error) {
		if len(path) > 0 && isReserved(path[0]) {
			return true, nil
		}
		return files(path)
	}
}

// Read answers one reference into the data document. The root is the files
// alone: a history of ten million calls is read by key or not at all.
func (m *mount) Read(ctx context.Context, txn storage.Transaction, path storage.Path) (any, error) {
	r, ok := txn.(*run)
	if len(path) == 0 || !isReserved(path[0]) {
		return m.files.Read(ctx, m.read, path)
	}
	if !ok {
		return nil, errForeignTransaction
	}
	v, err := r.read(path)
	if err != nil {
		return nil, err
	}
	return v, nil
}

var (
	errNotFound           = &storage.Error{Code: storage.NotFoundErr}
	errReadOnly           = errors.New("a policy set's data cannot be written while it is in force")
	errForeignTransaction = errors.New("data.history, data.sessions or data.facts was read outside an evaluation")
)

// isReserved reports whether a document of data is the server's.
func isReserved(root string) bool {
	switch root {
	case historyRoot, sessionsRoot, factsRoot:
		return true
	}
	return false
}

// mounted reads what no file of the set holds.
func (r *run) mounted(path storage.Path) (ast.Value, error) {
	if path[0] == historyRoot {
		return r.history(path[1:])
	}
	return r.live(path)
}

// collectionError refuses to read a mounted document, or a collection of it, as
// a whole.
type collectionError struct {
	root       string
	collection storage.Path // the keys that were given: none or one
}

func (e *collectionError) Error() string {
	doc := mounted.Documents[e.root]
	what, first := "data."+e.root, "["+doc.Keys[0]+"]"
	if e.root == historyRoot {
		first = ".callers"
	}
	if len(e.collection) > 0 {
		if first = "[" + strconv.Quote(e.collection[0]) + "]"; e.root == historyRoot {
			first = "." + e.collection[0]
		}
	}
	innermost := doc.Keys[1]
	if e.root == historyRoot && first == "."+callsCollection {
		innermost = "call_id"
	}
	whole := what
	if len(e.collection) > 0 {
		whole += first
	}
	return whole + " cannot be read as a whole; read it by key: " + what + first + "[" + innermost + "]"
}
