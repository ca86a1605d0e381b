package events

import (
	"context"
	"fmt"
	"io"
)

// maxBatch is how many events Next returns at once.
const maxBatch = 64

// Next waits for events and returns those there are, oldest first, and how many
// of any kind were lost before them because the ring went round. The error is
// ctx's, or io.EOF once everything was read and the hub was closed or
// dismissed its readers.
func (r *Reader) Next(ctx context.Context) (batch []Event, lost uint64, err error) {
	for {
		found, missed, news, closed := r.take()
		lost += missed
		for _, e := range found {
			data, err := e.encode()
			if err != nil {
				return nil, lost, fmt.Errorf("event %s: %w", r.hub.id(e.number), err)
			}
			batch = append(batch, Event{ID: r.hub.id(e.number), Kind: e.kind, Data: data})
		}
		switch {
		case len(batch) > 0 || lost > 0:
			return batch, lost, nil
		case closed:
			return nil, 0, io.EOF
		}
		select {
		case <-news:
		case <-ctx.Done():
			return nil, 0, ctx.Err()
		}
	}
}

// take moves the reader on. closed is set when nothing more will come; news is
// closed when something does.
func (r *Reader) take() (found []*entry, lost uint64, news <-chan struct{}, closed bool) {
	h := r.hub
	h.mu.Lock()
	defer h.mu.Unlock()
	if oldest := h.oldest(); r.seen+1 < oldest {
		lost = oldest - 1 - r.seen
		h.dropped += lost
		r.seen = oldest - 1
	}
	for r.seen < h.last && len(found) < maxBatch {
		e := h.ring[r.seen%uint64(len(h.ring))]
		r.seen++
		if r.kinds == nil || r.kinds[e.kind] {
			found = append(found, e)
		}
	}
	return found, lost, h.news, (h.closed || r.term != h.term) && r.seen == h.last
}
