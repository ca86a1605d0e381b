package backfill

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"switchboard/engine"
	"switchboard/server/alohaa"
)

// MaxBatch is how many reports are taken at once.
const MaxBatch = 1000

// atOnce is how many reports of a batch are on their way to the disk together:
// they share its syncs.
const atOnce = 64

// Taker has reports counted.
type Taker struct {
	Parser alohaa.Parser
	// Complete is the ledger's; it may be called by many at once.
	Complete func(ctx context.Context, c *engine.Completion) (engine.CompletionResult, error)
	Now      func() time.Time
	Relay    bool // pass the reports on to the relay's targets
}

// Rejected is a report that could not be read. Why holds nothing of its values.
type Rejected struct {
	Line int    `json:"line"` // in a batch from 1
	Why  string `json:"why"`
}

// Result says what became of reports.
type Result struct {
	Stored    int        `json:"stored"`
	Updated   int        `json:"updated"`
	Duplicate int        `json:"duplicate"`
	Rejected  []Rejected `json:"rejected"`
}

// Add adds another result; line is how many lines come before its first.
func (r *Result) Add(o Result, line func(int) int) {
	r.Stored += o.Stored
	r.Updated += o.Updated
	r.Duplicate += o.Duplicate
	for _, x := range o.Rejected {
		r.Rejected = append(r.Rejected, Rejected{line(x.Line), x.Why})
	}
}

// Batch takes reports, each as the provider would post it, and returns once
// they are on disk. Lines count from 1. When it fails some of them may have been
// taken: the same batch again does no harm.
func (t Taker) Batch(ctx context.Context, reports [][]byte) (Result, error) {
	var stored, updated, duplicate atomic.Int64
	out := Result{Rejected: []Rejected{}}
	why := make([]string, len(reports))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(atOnce)
	arrived := t.Now().UnixNano()
	for i, text := range reports {
		c, err := t.read(text, arrived)
		if err != nil {
			why[i] = sentence(err)
			continue
		}
		g.Go(func() error {
			result, err := t.Complete(ctx, c)
			if err != nil {
				return err
			}
			switch result {
			case engine.Stored:
				stored.Add(1)
			case engine.Updated:
				updated.Add(1)
			default:
				duplicate.Add(1)
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return out, err
	}
	out.Stored, out.Updated, out.Duplicate = int(stored.Load()), int(updated.Load()), int(duplicate.Load())
	for i, w := range why {
		if w != "" {
			out.Rejected = append(out.Rejected, Rejected{i + 1, w})
		}
	}
	return out, nil
}

func (t Taker) read(line []byte, arrived int64) (*engine.Completion, error) {
	report, err := reported(line)
	if err != nil {
		return nil, err
	}
	c, err := t.Parser.Completion(alohaa.Request{ContentType: "application/json", Body: report}, arrived)
	if err != nil {
		return nil, err
	}
	if err := dated(c); err != nil {
		return nil, err
	}
	c.Quiet = !t.Relay
	return c, nil
}

// dated refuses a report of the past whose times can't be read: it would count
// as a call of today. The webhook takes it, for its call is of today.
func dated(c *engine.Completion) error {
	if c.ReceivedAt != 0 || c.EndedAt != 0 {
		return nil
	}
	for _, name := range []string{"received_at", "ended_at"} {
		if _, unread := c.Extra[name]; unread {
			return fmt.Errorf("%s can't be read, so the call would count as one of today; write it like 2025-11-22T06:48:01Z, or in seconds since 1970", name)
		}
	}
	return nil
}

func sentence(err error) string {
	var u *alohaa.UnreadableError
	if errors.As(err, &u) {
		return u.Message
	}
	return err.Error()
}
