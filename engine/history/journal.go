package history

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"go.etcd.io/bbolt"

	"switchboard/engine"
)

// errClosed: the store was closed.
var errClosed = fmt.Errorf("the store is closed: %w", engine.ErrUnavailable)

// errFull: so many records wait for a failing disk that no more are taken.
var errFull = fmt.Errorf("too many records wait for the disk: %w", engine.ErrUnavailable)

// item is one record on its way to the disk. It is the engine.Commit of a
// decision.
type item struct {
	seq      uint64
	data     []byte
	also     func(tx *bbolt.Tx, seq uint64) error // changes that belong to the record; nil for most
	decision bool
	done     chan struct{}
	err      error // read after done
	told     bool  // done is closed
}

func (i *item) Done() <-chan struct{} { return i.done }

func (i *item) Err() error {
	select {
	case <-i.done:
		return i.err
	default:
		return nil
	}
}

// tell closes done once; a decision that first failed and then got to the disk
// after all keeps its error.
func (i *item) tell(err error) {
	if !i.told {
		i.told, i.err = true, err
		close(i.done)
	}
}

// journal brings records to the log in the order they came: whatever queued up
// during a commit is the next commit.
type journal struct {
	file *logFile
	tuning
	wake chan struct{} // of capacity one: there is something to do

	mu      sync.Mutex
	queue   []*item // not on disk yet, in order; those of the running commit included
	bytes   int     // of queue
	last    uint64  // the last sequence number given
	durable uint64  // the last sequence number on disk
	gone    uint64  // the number of records that retention took
	failing error   // why the disk does not take records; nil while it does
	lost    uint64  // decisions that were never taken into the queue
	closed  bool
	moved   chan struct{} // closed and replaced when durable, failing or closed changes

	stop    chan struct{} // closed: give up retrying
	stopped chan struct{} // closed: the goroutine is gone
}

func startJournal(file *logFile, t tuning) *journal {
	j := &journal{
		file: file, tuning: t, last: file.last, durable: file.last, gone: file.gone,
		wake: make(chan struct{}, 1), moved: make(chan struct{}),
		stop: make(chan struct{}), stopped: make(chan struct{}),
	}
	go j.run()
	return j
}

// append queues a record. It never waits. While the disk fails a decision's
// item is done at once, with the error, and goes on being retried. Where no
// more is taken, the item is nil and the error says why.
func (j *journal) append(data []byte, decision bool, also func(*bbolt.Tx, uint64) error) (*item, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.closed {
		return nil, errClosed
	}
	if len(j.queue) >= j.maxPending || j.bytes+len(data) > j.maxBytes && len(j.queue) > 0 {
		if decision {
			j.lost++
		}
		return nil, errFull
	}
	j.last++
	it := &item{seq: j.last, data: data, also: also, decision: decision, done: make(chan struct{})}
	if j.failing != nil && decision {
		it.tell(j.failing)
	}
	j.queue = append(j.queue, it)
	j.bytes += len(data)
	select {
	case j.wake <- struct{}{}:
	default:
	}
	return it, nil
}

// The most that one commit takes, so that nobody waits long for others' bytes.
const (
	commitItems = 8192
	commitBytes = 16 << 20
)

func (j *journal) run() {
	defer close(j.stopped)
	pause := j.backoff
	for {
		batch, closed := j.next()
		if len(batch) == 0 {
			if closed {
				return
			}
			<-j.wake
			continue
		}
		began := time.Now()
		err := j.commit(func() error { return j.file.append(batch) })
		if j.onCommit != nil {
			j.onCommit(len(batch), time.Since(began), err)
		}
		if err != nil {
			j.failed(batch, err)
			select {
			case <-j.stop:
				j.giveUp()
				return
			case <-time.After(pause):
			}
			pause = min(2*pause, j.maxBackoff)
			continue
		}
		pause = j.backoff
		j.committed(batch)
		j.file.ahead.Fill()
	}
}

func (j *journal) next() (batch []*item, closed bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	n, size := 0, 0
	for n < len(j.queue) && n < commitItems && (n == 0 || size+len(j.queue[n].data) <= commitBytes) {
		size += len(j.queue[n].data)
		n++
	}
	return j.queue[:n:n], j.closed
}

func (j *journal) committed(batch []*item) {
	j.mu.Lock()
	j.queue = j.queue[len(batch):]
	if len(j.queue) == 0 {
		j.queue = nil // gives the array back
	}
	for _, it := range batch {
		j.bytes -= len(it.data)
	}
	j.durable = batch[len(batch)-1].seq
	j.failing = nil
	j.announce()
	j.mu.Unlock()
	for _, it := range batch {
		it.tell(nil)
	}
}

// failed lets decisions go on; completions wait for a retry.
func (j *journal) failed(batch []*item, err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.failing == nil {
		defer j.announce()
	}
	j.failing = fmt.Errorf("%w: %w", engine.ErrUnavailable, err)
	for _, it := range j.queue {
		if it.decision {
			it.tell(j.failing)
		}
	}
}

// giveUp ends all waits at closing.
func (j *journal) giveUp() {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, it := range j.queue {
		it.tell(errors.Join(errClosed, j.failing))
	}
	j.announce()
}

// announce wakes whoever waits for a change; j.mu is held.
func (j *journal) announce() {
	close(j.moved)
	j.moved = make(chan struct{})
}

// wait returns when the record of that sequence number is on disk.
func (j *journal) wait(ctx context.Context, seq uint64) error {
	for {
		j.mu.Lock()
		moved, durable := j.moved, j.durable
		j.mu.Unlock()
		if durable >= seq {
			return nil
		}
		select {
		case <-moved:
		case <-j.stopped:
			return j.ended(seq)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// ended is the answer to a wait after the goroutine has gone.
func (j *journal) ended(seq uint64) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.durable >= seq {
		return nil
	}
	return errClosed
}

// get returns a record, on disk or on its way there; nil where there is none.
func (j *journal) get(seq uint64) ([]byte, error) {
	j.mu.Lock()
	if len(j.queue) > 0 && seq >= j.queue[0].seq {
		defer j.mu.Unlock()
		if i := seq - j.queue[0].seq; i < uint64(len(j.queue)) {
			return j.queue[i].data, nil
		}
		return nil, nil
	}
	j.mu.Unlock()
	return j.file.get(seq)
}

// position is the last sequence number given and the last on disk.
func (j *journal) position() (last, durable uint64) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.last, j.durable
}

// lose counts a decision that was not taken.
func (j *journal) lose() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.lost++
}

// took notes that retention deleted n records.
func (j *journal) took(n uint64) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.gone += n
}

// close brings the queue to the disk, or gives up after a while where the disk
// does not take it.
func (j *journal) close() error {
	j.mu.Lock()
	j.closed = true
	j.announce()
	j.mu.Unlock()
	select {
	case j.wake <- struct{}{}:
	default:
	}
	select {
	case <-j.stopped:
	case <-time.After(j.closeWait):
		close(j.stop)
		<-j.stopped
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if len(j.queue) > 0 {
		return fmt.Errorf("%d records did not get to the disk: %w", len(j.queue), j.failing)
	}
	return nil
}
