package server

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/gin-gonic/gin"

	"switchboard/engine"
)

// Relay delivers completions and operational events to other systems.
type Relay interface {
	// Targets tells how all targets stand. It waits for nobody.
	Targets() []engine.RelayTarget
	// Dead lists messages that were given up, in order of target and sequence
	// number, after (target, seq); of one target alone where only names it.
	Dead(only, target string, seq uint64, limit int) ([]engine.DeadLetter, error)
	// Retry sends such a message again. It reports false for an unknown one, and
	// fails with engine.ErrTargetUnknown or engine.ErrLetterGone where it can't.
	Retry(target string, seq uint64) (found bool, err error)
	// Delete reports false for an unknown one.
	Delete(target string, seq uint64) (found bool, err error)
}

// noRelay is the Relay of a server that has none.
type noRelay struct{}

func (noRelay) Targets() []engine.RelayTarget { return nil }

func (noRelay) Dead(string, string, uint64, int) ([]engine.DeadLetter, error) { return nil, nil }

func (noRelay) Retry(string, uint64) (bool, error) { return false, nil }

func (noRelay) Delete(string, uint64) (bool, error) { return false, nil }

func (s *Server) relayRoutes(api *gin.RouterGroup) {
	api.GET("/relay", s.api(s.relay))
	api.GET("/relay/dead", s.api(s.deadLetters))
	api.POST("/relay/dead/:id/retry", s.api(s.retryLetter))
	api.DELETE("/relay/dead/:id", s.api(s.deleteLetter))
}

// relayView is a target of GET /relay, times in RFC 3339 or null.
type relayView struct {
	ID           string  `json:"id"`
	Kind         string  `json:"kind"` // calls or events
	URL          string  `json:"url"`
	State        string  `json:"state"`
	Waiting      int     `json:"waiting"`
	Unread       uint64  `json:"unread_records"`
	Oldest       *string `json:"oldest"`
	OldestAge    int64   `json:"oldest_age_seconds"`
	Dead         int     `json:"dead_letters"`
	Delivered    uint64  `json:"delivered"` // since start, as the two below
	Failed       uint64  `json:"failed"`
	Dropped      uint64  `json:"dropped"`
	LastSuccess  *string `json:"last_success"`
	LastFailure  *string `json:"last_failure"`
	LastError    string  `json:"last_error"`
	FailingSince *string `json:"failing_since"`
	NextAttempt  *string `json:"next_attempt"`
}

// relay answers how each target stands.
func (s *Server) relay(c *gin.Context) error {
	if err := onlyParameters(c); err != nil {
		return err
	}
	now := s.o.Now().UnixNano()
	views := []relayView{}
	for _, t := range s.o.Relay.Targets() {
		v := relayView{
			ID: t.ID, Kind: t.Kind, URL: t.URL, State: t.State, Waiting: t.Waiting, Unread: t.Unread, Oldest: rfc3339(t.Oldest),
			Dead: t.Dead, Delivered: t.Delivered, Failed: t.Failed, Dropped: t.Dropped,
			LastSuccess: rfc3339(t.LastSuccess), LastFailure: rfc3339(t.LastFailure), LastError: t.LastError,
			FailingSince: rfc3339(t.FailingSince), NextAttempt: rfc3339(t.NextAttempt),
		}
		if t.Oldest != 0 {
			v.OldestAge = max(0, now-t.Oldest) / 1e9
		}
		views = append(views, v)
	}
	return writeJSON(c, http.StatusOK, struct {
		Targets []relayView `json:"targets"`
	}{views})
}

// letterView is a message that was given up.
type letterView struct {
	ID       string  `json:"id"`
	Target   string  `json:"target"`
	CallID   string  `json:"call_id"`
	Sequence uint64  `json:"sequence"`
	At       *string `json:"at"` // when what it tells of reached us
	Attempts int     `json:"attempts"`
	First    *string `json:"first_attempt"`
	Died     *string `json:"given_up"`
	Status   int     `json:"status"` // of the latest attempt; 0 where no answer came
	Error    string  `json:"error"`
	Gone     bool    `json:"gone"` // its record was deleted: it can't be sent again
}

// deadLetters lists messages that were given up, in an order that does not
// change while some come and go.
func (s *Server) deadLetters(c *gin.Context) error {
	if err := onlyParameters(c, "target", "limit", "cursor"); err != nil {
		return err
	}
	limit, err := pageLimit(c)
	if err != nil {
		return err
	}
	found, next, err := s.deadPage(c.Query("target"), c.Query("cursor"), limit)
	if err != nil {
		return err
	}
	views := make([]letterView, 0, len(found))
	for _, d := range found {
		l := d.Letter
		views = append(views, letterView{
			ID: joinLetter(d.Target, l.Seq), Target: d.Target, CallID: l.CallID, Sequence: l.Seq, At: rfc3339(l.At),
			Attempts: l.Attempts, First: rfc3339(l.First), Died: rfc3339(l.Died), Status: l.Status, Error: l.Error, Gone: l.Gone,
		})
	}
	return writeJSON(c, http.StatusOK, struct {
		Letters []letterView `json:"letters"`
		Next    string       `json:"next"`
	}{views, next})
}

// A letter's ID is its target's and its sequence number; no target's ID has a
// dot.
func joinLetter(target string, seq uint64) string {
	return target + "." + strconv.FormatUint(seq, 10)
}

func splitLetter(id string) (target string, seq uint64, ok bool) {
	target, number, found := strings.Cut(id, ".")
	seq, err := strconv.ParseUint(number, 10, 64)
	return target, seq, found && err == nil && seq > 0 && target != ""
}

// retryLetter lets the message that the path names be sent again.
func (s *Server) retryLetter(c *gin.Context) error {
	id, err := letterID(c)
	if err == nil {
		err = s.retryDead(c.Request.Context(), id)
	}
	if err != nil {
		return err
	}
	return writeJSON(c, http.StatusAccepted, struct {
		ID     string `json:"id"`
		Status string `json:"status"`
	}{id, "waiting"})
}

func (s *Server) deleteLetter(c *gin.Context) error {
	id, err := letterID(c)
	if err == nil {
		err = s.deleteDead(c.Request.Context(), id)
	}
	if err == nil {
		c.Status(http.StatusNoContent)
	}
	return err
}

func letterID(c *gin.Context) (string, error) {
	if err := onlyParameters(c); err != nil {
		return "", err
	}
	return pathValue(c, "id")
}
