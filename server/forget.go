package server

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/gin-gonic/gin"

	"switchboard/engine"
	"switchboard/engine/erase"
)

var forgetFields = []string{"number"}

// forgetView is what was erased, and where the number still stands.
type forgetView struct {
	engine.Erasure
	// Policies names the lines of the set that serves which contain the number:
	// they are the operator's to change.
	Policies []string `json:"policies"`
	Next     []string `json:"next"` // what is left to do, in sentences
}

// forget erases a person.
func (s *Server) forget(c *gin.Context) error {
	if err := onlyParameters(c); err != nil {
		return err
	}
	var req struct {
		Number literal `json:"number"`
	}
	if err := decode(c.Request.Body, &req, forgetFields); err != nil {
		return err
	}
	// Half an erasure helps nobody: it goes on when the client hangs up, and takes
	// its time in a long history.
	if err := http.NewResponseController(c.Writer).SetWriteDeadline(time.Time{}); err != nil {
		return fmt.Errorf("lifting the write deadline: %w", err)
	}
	v, err := s.eraseSomebody(c.Request.Context(), string(req.Number))
	if err != nil {
		return err
	}
	return writeJSON(c, http.StatusOK, v)
}

// eraseSomebody erases the person with a number, in any spelling, whatever
// becomes of who asked.
func (s *Server) eraseSomebody(ctx context.Context, raw string) (*forgetView, error) {
	number, err := s.somebody(ctx, raw)
	if err != nil {
		return nil, err
	}
	got, err := s.o.Eraser.Forget(context.WithoutCancel(ctx), number, by(ctx))
	if err != nil {
		return nil, err
	}
	v := &forgetView{Erasure: *got, Policies: s.policyLines(number)}
	v.Revisions = list(v.Revisions)
	v.Next = v.next()
	s.o.Log.Info("a person was erased", "calls", got.Calls, "records", got.Records, "sessions", got.Sessions, "facts", got.Facts,
		"quarantined", got.Quarantined, "revisions", len(got.Revisions), "by", by(ctx))
	return v, nil
}

// somebody reads a person's number in any spelling; the customer's own lines are
// nobody.
func (s *Server) somebody(ctx context.Context, raw string) (engine.Number, error) {
	n, did := s.o.Numbers.Person(plus(raw)), s.o.Numbers.DID(plus(raw))
	if !n.Valid {
		return n, fail(http.StatusBadRequest, "number: %q is no telephone number, so nobody can be found by it. Write it like 9988912345 or +919988912345.", engine.Mask(shorten(raw)))
	}
	own := s.o.Policies.IsDID(did.Canonical)
	if !own && did.Valid {
		p, err := s.o.History.Profile(ctx, engine.DIDs, did.Canonical)
		if err != nil {
			return n, err
		}
		own = p != nil
	}
	if own {
		return n, fail(http.StatusConflict, "number: %s is one of your own DIDs, not a person. Give the person's number.", engine.Mask(did.Canonical))
	}
	return n, nil
}

// policyLines are the places of the set that serves where a number stands, as
// file:line.
func (s *Server) policyLines(n engine.Number) []string {
	out := []string{}
	p, err := erase.New(n)
	if err != nil {
		return out
	}
	for path, text := range s.o.Policies.Status().Files {
		line := 0
		for l := range bytes.Lines(text) {
			if line++; p.In(l) {
				out = append(out, fmt.Sprintf("%s:%d", path, line))
			}
		}
	}
	slices.Sort(out)
	return out
}

func (v *forgetView) next() []string {
	out := []string{}
	if len(v.Policies) > 0 {
		out = append(out, "The policies that serve still contain the number: change the lines that are named. Their copy in the archive is deleted, "+
			"so that set can't serve out of it; a restart with the folder as it is would archive the number again.")
	}
	if !v.Empty() {
		out = append(out, "Freed parts of the database file hold the number until it is written anew: stop the server once and run \"switchboard db compact\".",
			"Copies that were made before still contain the person. Delete them, or erase the person from them too.")
	}
	return out
}
