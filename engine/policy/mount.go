package policy

import (
	"context"
	"errors"
	"slices"

	"github.com/open-policy-agent/opa/v1/storage"
	"github.com/open-policy-agent/opa/v1/storage/inmem"
)

// historyRoot is where the history hangs in the data document.
const historyRoot = "history"

// mount is the data document of one policy set: the files of the set, with the
// history of one decision's view hung in at data.history.
//
// The files never change, so one read transaction on them serves every
// evaluation. What belongs to a single evaluation lives in its run.
type mount struct {
	storage.PolicyNotSupported
	storage.TriggersNotSupported

	files storage.Store
	read  storage.Transaction // on files, open as long as the mount lives
}

// newMount hangs the history into data. The mount keeps data; the caller must
// not change it afterwards.
func newMount(data map[string]any) (*mount, error) {
	if _, taken := data[historyRoot]; taken {
		return nil, errors.New("data.history is where the server shows past calls; give the data file that defines it another folder or name")
	}
	if data == nil {
		data = map[string]any{}
	}
	// Terms in, terms out: nothing is converted while a call waits.
	files := inmem.NewFromObjectWithOpts(data, inmem.OptRoundTripOnWrite(false), inmem.OptReturnASTValuesOnRead(true))
	read, err := files.NewTransaction(context.Background())
	if err != nil {
		return nil, err
	}
	return &mount{files: files, read: read}, nil
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

// Write fails: the history is written by calls, the files by loading a set.
func (*mount) Write(context.Context, storage.Transaction, storage.PatchOp, storage.Path, any) error {
	return errReadOnly
}

// NonEmpty tells the compiler that everything under data.history is taken, so
// that a policy's own "package history" fails when it is loaded.
func (m *mount) NonEmpty(ctx context.Context, _ storage.Transaction) func([]string) (bool, error) {
	files := storage.NonEmpty(ctx, m.files, m.read)
	return func(path []string) (bool, error) {
		if len(path) > 0 && path[0] == historyRoot {
			return true, nil
		}
		return files(path)
	}
}

// Read answers one reference into the data document. The root is the files
// alone: a history of ten million calls is read by key or not at all.
func (m *mount) Read(ctx context.Context, txn storage.Transaction, path storage.Path) (any, error) {
	if len(path) == 0 || path[0] != historyRoot {
		return m.files.Read(ctx, m.read, path)
	}
	r, ok := txn.(*run)
	if !ok {
		return nil, errForeignTransaction
	}
	v, err := r.history(path[1:])
	if err != nil && r.err == nil && !storage.IsNotFound(err) {
		// OPA wraps errors as it likes; the cause is found again here.
		r.err = err
	}
	if err != nil {
		return nil, err
	}
	return v, nil
}

var (
	errNotFound           = &storage.Error{Code: storage.NotFoundErr}
	errReadOnly           = errors.New("a policy set's data cannot be written while it is in force")
	errForeignTransaction = errors.New("data.history was read outside an evaluation")
)

// collectionError refuses to read a collection of the history as a whole.
type collectionError struct{ collection string }

func (e *collectionError) Error() string {
	what, key := "data.history", "data.history.callers[number]"
	if e.collection != "" {
		what = "data.history." + e.collection
		key = what + "[number]"
		if e.collection == callsCollection {
			key = what + "[call_id]"
		}
	}
	return what + " cannot be read as a whole; read it by key: " + key
}
