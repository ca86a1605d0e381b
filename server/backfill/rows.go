package backfill

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"switchboard/engine"
	"switchboard/server/export"
)

// Row is a report as a file has it.
type Row struct {
	Line   int    // from 1, where it begins
	Raw    []byte // as it stands in the file, without the line's end
	Report []byte // as the provider would post it; nil where Err says why there is none
	Err    error
}

// Rows reads rows one by one; io.EOF is the end.
type Rows interface {
	Next() (Row, error)
	// Head is what must stand before rows in a file of their own: the line of
	// names of a CSV.
	Head() []byte
}

var errTooLong = fmt.Errorf("the line is longer than %d bytes; a report is far shorter", engine.MaxBody)

// JSON reads a JSON object a line; empty lines are passed over.
func JSON(r io.Reader) Rows { return &jsonRows{in: bufio.NewReaderSize(r, engine.MaxBody+2)} }

type jsonRows struct {
	in   *bufio.Reader
	line int
}

func (j *jsonRows) Head() []byte { return nil }

func (j *jsonRows) Next() (Row, error) {
	for {
		text, err := j.in.ReadSlice('\n')
		if err != nil && len(text) == 0 {
			return Row{}, err
		}
		j.line++
		if errors.Is(err, bufio.ErrBufferFull) {
			return j.long(text)
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return Row{}, err
		}
		if j.line == 1 {
			text = bytes.TrimPrefix(text, []byte("\ufeff"))
		}
		text = bytes.TrimSpace(text)
		if len(text) > 0 {
			text = bytes.Clone(text)
			return Row{Line: j.line, Raw: text, Report: text}, nil
		}
	}
}

// maxKept is how much of a line that is too long is given back.
const maxKept = 16 << 20

// long reads on to the end of a line that is too long.
func (j *jsonRows) long(text []byte) (Row, error) {
	row := Row{Line: j.line, Raw: bytes.Clone(text), Err: errTooLong}
	for {
		more, err := j.in.ReadSlice('\n')
		if len(row.Raw) < maxKept {
			row.Raw = append(row.Raw, more...)
		}
		switch {
		case err == nil, errors.Is(err, io.EOF):
			row.Raw = bytes.TrimSpace(row.Raw)
			return row, nil
		case !errors.Is(err, bufio.ErrBufferFull):
			return Row{}, err
		}
	}
}

// CSV reads comma-separated values under a line of names: those of the
// provider's fields. An empty cell is a field that was not reported; a column of
// another name is kept with the report. The error says what is wrong with the
// names.
func CSV(r io.Reader) (Rows, error) {
	text := &recorder{r: r}
	in := csv.NewReader(text)
	in.ReuseRecord = true
	names, err := in.Read()
	if errors.Is(err, io.EOF) {
		return nil, errors.New("the file is empty; its first line must name the columns, call_id among them")
	}
	if err != nil {
		return nil, fmt.Errorf("the line of names can't be read: %w", err)
	}
	names = slices.Clone(names)
	names[0] = strings.TrimPrefix(names[0], "\ufeff")
	for i, name := range names {
		names[i] = strings.ToLower(strings.TrimSpace(name))
		if slices.Contains(names[:i], names[i]) {
			return nil, fmt.Errorf("two columns are named %q; leave one out", names[i])
		}
	}
	if !slices.Contains(names, "call_id") {
		return nil, fmt.Errorf("no column is named call_id; the first line must name the columns as the provider names its fields, and has %s", strings.Join(names, ", "))
	}
	return &csvRows{in: in, text: text, names: names, own: exportedColumns(names), head: bytes.TrimPrefix(text.until(in.InputOffset()), []byte("\ufeff"))}, nil
}

type csvRows struct {
	in    *csv.Reader
	text  *recorder
	names []string
	own   bool // an export of ours
	head  []byte
}

func (c *csvRows) Head() []byte { return c.head }

// recorder keeps what was read and not yet asked for: of a line that is no CSV
// the reader gives nothing back.
type recorder struct {
	r    io.Reader
	text []byte
	at   int64 // of text's beginning
}

// Read reads, and keeps a copy.
func (r *recorder) Read(b []byte) (int, error) {
	n, err := r.r.Read(b)
	r.text = append(r.text, b[:n]...)
	return n, err
}

// until returns what comes before a place, but for line ends around it.
func (r *recorder) until(offset int64) []byte {
	n := min(int(offset-r.at), len(r.text))
	out := bytes.Trim(bytes.Clone(r.text[:n]), "\r\n")
	r.text, r.at = r.text[n:], offset
	return out
}

func (c *csvRows) Next() (Row, error) {
	cells, err := c.in.Read()
	var wrong *csv.ParseError
	switch {
	case errors.As(err, &wrong):
		why := fmt.Errorf("it is no line of CSV: %w", wrong.Err)
		if errors.Is(err, csv.ErrFieldCount) {
			why = fmt.Errorf("it has %d cells under %d names", len(cells), len(c.names))
		}
		return Row{Line: wrong.StartLine, Raw: c.text.until(c.in.InputOffset()), Err: why}, nil
	case err != nil:
		return Row{}, err
	}
	at, _ := c.in.FieldPos(0)
	row := Row{Line: at, Raw: c.text.until(c.in.InputOffset())}
	fields := make(map[string]string, len(cells))
	for i, cell := range cells {
		if c.own {
			cell = export.Meant(cell)
		}
		if cell != "" && c.names[i] != "" {
			fields[c.names[i]] = cell
		}
	}
	row.Report, row.Err = json.Marshal(fields)
	return row, nil
}
