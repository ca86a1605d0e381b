package journal

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"go.etcd.io/bbolt"

	"switchboard/engine"
	"switchboard/engine/failpoint"
)

// errClosed: the store was closed.
var errClosed = fmt.Errorf("the store is closed: %w", engine.ErrUnavailable)

// errFull: so many records wait for a failing disk that no more are taken.
var errFull = fmt.Errorf("too many records wait for the disk: %w", engine.ErrUnavailable)

// Bounds say how much a journal holds, and how it tries again.
type Bounds struct {
	MaxPending int           // records waiting for the disk before no more are taken
	MaxBytes   int           // the same, in bytes
	Backoff    time.Duration // the first pause after a failed commit; it doubles
	MaxBackoff time.Duration // the longest pause
	// OnCommit is told of each attempt to bring records to the disk: how many, how
	// long it took, and why it failed. It must not block. Optional.
	OnCommit func(records int, took time.Duration, err error)
	// Commit stands around each commit and normally just calls it: the seam for
	// disks that fail.
	Commit func(next func() error) error
}

// Journal brings records to the log in the order they came: whatever queued up
// during a commit is the next commit.
type Journal struct {
	file   *File
	bounds Bounds
	wake   chan struct{} // of capacity one: there is something to do

	mu      sync.Mutex
	queue   []*Item         // not on disk yet, in order; those of the running commit included
	changes []*besideChange // changes without a record that wait for their turn, in order
	bytes   int             // of queue
	last    uint64          // the last sequence number given
	durable uint64          // the last sequence number on disk
	gone    uint64          // the number of records that were deleted
	failing error           // why the disk does not take records; nil while it does
	lost    uint64          // hasty records that were never taken into the queue
	closed  bool
	moved   chan struct{} // closed and replaced when durable, failing or closed changes

	stop     chan struct{} // closed: give up retrying
	stopOnce sync.Once
	stopped  chan struct{} // closed: the goroutine is gone
}

// Start lets a journal append to a file.
func Start(file *File, b Bounds) *Journal {
	j := &Journal{
		file: file, bounds: b, last: file.last, durable: file.last, gone: file.gone,
		wake: make(chan struct{}, 1), moved: make(chan struct{}),
		stop: make(chan struct{}), stopped: make(chan struct{}),
	}
	if why := file.Refused(); why != nil {
		j.failing = unavailable(why)
	}
	go j.run()
	return j
}

// Append queues a record, and changes that belong into its transaction (also, which
// may be nil). It never waits. While the disk fails a hasty record's item is done at
// once, with the error, and the record goes on being retried. Where no more is
// taken, the item is nil and the error says why.
func (j *Journal) Append(data []byte, hasty bool, also func(*bbolt.Tx, uint64) error) (*Item, error) {
	return j.AppendHolding(data, 0, hasty, also)
}

// AppendHolding is Append where also writes so many bytes beside the record: they
// count where it is bounded what waits, and what one commit takes.
func (j *Journal) AppendHolding(data []byte, beside int, hasty bool, also func(*bbolt.Tx, uint64) error) (*Item, error) {
	size := len(data) + beside
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.closed {
		return nil, errClosed
	}
	if len(j.queue) >= j.bounds.MaxPending || j.bytes+size > j.bounds.MaxBytes && len(j.queue) > 0 {
		if hasty {
			j.lost++
		}
		return nil, errFull
	}
	j.last++
	it := &Item{Seq: j.last, data: data, size: size, also: also, hasty: hasty, done: make(chan struct{})}
	if j.failing != nil && hasty {
		it.tell(j.failing)
	}
	j.queue = append(j.queue, it)
	j.bytes += size
	j.awaken()
	return it, nil
}

func (j *Journal) awaken() {
	select {
	case j.wake <- struct{}{}:
	default:
	}
}

// The most that one commit takes, so that nobody waits long for others' bytes: one
// who comes during a commit waits for that and the next. Only a record that is
// larger by itself makes a larger one.
const (
	commitItems = 8192
	commitBytes = 2 << 20
)

