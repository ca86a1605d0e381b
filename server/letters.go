package server

import (
	"context"
	"errors"
	"net/http"
	"time"

	"switchboard/engine"
)

// What people and programs do with the relay's dead letters.

// deadPage is a page of dead letters behind a cursor, of one target alone where
// only names it; next is empty where the page is not full.
func (s *Server) deadPage(only, cursor string, limit int) (found []engine.DeadLetter, next string, err error) {
	after, seq := "", uint64(0)
	if cursor != "" {
		var ok bool
		if after, seq, ok = splitLetter(cursor); !ok {
			return nil, "", engine.ErrBadCursor
		}
	}
	if found, err = s.o.Relay.Dead(only, after, seq, limit); err == nil && len(found) == limit {
		next = joinLetter(found[limit-1].Target, found[limit-1].Letter.Seq)
	}
	return found, next, err
}

// retryDead lets a message that was given up be sent again.
func (s *Server) retryDead(ctx context.Context, id string) error {
	err := doLetter(id, s.o.Relay.Retry)
	switch {
	case errors.Is(err, engine.ErrTargetUnknown), errors.Is(err, engine.ErrLetterGone):
		return fail(http.StatusConflict, "%s: %v.", id, err)
	case err == nil:
		s.audited(ctx, "relay.retry", id, nil)
	}
	return err
}

func (s *Server) deleteDead(ctx context.Context, id string) error {
	err := doLetter(id, s.o.Relay.Delete)
	if err == nil {
		s.audited(ctx, "relay.delete", id, nil)
	}
	return err
}

// doLetter does something with the letter of an ID.
func doLetter(id string, do func(target string, seq uint64) (bool, error)) error {
	if target, seq, ok := splitLetter(id); ok {
		if found, err := do(target, seq); found || err != nil {
			return err
		}
	}
	return fail(http.StatusNotFound, "There is no dead letter %q. GET /api/v1/relay/dead lists what there is.", engine.Mask(id))
}

// retryAllTime bounds how long all dead letters are brought on their way: each
// waits for the disk.
const retryAllTime = 10 * time.Second

// retryAllDead lets all messages that were given up be sent again, as far as they
// can be and as the time allows; more reports that it did not.
func (s *Server) retryAllDead(ctx context.Context) (more bool, err error) {
	began, sent, left, cursor := time.Now(), 0, 0, ""
	for {
		var page []engine.DeadLetter
		if page, cursor, err = s.deadPage("", cursor, engine.MaxPage); err != nil {
			break
		}
		for i := 0; i < len(page) && err == nil && !more; i++ {
			_, err = s.o.Relay.Retry(page[i].Target, page[i].Letter.Seq)
			switch {
			case err == nil:
				sent++
			case errors.Is(err, engine.ErrTargetUnknown), errors.Is(err, engine.ErrLetterGone):
				left++
				err = nil
			}
			more = time.Since(began) > retryAllTime || ctx.Err() != nil
		}
		if err != nil || more || cursor == "" {
			break
		}
	}
	if sent > 0 {
		s.audited(ctx, "relay.retry_all", "relay", map[string]any{"sent_again": sent, "cannot_be_sent": left})
	}
	return more, err
}
