package journal

import (
	"context"

	"go.etcd.io/bbolt"
)

// Item is one record on its way to the disk.
type Item struct {
	Seq uint64

	data  []byte
	size  int                                  // of data, and of what also writes
	also  func(tx *bbolt.Tx, seq uint64) error // changes that belong to the record; nil for most
	hasty bool
	done  chan struct{}
	err   error // read after done
	told  bool  // done is closed
}

// Failed is an item that did not get anywhere, for err.
func Failed(err error) *Item {
	it := &Item{done: make(chan struct{})}
	it.tell(err)
	return it
}

// Done is closed when the record is on disk or has failed to get there.
func (i *Item) Done() <-chan struct{} { return i.done }

// Err is why it failed; nil before Done, and where it did not.
func (i *Item) Err() error {
	select {
	case <-i.done:
		return i.err
	default:
		return nil
	}
}

// tell closes done once; a hasty one that first failed and then got to the disk
// after all keeps its error.
func (i *Item) tell(err error) {
	if !i.told {
		i.told, i.err = true, err
		close(i.done)
	}
}

// Wait returns when the record is on disk or has failed to get there; the error is
// ctx's, or why it failed.
func (i *Item) Wait(ctx context.Context) error {
	select {
	case <-i.done:
		return i.err
	case <-ctx.Done():
		return ctx.Err()
	}
}
