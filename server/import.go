package server

import (
	"cmp"
	"errors"
	"io"
	"net/http"
	"slices"

	"github.com/gin-gonic/gin"

	"switchboard/server/backfill"
)

// importCompletions takes reports of the past, a JSON object a line in the
// provider's field names, as the webhook takes those of now, but for the relay, which
// passes them on only where the query says relay=true. The same lines again change
// nothing.
func (s *Server) importCompletions(c *gin.Context) error {
	if err := onlyParameters(c, "relay"); err != nil {
		return err
	}
	relay, err := flag(c, "relay")
	if err != nil {
		return err
	}
	var lines []int
	var reports [][]byte
	out := backfill.Result{Rejected: []backfill.Rejected{}}
	for rows := backfill.JSON(c.Request.Body); ; {
		row, err := rows.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		var tooLarge *http.MaxBytesError
		switch {
		case errors.As(err, &tooLarge):
			return fail(http.StatusRequestEntityTooLarge, "The body is larger than %d bytes. Send the reports in several requests.", tooLarge.Limit)
		case err != nil:
			return fail(http.StatusBadRequest, "The body could not be read to its end. Send it again; nothing of it was taken.")
		case row.Err != nil:
			out.Rejected = append(out.Rejected, backfill.Rejected{Line: row.Line, Why: row.Err.Error()})
			continue
		}
		if len(reports) == backfill.MaxBatch {
			return fail(http.StatusRequestEntityTooLarge, "There are more than %d reports. Send them in several requests; nothing of this one was taken.", backfill.MaxBatch)
		}
		lines, reports = append(lines, row.Line), append(reports, row.Report)
	}
	ctx, cancel := s.committing(c)
	defer cancel()
	taker := backfill.Taker{Parser: s.parser, Complete: s.o.Completer.Complete, Now: s.o.Now, Relay: relay}
	got, err := taker.Batch(ctx, reports)
	if err != nil {
		return err
	}
	out.Add(got, func(n int) int { return lines[n-1] })
	slices.SortFunc(out.Rejected, func(a, b backfill.Rejected) int { return cmp.Compare(a.Line, b.Line) })
	if got.Stored+got.Updated > 0 {
		s.audited(ctx, "calls.import", "", map[string]any{"stored": got.Stored, "updated": got.Updated, "relay": relay})
	}
	return writeJSON(c, http.StatusOK, out)
}
