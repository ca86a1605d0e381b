package alohaa

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/url"
	"regexp"
	"strings"

	"github.com/tailscale/hujson"

	"switchboard/engine"
)

// Cause is why a payload could not be read, as it is counted and shown.
type Cause string

// The causes of an UnreadableError.
const (
	CauseSyntax   Cause = "syntax"     // neither a JSON object nor a form
	CauseNoDID    Cause = "no_did"     // an initiation that names no DID
	CauseNoCallID Cause = "no_call_id" // a completion that names no call
	CauseTooLong  Cause = "too_long"   // a field over its limit
)

// UnreadableError refuses a payload. Message says what to send instead and
// holds nothing of the payload's values.
type UnreadableError struct {
	Cause   Cause
	Message string
	// Caller and DID are what could be read of an initiation all the same: they
	// decide which fallback answers. Zero where nothing could.
	Caller, DID engine.Number
}

func (e *UnreadableError) Error() string { return e.Message }

var errSyntax = &UnreadableError{Cause: CauseSyntax, Message: "the payload is neither a JSON object nor a form; send a JSON object such as {\"did\": \"918645658689\", \"call_id\": \"...\"}"}

// decode reads a payload into its fields. Bytes that are no UTF-8 are replaced
// here, so that nothing behind meets them; the payload keeps them.
func decode(p engine.Payload) (fields, error) {
	body := bytes.ToValidUTF8(p.Body, []byte("\ufffd"))
	if p.Type == queryType {
		return decodeForm(string(body)), nil
	}
	body = bytes.TrimSpace(bytes.TrimPrefix(body, []byte("\ufeff")))
	if len(body) == 0 {
		return nil, &UnreadableError{Cause: CauseSyntax, Message: "the request has no body; send a JSON object with the call's fields"}
	}
	if bytes.IndexByte([]byte(`{["/`), body[0]) >= 0 {
		return decodeJSON(body)
	}
	kind, params, _ := mime.ParseMediaType(p.Type)
	if kind == "multipart/form-data" && params["boundary"] != "" {
		return decodeMultipart(body, params["boundary"])
	}
	if kind == "application/x-www-form-urlencoded" || formLike.Match(body) {
		return decodeForm(string(body)), nil
	}
	return nil, errSyntax
}

// formLike recognises a form that its Content-Type does not tell of.
var formLike = regexp.MustCompile(`^[\w.%+\[\]-]+=[^<>\r\n]*$`)

// decodeJSON reads an object; strictly first, because that is fast and what
// most requests are, then with comments and trailing commas.
func decodeJSON(body []byte) (fields, error) {
	var f fields
	err := json.Unmarshal(body, &f)
	if err != nil && !deep(body) {
		f, err = lenient(body)
		if whole, ok := unflatten(body); err != nil && ok {
			f, err = lenient(whole)
		}
	}
	if err != nil || f == nil {
		return nil, errSyntax
	}
	return f, nil
}

func lenient(body []byte) (f fields, err error) {
	// Standardize overwrites what it reads.
	body, err = hujson.Standardize(bytes.Clone(body))
	if err != nil {
		return nil, err
	}
	return f, json.Unmarshal(body, &f)
}

// maxDepth bounds the nesting of what is read leniently. The lenient reader
// recurses: 64 KiB of brackets would cost it more time than a call has.
const maxDepth = 500

// deep reports whether brackets nest deeper than maxDepth. It counts those in
// strings too, which only makes it stricter with what is broken anyway.
func deep(body []byte) bool {
	depth := 0
	for _, b := range body {
		switch b {
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		}
		if depth > maxDepth {
			return true
		}
	}
	return false
}

// decodeForm reads "a=b&c=d". It is lenient where url.ParseQuery is not: a
// value with a broken escape is taken as it stands, for a call waits on it. A
// plus that a value begins with is a number's, sent without the escape that
// would keep it from meaning a blank.
func decodeForm(s string) fields {
	f := fields{}
	for part := range strings.SplitSeq(s, "&") {
		name, value, _ := strings.Cut(part, "=")
		if name = unescape(name); name != "" {
			bare, plus := strings.CutPrefix(value, "+")
			if value = unescape(bare); plus {
				value = "+" + value
			}
			f.set(name, value)
		}
	}
	return f
}

func unescape(s string) string {
	if plain, err := url.QueryUnescape(s); err == nil {
		return strings.ToValidUTF8(plain, "\ufffd")
	}
	return s
}

func decodeMultipart(body []byte, boundary string) (fields, error) {
	f := fields{}
	for r := multipart.NewReader(bytes.NewReader(body), boundary); ; {
		part, err := r.NextPart()
		if errors.Is(err, io.EOF) && len(f) > 0 {
			return f, nil
		}
		if err != nil {
			return nil, errSyntax
		}
		value, err := io.ReadAll(part)
		if err != nil {
			return nil, errSyntax
		}
		if name := part.FormName(); name != "" {
			f.set(name, string(value))
		}
	}
}
