package journal

import (
	"context"

	"go.etcd.io/bbolt"
)

// besideChange is a change without a record.
type besideChange struct {
	change func(*bbolt.Tx) error
	done   chan error // of capacity one
}

// Beside changes the owner's buckets in a transaction of its own and returns when
// that is on disk. After each commit of records one such change has its turn, so
// that a record waits for one of them at most: large work is done in many small
// ones.
//
// It is not tried again. The error is why the disk did not take it, or ctx's: the
// change may be made all the same then.
func (j *Journal) Beside(ctx context.Context, change func(*bbolt.Tx) error) error {
	a := &besideChange{change: change, done: make(chan error, 1)}
	j.mu.Lock()
	switch {
	case j.closed:
		a.done <- errClosed
	case j.failing != nil:
		a.done <- j.failing
	default:
		j.changes = append(j.changes, a)
		j.awaken()
	}
	j.mu.Unlock()
	select {
	case err := <-a.done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// makeOne makes the change whose turn it is, if there is one; the goroutine's alone.
func (j *Journal) makeOne() bool {
	j.mu.Lock()
	if len(j.changes) == 0 {
		j.mu.Unlock()
		return false
	}
	a := j.changes[0]
	j.changes = j.changes[1:]
	j.mu.Unlock()
	err := j.bounds.Commit(func() error { return j.file.Update(a.change) })
	if err == nil {
		j.file.ahead.Fill()
	} else {
		err = unavailable(err)
	}
	a.done <- err
	return true
}

// dropChanges tells all that wait why their changes are not made; j.mu is held.
func (j *Journal) dropChanges(why error) {
	for _, a := range j.changes {
		a.done <- why
	}
	j.changes = nil
}
