package alohaa

import (
	"bytes"
	"regexp"
)

// nextField is where a comment must have ended that lost its line's end: before
// the next field, or before the object's end.
var nextField = regexp.MustCompile(`"\w+"\s*:|}\s*$`)

// unflatten gives the comments of a JSON object on one line their ends back.
// "curl -d @sample" drops the line breaks of the provider's own sample, whose
// comment then swallows all that follows. It reports false where there is no
// such comment; body stays as it is.
func unflatten(body []byte) ([]byte, bool) {
	if bytes.ContainsAny(body, "\r\n") {
		return nil, false
	}
	var out []byte
	from, quoted := 0, false
	for i := 0; i < len(body); i++ {
		switch {
		case quoted && body[i] == '\\':
			i++
		case body[i] == '"':
			quoted = !quoted
		case !quoted && bytes.HasPrefix(body[i:], []byte("//")):
			end := nextField.FindIndex(body[i:])
			if end == nil {
				return nil, false
			}
			out = append(out, body[from:i]...)
			from = i + end[0]
			i = from - 1
		}
	}
	return append(out, body[from:]...), from > 0
}
