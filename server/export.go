package server

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"time"

	"github.com/gin-gonic/gin"

	"switchboard/engine"
	"switchboard/server/export"
)

// exportParameters are the filters of an export: those of the calls' list, but
// for its pages.
var exportParameters = slices.DeleteFunc(slices.Clone(callParameters), func(p string) bool { return p == "limit" || p == "cursor" })

// exportCSV and exportNDJSON stream all calls that the filter selects, newest
// first.
func (s *Server) exportCSV(c *gin.Context) error {
	return s.export(c, "text/csv; charset=utf-8; header=present", "csv", func(w io.Writer) export.Writer { return export.CSV(w, s.o.Zone) })
}

func (s *Server) exportNDJSON(c *gin.Context) error {
	return s.export(c, "application/x-ndjson", "ndjson", export.NDJSON)
}

func (s *Server) export(c *gin.Context, contentType, ending string, format func(io.Writer) export.Writer) error {
	f, err := s.callFilter(c, exportParameters...)
	if err != nil {
		return err
	}
	return s.download(c, f, func(w io.Writer) download {
		out := format(w)
		return download{
			what: "calls", format: ending, contentType: contentType, ending: ending,
			begin: out.Begin, call: out.Call, flush: out.Flush,
		}
	})
}

// download is a file with something of each call.
type download struct {
	what, format        string // as the audit trail calls them; the file is named after what
	contentType, ending string
	begin               func() error // once, before the first call
	call                func(*engine.Call) error
	flush               func() error // after each page
}

// download goes page by page: between pages nothing of the database is held, so
// that a slow client holds nobody up. The answer's status goes out with the first
// page, and a failure after that breaks the answer off.
func (s *Server) download(c *gin.Context, f engine.CallFilter, onto func(io.Writer) download) error {
	f.Limit = engine.MaxPage
	rc := http.NewResponseController(c.Writer)
	d := onto(&patient{c.Writer, rc, s.o.PrivateTimeout})
	for began := false; ; {
		page, err := s.o.History.Calls(c.Request.Context(), f)
		if err != nil {
			return err
		}
		if !began {
			began = true
			s.audited(c.Request.Context(), d.what+".export", d.format, queryDetail(c))
			c.Header("Content-Type", d.contentType)
			c.Header("Content-Disposition", fmt.Sprintf(`attachment; filename="%s-%s.%s"`, d.what, s.o.Now().UTC().Format("20060102T150405Z"), d.ending))
			c.Status(http.StatusOK)
			c.Writer.WriteHeaderNow()
			if err := d.begin(); err != nil {
				return err
			}
		}
		for _, call := range page.Calls {
			if err := d.call(call); err != nil {
				return err
			}
		}
		if err := errors.Join(d.flush(), flush(rc)); err != nil || page.Next == "" {
			return err
		}
		f.Cursor = page.Next
	}
}

// queryDetail is a request's query for the audit trail, numbers masked.
func queryDetail(c *gin.Context) map[string]any {
	detail := make(map[string]any)
	for name, values := range c.Request.URL.Query() {
		detail[name] = engine.Mask(values[0])
	}
	return detail
}

// flush sends what was written.
func flush(rc *http.ResponseController) error {
	if err := rc.Flush(); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return err
	}
	return nil
}

// patient gives each piece of a long answer the time of a whole short one, so
// that a stuck client is cut off and a slow one is not.
type patient struct {
	w    io.Writer
	rc   *http.ResponseController
	time time.Duration
}

// Write moves the deadline, where there is a connection that can have one, and
// writes.
func (p *patient) Write(b []byte) (int, error) {
	if err := p.rc.SetWriteDeadline(time.Now().Add(p.time)); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return 0, err
	}
	return p.w.Write(b)
}