func (j *Journal) run() {
	defer close(j.stopped)
	pause := j.bounds.Backoff
	for {
		batch, closed := j.next()
		if len(batch) == 0 && j.makeOne() {
			continue
		}
		if len(batch) == 0 && closed {
			return
		}
		if len(batch) == 0 && j.file.Refused() == nil {
			<-j.wake
			continue
		}
		began := time.Now()
		err := j.bounds.Commit(func() error { return j.file.append(batch) })
		if j.bounds.OnCommit != nil && len(batch) > 0 {
			j.bounds.OnCommit(len(batch), time.Since(began), err)
		}
		if err != nil {
			j.failed(batch, err)
			var woken <-chan struct{}
			if len(batch) == 0 {
				woken = j.wake
			}
			select {
			case <-j.stop:
				j.giveUp()
				return
			case <-time.After(pause):
			case <-woken:
			}
			pause = min(2*pause, j.bounds.MaxBackoff)
			continue
		}
		pause = j.bounds.Backoff
		j.committed(batch)
		failpoint.Pass(failpoint.CommitRoom)
		j.file.ahead.Fill()
		j.makeOne()
	}
}

func (j *Journal) next() (batch []*Item, closed bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	n, size := 0, 0
	for n < len(j.queue) && n < commitItems && (n == 0 || size+j.queue[n].size <= commitBytes) {
		size += j.queue[n].size
		n++
	}
	return j.queue[:n:n], j.closed
}

func (j *Journal) committed(batch []*Item) {
	j.mu.Lock()
	j.queue = j.queue[len(batch):]
	if len(j.queue) == 0 {
		j.queue = nil // gives the array back
	}
	for _, it := range batch {
		j.bytes -= it.size
	}
	if len(batch) > 0 {
		j.durable = batch[len(batch)-1].Seq
	}
	j.failing = nil
	failpoint.Pass(failpoint.CommitCounted)
	j.announce()
	j.mu.Unlock()
	for _, it := range batch {
		it.tell(nil)
	}
}

// failed lets those who wait for hasty records go on; others wait for a retry.
func (j *Journal) failed(batch []*Item, err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.failing == nil {
		defer j.announce()
	}
	j.failing = unavailable(err)
	for _, it := range j.queue {
		if it.hasty {
			it.tell(j.failing)
		}
	}
	j.dropChanges(j.failing)
}

func unavailable(why error) error { return fmt.Errorf("%w: %w", engine.ErrUnavailable, why) }

// giveUp ends all waits at closing.
func (j *Journal) giveUp() {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, it := range j.queue {
		it.tell(errors.Join(errClosed, j.failing))
	}
	j.dropChanges(errClosed)
	j.announce()
}

// announce wakes whoever waits for a change; j.mu is held.
func (j *Journal) announce() {
	close(j.moved)
	j.moved = make(chan struct{})
}

// Wait returns when the record of that sequence number is on disk.
func (j *Journal) Wait(ctx context.Context, seq uint64) error {
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
func (j *Journal) ended(seq uint64) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.durable >= seq {
		return nil
	}
	return errClosed
}

// Get returns a record, on disk or on its way there; nil where there is none.
func (j *Journal) Get(seq uint64) ([]byte, error) {
	j.mu.Lock()
	if len(j.queue) > 0 && seq >= j.queue[0].Seq {
		defer j.mu.Unlock()
		if i := seq - j.queue[0].Seq; i < uint64(len(j.queue)) {
			return j.queue[i].data, nil
		}
		return nil, nil
	}
	j.mu.Unlock()
	return j.file.Get(seq)
}

// Position is the last sequence number given and the last on disk.
func (j *Journal) Position() (last, durable uint64) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.last, j.durable
}

// Lose counts a hasty record that was not taken.
func (j *Journal) Lose() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.lost++
}

// Took notes that n records were deleted.
func (j *Journal) Took(n uint64) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.gone += n
}

// Close brings the queue to the disk, or gives up after a while where the disk
// does not take it: the error then says how much was lost. It may be called twice.
func (j *Journal) Close(within time.Duration) error {
	j.mu.Lock()
	j.closed = true
	j.announce()
	j.mu.Unlock()
	j.awaken()
	select {
	case <-j.stopped:
	case <-time.After(within):
		j.stopOnce.Do(func() { close(j.stop) })
		<-j.stopped
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if len(j.queue) > 0 {
		return fmt.Errorf("%d records did not get to the disk: %w", len(j.queue), j.failing)
	}
	return nil
}
