package export

import (
	"encoding/csv"
	"encoding/json"
	"io"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"switchboard/engine"
)

// Writer writes calls, each as one line.
type Writer interface {
	// Begin writes what stands before the first call.
	Begin() error
	Call(c *engine.Call) error
	// Flush hands on what was written.
	Flush() error
}

// Columns are the columns of the CSV, in order. "at" is the moment that dates
// the call; it and the next three are RFC 3339 in the server's time zone, empty
// where unknown.
var Columns = []string{
	"call_id", "at", "routed_at", "received_at", "ended_at", "caller_number", "did", "receiver_number",
	"status", "duration_seconds", "reason", "source", "hangup_cause",
}

// CSV writes comma-separated values (RFC 4180) with a line of names; times are
// shown in a zone.
func CSV(w io.Writer, zone *time.Location) Writer {
	out := csv.NewWriter(w)
	out.UseCRLF = true
	return csvWriter{out, zone, make([]string, 0, len(Columns))}
}

type csvWriter struct {
	w    *csv.Writer
	zone *time.Location
	row  []string
}

func (c csvWriter) Begin() error { return c.w.Write(Columns) }

func (c csvWriter) Call(call *engine.Call) error {
	row := append(c.row[:0], call.CallID, c.time(call.At()), c.time(call.RoutedAt), c.time(call.ReceivedAt), c.time(call.EndedAt),
		call.Caller, call.DID, call.Receiver, string(call.Status), "", call.Reason, string(call.Source), call.HangupCause)
	if call.Duration != engine.NoDuration {
		row[9] = strconv.FormatInt(call.Duration, 10)
	}
	for i := range row {
		row[i] = harmless(row[i])
	}
	return c.w.Write(row)
}

func (c csvWriter) Flush() error {
	c.w.Flush()
	return c.w.Error()
}

func (c csvWriter) time(ns int64) string {
	if ns == 0 {
		return ""
	}
	return time.Unix(0, ns).In(c.zone).Format(time.RFC3339)
}

// begins are the characters that a formula may begin with, those of double width
// included, which some spreadsheets take for the same.
const begins = "=+-@\t\r\n＝＋－＠"

// harmless makes a text one that no spreadsheet takes for a formula.
func harmless(s string) string {
	if first, _ := utf8.DecodeRuneInString(s); s == "" || !strings.ContainsRune(begins, first) {
		return s
	}
	if s[0] == '+' && len(s) > 1 && strings.Trim(s[1:], "0123456789") == "" {
		return s
	}
	return "'" + s
}

// Meant is the text that a cell of the CSV stands for, without the apostrophe
// that keeps a spreadsheet from running it.
func Meant(cell string) string {
	if text, guarded := strings.CutPrefix(cell, "'"); guarded && harmless(text) == cell {
		return text
	}
	return cell
}

// NDJSON writes a JSON object a line, each as the API lists calls.
func NDJSON(w io.Writer) Writer {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	return jsonWriter{enc}
}

type jsonWriter struct{ enc *json.Encoder }

func (jsonWriter) Begin() error                { return nil }
func (j jsonWriter) Call(c *engine.Call) error { return j.enc.Encode(c) }
func (jsonWriter) Flush() error                { return nil }
