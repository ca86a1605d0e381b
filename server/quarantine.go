package server

import (
	"context"
	"net/http"

	"github.com/gin-gonic/gin"

	"switchboard/engine"
	"switchboard/server/alohaa"
)

// quarantineView is an item of GET /quarantine.
type quarantineView struct {
	ID     string  `json:"id"`
	At     *string `json:"at"` // first arrival
	Kind   string  `json:"kind"`
	Cause  string  `json:"cause"`
	Count  int     `json:"count"`
	Type   string  `json:"type,omitempty"`
	Body   string  `json:"body"`
	Base64 bool    `json:"base64,omitempty"`
}

func (s *Server) quarantine(c *gin.Context) error {
	if err := onlyParameters(c); err != nil {
		return err
	}
	items, err := s.o.Quarantine.QuarantineList(c.Request.Context())
	if err != nil {
		return err
	}
	views := make([]quarantineView, 0, len(items))
	for _, i := range items {
		v := quarantineView{ID: i.ID, At: rfc3339(i.At), Kind: i.Kind, Cause: i.Cause, Count: i.Count, Type: i.Raw.Type}
		v.Body, v.Base64 = text(i.Raw.Body)
		views = append(views, v)
	}
	return writeJSON(c, http.StatusOK, struct {
		Items []quarantineView `json:"items"`
	}{views})
}

// retry reads a quarantined completion once more, as after an update that
// understands it.
func (s *Server) retry(c *gin.Context) error {
	id, item, err := s.quarantined(c)
	if err != nil {
		return err
	}
	result, err := s.readAgain(c.Request.Context(), id, item)
	if err != nil {
		return err
	}
	writeResult(c, result)
	return nil
}

// readAgain has a quarantined completion counted, and deletes it.
func (s *Server) readAgain(ctx context.Context, id string, item *engine.QuarantineItem) (engine.CompletionResult, error) {
	if item.Kind != "completion" {
		return "", fail(http.StatusConflict, "The call of this initiation is long over, so there is nothing to route. Delete the item instead.")
	}
	report, err := s.parser.Completion(alohaa.FromPayload(item.Raw), item.At)
	if err != nil {
		_, sentence := unreadable(err)
		return "", fail(http.StatusUnprocessableEntity, "It still cannot be read: %s", sentence)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.o.CompletionTimeout)
	defer cancel()
	result, err := s.o.Completer.Complete(ctx, report)
	if err != nil {
		return "", err
	}
	s.completed(report, result)
	// Deleted only now: a completion that comes twice changes nothing, one that
	// is lost does.
	if _, err := s.o.Quarantine.QuarantineDelete(ctx, id); err != nil {
		return "", err
	}
	s.audited(ctx, "quarantine.retry", id, map[string]any{"call_id": report.CallID, "result": result})
	return result, nil
}

func (s *Server) discard(c *gin.Context) error {
	id, err := quarantineID(c)
	if err != nil {
		return err
	}
	if err := s.discardItem(c.Request.Context(), id); err != nil {
		return err
	}
	c.Status(http.StatusNoContent)
	return nil
}

func (s *Server) discardItem(ctx context.Context, id string) error {
	found, err := s.o.Quarantine.QuarantineDelete(ctx, id)
	switch {
	case err != nil:
		return err
	case !found:
		return notQuarantined(id)
	}
	s.audited(ctx, "quarantine.delete", id, nil)
	return nil
}

func (s *Server) quarantined(c *gin.Context) (string, *engine.QuarantineItem, error) {
	id, err := quarantineID(c)
	if err != nil {
		return "", nil, err
	}
	item, err := s.quarantinedItem(c.Request.Context(), id)
	return id, item, err
}

func (s *Server) quarantinedItem(ctx context.Context, id string) (*engine.QuarantineItem, error) {
	item, err := s.o.Quarantine.QuarantineItem(ctx, id)
	if err == nil && item == nil {
		err = notQuarantined(id)
	}
	return item, err
}

func quarantineID(c *gin.Context) (string, error) {
	if err := onlyParameters(c); err != nil {
		return "", err
	}
	return pathValue(c, "id")
}

func notQuarantined(id string) error {
	return fail(http.StatusNotFound, "There is no item %q in quarantine. GET /api/v1/quarantine lists what there is.", id)
}
